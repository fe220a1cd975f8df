"""Pages of the practical: with their outputs where they were executed, otherwise as they are written.

`make practical` executes ``docs/practical/<page>`` to ``build/practical/<page>.ipynb``; this site executes nothing.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata

FOLDER = "practical/"
EXECUTED = Path("build") / "practical"
CELL = re.compile(r"^# %%(?P<kind>[^\n]*)\n", re.MULTILINE)
MYST_CELL = re.compile(r"^(`{3,})\{code-cell\}[^\n]*\n((?::[^\n]*\n)*)", re.MULTILINE)
FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


def convert(app: Sphinx, docname: str, content: list[str]) -> None:
    """Turn the source of a page of the practical into Markdown."""
    if not docname.startswith(FOLDER) or docname == f"{FOLDER}index":
        return
    source = Path(app.env.doc2path(docname))
    executed = Path(app.srcdir).parent / EXECUTED / f"{source.stem}.ipynb"
    app.env.note_dependency(str(executed))  # also where it is absent, so that the page is read again once it is there
    if executed.is_file():
        content[0] = from_notebook(json.loads(executed.read_text(encoding="utf-8")))
    elif source.suffix == ".py":
        content[0] = from_percent(content[0])
    else:
        content[0] = MYST_CELL.sub(r"\1python\n", FRONT_MATTER.sub("", content[0], count=1))


def from_percent(text: str) -> str:
    """Markdown of a script in cells (``# %%`` and ``# %% [markdown]``)."""
    _, *parts = CELL.split(text)
    cells = []
    for kind, body in zip(parts[::2], parts[1::2], strict=True):
        if "[markdown]" in kind:
            cells.append(re.sub(r"^# ?", "", body, flags=re.MULTILINE).strip())
        elif body.strip():
            cells.append(_code(body.strip()))
    return "\n\n".join(cells) + "\n"


def from_notebook(notebook: dict[str, Any]) -> str:
    """Markdown of an executed notebook: cells with what they printed and drew."""
    parts = []
    for cell in notebook["cells"]:
        source = _joined(cell["source"]).strip()
        if cell["cell_type"] == "markdown":
            parts.append(source)
        elif cell["cell_type"] == "code" and source:
            parts.append(_code(source))
            parts += [text for output in cell.get("outputs", []) if (text := _output(output))]
    return "\n\n".join(parts) + "\n"


def _output(output: dict[str, Any]) -> str:
    data = output.get("data", {})
    if "image/png" in data:
        alternative = _joined(data.get("text/plain", "figure")).replace("\n", " ")
        alternative = "figure" if alternative.startswith("<") else alternative
        return f"![{alternative}](data:image/png;base64,{_joined(data['image/png']).strip()})"
    if "text/html" in data:
        return f'<div class="pst-scrollable-table-container">\n{_without_blank_lines(data["text/html"])}\n</div>'
    text = _joined(data.get("text/plain", output.get("text", ""))) or "\n".join(output.get("traceback", []))
    text = ESCAPE.sub("", text).rstrip()
    return f"```text\n{text}\n```" if text else ""


def _code(source: str) -> str:
    return f"````python\n{source}\n````"


def _without_blank_lines(text: str | list[str]) -> str:
    """HTML as one block, which a blank line would end."""
    return "\n".join(line for line in _joined(text).splitlines() if line.strip())


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Connect to the event that hands over the source of a page."""
    app.connect("source-read", convert)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
