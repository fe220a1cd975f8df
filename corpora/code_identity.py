"""Identify code: a hash that changes when what it computes may change, and not when it is merely written differently.

Starting from definitions named as ``"package.module:symbol"``, every definition that they refer to is followed, through
all modules of the project: functions, classes (also those in annotations, whose methods are called on arguments) and
constants, but not the other definitions of the same files. Comments, docstrings, formatting, messages of errors, the
names of files, the locale and the version of Python don't count.

What can't be seen in the code isn't followed: attributes set on objects from elsewhere, and modules imported by a name
that is computed. Strings of the form ``"package.module:symbol"`` are followed wherever they are. A module that is
passed on as a value, or that looks its own definitions up by computed names (``globals()``), counts as a whole.
"""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Self

from corpora.code_definitions import Definition, Import, SourceFile
from corpora.digests import digest

PACKAGES = ("corpora", "features", "models", "benchmarks")
"""The project's own packages."""

NOT_FOLLOWED = frozenset({"models.registry", "benchmarks.execution.environment", "corpora.code_identity"})
"""Modules that compute no result: the list of models, what is measured beside a fit, and this file."""

DISTANCE = 3
"""References along which definitions of equal text are told apart by what they refer to; all texts count anyway."""

EFFECTS = ""
"""In place of a symbol: the statements of a module that do something on import."""


@dataclass(frozen=True)
class Module:
    """A source file, and where its imports are looked for.

    Attributes:
        path: of the file, or of a folder without ``__init__.py``.
        name: dotted, relative to ``root``.
        root: folder in which modules beside it are found.
    """

    path: Path
    name: str
    root: Path


@dataclass(frozen=True)
class Node:
    """A definition: a symbol of a module, or its `EFFECTS`."""

    module: Module
    symbol: str


Found = Node | str
"""What a name refers to: a definition that is followed, or the name of something in a library."""


