"""Links from a page to a file outside the site, such as a model's source or a report: to a copy within the site.

Sphinx takes each of these as a file to download; here they become ``repository/<path>.html``, a page with the code in
color or with the Markdown rendered, written after the build by `copies.write_copies`. A link to what does not exist
stays as it is, so that Sphinx warns about it.
"""

from pathlib import Path
from urllib.parse import unquote

from copies import address, write_copies
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

ROOT = Path(__file__).resolve().parents[2]


def reference_to(app: Sphinx, docname: str, file: Path, fragment: str = "") -> nodes.reference:
    """A link from a page to the copy of a file, whose path is relative to the project."""
    uri = app.builder.get_relative_uri(docname, "index").removesuffix("index.html") + address(file)
    return nodes.reference("", "", internal=True, refuri=uri + (f"#{fragment}" if fragment else ""))


def find_files(app: Sphinx, doctree: nodes.document) -> None:
    """Mark the links to files and folders of the project that are no pages of the site."""
    for node in [*doctree.findall(addnodes.download_reference), *doctree.findall(addnodes.pending_xref)]:
        if isinstance(node, addnodes.pending_xref) and node.get("reftype") != "myst":
            continue
        path, fragment = _target(app, node)
        if path is None or not path.is_relative_to(ROOT):
            continue
        reference = nodes.reference("", "", *node.children, internal=True, refuri="")
        reference["repository_file"], reference["fragment"] = path.relative_to(ROOT).as_posix(), fragment
        node.replace_self(reference)


def _target(app: Sphinx, node: addnodes.download_reference | addnodes.pending_xref) -> tuple[Path | None, str]:
    """The existing file or folder that a link of Markdown leads to, unless it is a page, and the anchor in it."""
    target = unquote(node["reftarget"])
    if node.get("refdomain") == "doc":  # a file whose ending is that of pages, which MyST has left out
        if target in app.env.found_docs:
            return None, ""
        found = [path for suffix in app.config.source_suffix if (path := Path(app.srcdir, target + suffix)).is_file()]
        return (found[0].resolve() if found else None), node.get("reftargetid") or ""
    target, _, fragment = target.partition("#")
    path = Path(app.env.doc2path(app.env.docname)).parent / target
    return (path.resolve() if target and path.exists() else None), fragment


def resolve(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Give the marked links their addresses."""
    for node in doctree.findall(nodes.reference):
        if "repository_file" in node:
            found = reference_to(app, docname, Path(node["repository_file"]), node["fragment"])
            node["refuri"] = found["refuri"]
            del node["repository_file"], node["fragment"]


def write(app: Sphinx, exception: Exception | None) -> None:
    """Write the copies that the finished pages link to."""
    if exception is None and app.builder.format == "html":
        write_copies(Path(app.outdir), ROOT, Path(app.srcdir), set(app.env.found_docs))


def setup(app: Sphinx) -> ExtensionMetadata:
    """Connect to the events of the build."""
    app.connect("doctree-read", find_files, priority=100)  # before Sphinx collects the downloads
    app.connect("doctree-resolved", resolve)
    app.connect("build-finished", write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
