"""Docstrings of constants and attributes as they are written.

Napoleon would read what is before their first colon as a type: ``Hz: the lowest rate`` is a sentence here.
"""

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

CONSTANTS = ("data", "attribute", "property")
_BEFORE, _AFTER = 400, 600
"""Priorities of what runs before and after Napoleon, whose own is 500."""

_written: dict[str, list[str]] = {}


def keep(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Note the text of a constant."""
    if what in CONSTANTS:
        _written[name] = list(lines)


def restore(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Put the noted text back."""
    if what in CONSTANTS:
        lines[:] = _written.pop(name)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Connect to the event that Napoleon is connected to."""
    app.connect("autodoc-process-docstring", keep, priority=_BEFORE)
    app.connect("autodoc-process-docstring", restore, priority=_AFTER)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