class CodeBase:
    """The source files below a folder, each read once: what it contains later is not what this process executes.

    Args:
        root: folder of the packages.
        packages: names of the packages that are followed.
        not_followed: modules in them that are not.
    """

    def __init__(self, root: Path, packages: tuple[str, ...], not_followed: frozenset[str] = frozenset()) -> None:
        self.root, self.packages, self.not_followed = root, packages, not_followed
        self._sources: dict[Module, SourceFile] = {}
        self._edges: dict[Node, tuple[tuple[str, Found], ...]] = {}
        self._colors: dict[tuple[Node, int], str] = {}

    def identity(self, *targets: str) -> str:
        """Hash the code of definitions and of all that they refer to.

        Args:
            targets: ``"package.module:symbol"``, or ``"package.module"`` for all of a module, or
                ``"/path/file.py:symbol"`` for a file outside the packages, whose imports from its own folder are
                followed, too.

        Raises:
            ModuleNotFoundError: there is no such module.
            LookupError: a module of the packages defines no such symbol.
            SyntaxError: a file is not Python.
        """
        roots = [node for target in targets for node in self._target(target)]
        colors = {self._color(node) for node in self._reachable(roots)}
        return digest([*(self._color(root) for root in roots), *sorted(colors)])

    def reached(self, *targets: str) -> set[str]:
        """Names of all definitions that count, as ``package.module:symbol``."""
        nodes = self._reachable([node for target in targets for node in self._target(target)])
        return {f"{node.module.name}:{node.symbol}" for node in nodes}

    def without_outside_files(self) -> Self:
        """Forget the files outside the packages, which a user may have edited and loaded again."""
        inside = [module for module in self._sources if self._is_inside(module)]
        self._sources = {module: self._sources[module] for module in inside}
        self._edges = {node: edges for node, edges in self._edges.items() if self._is_inside(node.module)}
        self._colors = {key: color for key, color in self._colors.items() if self._is_inside(key[0].module)}
        return self

    # Following references

    def _target(self, target: str) -> list[Found]:
        place, _, symbol = target.rpartition(":") if ":" in target else (target, "", "")
        path = Path(place)
        outside = path.suffix == ".py"
        module = Module(path, path.stem, path.parent) if outside else self._find(place, self.root)
        if module is None or (outside and not path.is_file()):
            raise ModuleNotFoundError(f"no module {place}")
        if not symbol:
            return list(self._whole(module))
        found = list(self._lookup(module, (symbol,)))
        if not found and not outside:
            raise LookupError(f"{place} defines no {symbol}")
        return found or list(self._whole(module))  # defined in a way that can't be seen

    def _reachable(self, roots: list[Found]) -> list[Node]:
        found: dict[Node, None] = {}
        waiting = list(roots)
        imported: set[Module] = set()
        while waiting:
            node = waiting.pop()
            if isinstance(node, Node) and node not in found:
                found[node] = None
                waiting += [other for _, other in self._edges_of(node)]
                waiting += self._effects_of_import(node.module, imported)
        return list(found)

    def _effects_of_import(self, module: Module, imported: set[Module]) -> Iterator[Node]:
        """Statements that are executed when a module is imported: its own, and those of what it imports."""
        waiting = [module]
        while waiting:
            here = waiting.pop()
            if here in imported or here.name in self.not_followed:
                continue
            imported.add(here)
            source = self._source(here)
            if source.effects.statements:
                yield Node(here, EFFECTS)
            parents = [here.name.rpartition(".")[0]] * ("." in here.name)
            names = [self._absolute(bound.module, here) for bound in source.imported]
            names += [
                f"{self._absolute(bound.module, here)}.{bound.symbol}" for bound in source.imported if bound.symbol
            ]
            waiting += [other for name in (*parents, *names) if (other := self._find(name, here.root))]

    def _edges_of(self, node: Node) -> tuple[tuple[str, Found], ...]:
        if node not in self._edges:
            self._edges[node] = tuple(sorted(set(self._references(node)), key=str))
        return self._edges[node]

    def _references(self, node: Node) -> Iterator[tuple[str, Found]]:
        module, uses = node.module, self._definition(node).uses
        for chain in uses.chains:
            label = chain[0]
            for found in self._lookup(module, chain):
                yield label, found
            for bound in uses.imports.get(label, []):
                for found in self._imported(module, bound, chain[1:]):
                    yield label, found
        for target in uses.targets:
            place, _, symbol = target.partition(":")
            other = self._find(place, self.root)
            if other is not None:
                for found in self._lookup(other, (symbol,)) if symbol else self._whole(other):
                    yield target, found
        if uses.reflects:
            for found in self._whole(module):
                yield "*", found

    def _lookup(self, module: Module, chain: tuple[str, ...]) -> Iterator[Found]:
        """What the first name of a chain, or the attribute of a module behind it, refers to."""
        name, rest = chain[0], chain[1:]
        if module.name in self.not_followed:
            yield "not followed"
            return
        source = self._source(module)
        if name in source.definitions:
            yield Node(module, name)
        for bound in source.imports.get(name, []):
            yield from self._imported(module, bound, rest)
        if name not in source.definitions and name not in source.imports:
            for star in source.stars:
                other = self._find(self._absolute(star, module), module.root)
                if other is not None and other != module:
                    yield from self._lookup(other, chain)

    def _imported(self, module: Module, bound: Import, rest: tuple[str, ...]) -> Iterator[Found]:
        """What an imported name, with the attributes behind it, refers to."""
        place = self._absolute(bound.module, module)
        chain = rest if bound.symbol is None else (bound.symbol, *rest)
        here = self._find(place, module.root)
        if here is None:
            yield ".".join([place, *([bound.symbol] if bound.symbol else [])])
            return
        while chain:
            found = list(self._lookup(here, chain))
            if found:
                yield from found
                return
            below = self._find(f"{here.name}.{chain[0]}", here.root)
            if below is None:
                break
            here, chain = below, chain[1:]
        yield from self._whole(here)

    def _whole(self, module: Module) -> Iterator[Found]:
        if module.name in self.not_followed:
            yield "not followed"
            return
        source = self._source(module)
        for name in (*source.definitions, *source.imports):
            yield from self._lookup(module, (name,))
        if source.effects.statements:
            yield Node(module, EFFECTS)
        for star in source.stars:
            other = self._find(self._absolute(star, module), module.root)
            if other is not None and other != module:
                yield from self._whole(other)

    # Files

    def _find(self, name: str, root: Path) -> Module | None:
        """The module of a dotted name in the packages, or else beside the files in ``root``; None = a library's."""
        base = self.root if name.partition(".")[0] in self.packages else root
        if not name or (base == self.root and name.partition(".")[0] not in self.packages):
            return None
        place = base.joinpath(*name.split("."))
        for path in (place / "__init__.py", place.with_name(f"{place.name}.py"), place):
            if path.is_file() or (path == place and path.is_dir() and any(path.glob("*.py"))):
                return Module(path, name, base)
        return None

    def _source(self, module: Module) -> SourceFile:
        if module not in self._sources:
            self._sources[module] = SourceFile(
                module.path.read_bytes() if module.path.is_file() else b"",
                str(module.path),
                lambda name: self._find(self._absolute(name, module), module.root) is not None,
            )
        return self._sources[module]

    def _is_inside(self, module: Module) -> bool:
        return module.root == self.root and module.name.partition(".")[0] in self.packages

    def _definition(self, node: Node) -> Definition:
        source = self._source(node.module)
        return source.definitions[node.symbol] if node.symbol else source.effects

    @staticmethod
    def _absolute(name: str, module: Module) -> str:
        """The dotted name of a module that is imported in another, where it may start with dots."""
        dots = len(name) - len(name.lstrip("."))
        if not dots:
            return name
        parts = module.name.split(".")
        package = parts[: len(parts) - dots + (module.path.name == "__init__.py")]
        return ".".join([*package, *([name[dots:]] if name[dots:] else [])])

    # Hashing

    def _color(self, found: Found, distance: int = DISTANCE) -> str:
        """Hash a definition with those that it refers to, up to a number of references away.

        That is the refinement of colors by Weisfeiler & Leman (1968). Unlike a hash from the leaves up it needs no
        order, which functions that call each other don't have.
        """
        if isinstance(found, str):
            return found
        if (found, distance) not in self._colors:
            parts = [self._definition(found).text]
            if distance:
                references = ((label, self._color(other, distance - 1)) for label, other in self._edges_of(found))
                parts += sorted(f"{label}={color}" for label, color in references)
            self._colors[found, distance] = digest(parts)
        return self._colors[found, distance]


@cache
def _project() -> CodeBase:
    return CodeBase(Path(__file__).resolve().parents[1], PACKAGES, NOT_FOLLOWED)


@cache
def _of_project(targets: tuple[str, ...]) -> str:
    return _project().identity(*targets)


def code_identity(*targets: str) -> str:
    """Hash the code of definitions of the project, or of a user's file, and of all that they refer to.

    Args:
        targets: see `CodeBase.identity`.

    Raises:
        ModuleNotFoundError: there is no such module.
        LookupError: a module of the project defines no such symbol.
        SyntaxError: a file is not Python.
    """
    if all(target.partition(".")[0] in PACKAGES for target in targets):
        return _of_project(targets)
    return _project().without_outside_files().identity(*targets)


def target_of(kind: type) -> str:
    """The target of a class, for `code_identity`: by its module in the packages, else by its file."""
    symbol = kind.__qualname__.partition(".")[0]  # the function around a local class
    if kind.__module__.partition(".")[0] in PACKAGES:
        return f"{kind.__module__}:{symbol}"
    return f"{Path(inspect.getfile(kind)).resolve()}:{symbol}"
