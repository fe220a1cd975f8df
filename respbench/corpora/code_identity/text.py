"""Write a syntax tree as text that depends on what the code computes, not on how it is written down.

Comments, formatting, docstrings and the texts of raised errors are left out. `ast.dump` would keep the last two, and
its format changes with the version of Python.
"""

import ast
from typing import Any

NAMESPACE = "respbench."
"""Left out of names of modules: stored results are older than the package around the four."""

_SKIPPED = frozenset({"ctx", "kind", "type_comment", "type_ignores"})
_ANNOTATIONS = frozenset({"annotation", "returns"})


def code_text(node: ast.AST) -> str:
    """Canonical text of a syntax tree, the same under every version of Python that can parse the code.

    Import statements are left out, too: what an imported name refers to is the business of who follows it.
    """
    return _text(node, annotation=False, raised=False)


def parsed_annotation(text: str) -> ast.expr | None:
    """Parse an annotation that is written as a string; None if the string is no expression."""
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        return None


def _text(value: Any, *, annotation: bool, raised: bool) -> str:
    if isinstance(value, ast.Constant):
        return _constant(value.value, annotation, raised)
    if isinstance(value, ast.JoinedStr):
        return f"f({','.join(_pieces(value, raised))})"
    if isinstance(value, ast.AST):
        raised |= isinstance(value, ast.Raise)
        fields = ((name, getattr(value, name, None)) for name in sorted(value._fields) if name not in _SKIPPED)
        texts = (
            f"{name}={_text(field, annotation=annotation or name in _ANNOTATIONS, raised=raised)}"
            for name, field in fields
            if field is not None and field != []
        )
        return f"{type(value).__name__}({','.join(texts)})"
    if isinstance(value, list):
        kept = (_text(item, annotation=annotation, raised=raised) for item in value if not _says_nothing(item))
        return f"[{','.join(kept)}]"
    return ascii(value)  # an identifier, a number of a field, or a None between others


def _says_nothing(node: Any) -> bool:
    """Whether a statement computes nothing by itself: a docstring, also of a constant, ``pass``, or an import."""
    return isinstance(node, ast.Pass | ast.Import | ast.ImportFrom) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    )


def _constant(value: object, annotation: bool, raised: bool) -> str:
    if isinstance(value, str):
        if raised:
            return "message"
        tree = parsed_annotation(value) if annotation else None
        return f"str:{value.removeprefix(NAMESPACE)!a}" if tree is None else _text(tree, annotation=True, raised=False)
    if isinstance(value, int) and not isinstance(value, bool):
        return f"int:{value:x}"  # decimal digits of long integers are refused by Python
    return f"{type(value).__name__}:{value!a}"


def _pieces(node: ast.JoinedStr, raised: bool) -> list[str]:
    """Parts of an f-string; adjacent texts, which Python's versions divide differently, are joined."""
    if raised:
        return ["message"]
    pieces: list[str] = []
    text = ""
    for part in node.values:
        if isinstance(part, ast.Constant):
            text += str(part.value)
        else:
            pieces += [ascii(text)] * bool(text) + [_text(part, annotation=False, raised=False)]
            text = ""
    return pieces + [ascii(text)] * bool(text)
