"""Fingerprints: short hashes that tell whether audio, code or parameters are still the ones a result came from."""

import ast
import hashlib
import importlib.util
from collections.abc import Iterable
from functools import cache
from pathlib import Path

PACKAGES = ("corpora", "features", "models", "benchmarks")
"""The project's own packages: the code that a fingerprint follows imports into."""


def digest(parts: Iterable[bytes | str]) -> str:
    """16 hexadecimal digits that change when any part, or the order of the parts, changes."""
    hashed = hashlib.blake2b(digest_size=8)
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        hashed.update(len(data).to_bytes(8, "little"))
        hashed.update(data)
    return hashed.hexdigest()


def file_digest(path: Path) -> str:
    """Hash of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=8)).hexdigest()


def code_fingerprint(*modules: str) -> str:
    """Hash of the code of these modules and of every project module they import, directly or not.

    Comments, docstrings and layout don't count, so that explaining the code better invalidates nothing.

    Args:
        modules: dotted names such as ``"models.svm"``.
    """
    return digest(f"{name}:{_code(name)[0]}" for name in sorted(_reachable(modules)))


def source_fingerprint(path: Path) -> str:
    """`code_fingerprint` of a file outside the packages, such as a user's own model file."""
    code, imports = _parse(path)
    return digest([code, code_fingerprint(*imports)])


def _reachable(modules: Iterable[str]) -> set[str]:
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(_code(name)[1])
    return found


@cache
def _code(module: str) -> tuple[str, tuple[str, ...]]:
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"no module {module}")
    return _parse(Path(spec.origin))


def _is_docstring(node: ast.stmt) -> bool:
    """Whether a statement is nothing but a text: a docstring, of a constant too."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _is_module(package: str, name: str) -> bool:
    return package in PACKAGES and importlib.util.find_spec(f"{package}.{name}") is not None


def _parse(path: Path) -> tuple[str, tuple[str, ...]]:
    """The code without its docstrings, as text, and the project modules it imports."""
    tree = ast.parse(path.read_text())
    imports: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in PACKAGES:
            imports.add(node.module)
            imports |= {f"{node.module}.{name.name}" for name in node.names if _is_module(node.module, name.name)}
        elif isinstance(node, ast.Import):
            imports |= {name.name for name in node.names if name.name.split(".")[0] in PACKAGES}
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            node.body = [part for part in node.body if not _is_docstring(part)]
    return ast.dump(tree), tuple(sorted(imports))
