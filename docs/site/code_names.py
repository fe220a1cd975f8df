"""Names of code in backticks become links to the reference, or to the file that holds them.

Pages and docstrings name code relative to the package: ``corpora.clips.Clips`` is ``respbench.corpora.clips.Clips``.
What the package offers itself, such as ``respbench.fit``, is documented where it is defined.
"""

import re
from pathlib import Path

from docutils import nodes
from repository_files import ROOT, reference_to
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

import respbench

NAME = re.compile(r"(?:respbench\.)?((?:corpora|features|models|benchmarks)(?:\.\w+)+)(?:\(\))?")

OFFERED = re.compile(r"respbench\.(\w+)(?:\(.*\))?")


def link_names(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put links around the names on a page."""
    documented = app.env.domains.python_domain.objects
    for literal in list(doctree.findall(nodes.literal)):
        name = _relative_name(literal.astext())
        if not name or isinstance(literal.parent, nodes.reference):
            continue
        entry = documented.get(f"respbench.{name}")
        if entry is not None:
            uri = app.builder.get_relative_uri(docname, entry.docname) + "#" + entry.node_id
            _wrap(literal, nodes.reference("", "", internal=True, refuri=uri))
        elif file := _file_of(name):
            _wrap(literal, reference_to(app, docname, file))


def _relative_name(text: str) -> str:
    """The name of code relative to the package; empty if the text is none."""
    if found := NAME.fullmatch(text):
        return found[1]
    offered = OFFERED.fullmatch(text)
    if not offered or offered[1] not in respbench.__all__:
        return ""
    one = getattr(respbench, offered[1])
    name = f"{one.__module__}.{one.__qualname__}" if hasattr(one, "__qualname__") else one.__name__
    return name.removeprefix("respbench.")


def _wrap(literal: nodes.literal, reference: nodes.reference) -> None:
    literal.replace_self(reference)
    reference += literal


def _file_of(name: str) -> Path | None:
    """The file, relative to the project, of a module or of something in it."""
    parts = name.split(".")
    while parts:
        path = Path("respbench", *parts)
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if (ROOT / file).is_file():
                return file
        parts.pop()
    return None


def setup(app: Sphinx) -> ExtensionMetadata:
    """Connect to the event after which all references are known."""
    app.connect("doctree-resolved", link_names)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
