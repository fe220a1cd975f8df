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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self

from respbench.corpora.code_identity.definitions import Definition, Import
from respbench.corpora.code_identity.files import CodeFiles, Module
from respbench.corpora.code_identity.text import NAMESPACE
from respbench.corpora.digests import digest

PACKAGES = ("corpora", "features", "models", "benchmarks")
"""The project's own packages."""

NOT_FOLLOWED = frozenset(
    {
        "models.registry",
        "models.pretraining.entries",
        "features.encoders.catalog",
        "features.encoders.encoder",
        "benchmarks.execution.memory",
        "corpora.code_identity.identity",
        "corpora.places",
    }
)
"""Modules that compute no result: lists of models, pretrainings and encoders, what is measured beside fits, where files
are kept, and this file."""

DISTANCE = 3
"""References along which definitions of equal text are told apart by what they refer to; all texts count anyway."""

EFFECTS = ""
"""In place of a symbol: the statements of a module that do something on import."""


@dataclass(frozen=True)
class Node:
    """A definition: a symbol of a module, or its `EFFECTS`."""

    module: Module
    symbol: str


Found = Node | str
"""What a name refers to: a definition that is followed, or the name of something in a library."""


class CodeBase:
    """The definitions in the source files below a folder, and what they refer to.

    Args:
        root: folder of the packages.
        packages: names of the packages that are followed.
        not_followed: modules in them that are not.
    """

    def __init__(self, root: Path, packages: tuple[str, ...], not_followed: frozenset[str] = frozenset()) -> None:
        self.files, self.not_followed = CodeFiles(root, packages), not_followed
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
        self.files.forget_outside()
        self._edges = {node: edges for node, edges in self._edges.items() if node.module.root is None}
        self._colors = {key: color for key, color in self._colors.items() if key[0].module.root is None}
        return self

    def _target(self, target: str) -> list[Found]:
        place, _, symbol = target.rpartition(":") if ":" in target else (target, "", "")
        outside = place.endswith(".py")
        module = self.files.outside(Path(place)) if outside else self.files.find(place)
        if module is None:
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
        """Statements that are executed when a module is imported, those of modules ``imported`` before left out."""
        waiting = [module]
        while waiting:
            here = waiting.pop()
            if here not in imported and here.name not in self.not_followed:
                imported.add(here)
                waiting += self.files.imported_by(here)
                if self.files.effects(here).statements:
                    yield Node(here, EFFECTS)

    def _edges_of(self, node: Node) -> tuple[tuple[str, Found], ...]:
        if node not in self._edges:
            self._edges[node] = tuple(set(self._references(node)))
        return self._edges[node]

    def _references(self, node: Node) -> Iterator[tuple[str, Found]]:
        """Everything that a definition refers to, with the name by which it does."""
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
            other = self.files.find(place)
            if other is not None:
                for found in self._lookup(other, (symbol,)) if symbol else self._whole(other):
                    yield target, found
        if uses.reflects:
            for found in self._whole(module):
                yield "*", found

    def _lookup(self, module: Module, chain: tuple[str, ...]) -> Iterator[Found]:
        """What the first name of a chain refers to in a module; the other names are attributes of it."""
        name, rest = chain[0], chain[1:]
        if module.name in self.not_followed:
            yield "not followed"
            return
        for here in (module, *self._stars(module)):
            source = self.files.source(here)
            if name in source.definitions:
                yield Node(here, name)
            for bound in source.imports.get(name, []):
                yield from self._imported(here, bound, rest)
            if name in source.definitions or name in source.imports:
                return

    def _imported(self, module: Module, bound: Import, rest: tuple[str, ...], modules: bool = True) -> Iterator[Found]:
        """What an imported name, with the attributes behind it, refers to; nothing for modules unless ``modules``."""
        place = self.files.imported(module, bound)
        here = self.files.find(place, module.root)
        if here is None:
            yield f"{place}.{bound.symbol}" if bound.symbol else place
            return
        chain = rest if bound.symbol is None else (bound.symbol, *rest)
        while chain:
            found = list(self._lookup(here, chain))
            if found:
                yield from found
                return
            below = self.files.find(f"{here.name}.{chain[0]}", here.root)
            if below is None:
                break
            here, chain = below, chain[1:]
        if modules:
            yield from self._whole(here)

    def _whole(self, module: Module) -> Iterator[Found]:
        if module.name in self.not_followed:
            yield "not followed"
            return
        for here in (module, *self._stars(module)):
            source = self.files.source(here)
            for name in source.definitions:
                yield Node(here, name)
            for imports in source.imports.values():
                for bound in imports:
                    yield from self._imported(here, bound, (), modules=False)
        if self.files.effects(module).statements:
            yield Node(module, EFFECTS)

    def _stars(self, module: Module) -> list[Module]:
        """The modules of which a module imports every name, also through one another."""
        found: dict[Module, None] = {}
        waiting = [module]
        for here in waiting:
            for star in self.files.source(here).stars:
                other = self.files.find(self.files.imported(here, Import(star)), here.root)
                if other is not None and other is not module and other not in found:
                    found[other] = None
                    waiting.append(other)
        return list(found)

    def _definition(self, node: Node) -> Definition:
        if node.symbol:
            return self.files.source(node.module).definitions[node.symbol]
        return self.files.effects(node.module)

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
    return CodeBase(Path(__file__).resolve().parents[2], PACKAGES, NOT_FOLLOWED)


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
    if all(target.removeprefix(NAMESPACE).partition(".")[0] in PACKAGES for target in targets):
        return _of_project(targets)
    return _project().without_outside_files().identity(*targets)


def target_of(kind: type | Callable[..., Any]) -> str:
    """The target of a class or function, for `code_identity`: by its module in the packages, else by its file."""
    symbol = kind.__qualname__.partition(".")[0]  # the function around a local class
    module = kind.__module__.removeprefix(NAMESPACE)
    if module.partition(".")[0] in PACKAGES:
        return f"{module}:{symbol}"
    return f"{Path(inspect.getfile(kind)).resolve()}:{symbol}"
