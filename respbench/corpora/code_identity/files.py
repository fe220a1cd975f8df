"""Find the source files that imports refer to: those of the project, and those beside a user's file."""

from dataclasses import dataclass
from pathlib import Path

from respbench.corpora.code_identity.definitions import Definition, Import, SourceFile, read_source
from respbench.corpora.code_identity.text import NAMESPACE


@dataclass(frozen=True, eq=False)
class Module:
    """A source file; there is one object per file.

    Attributes:
        path: of the file, or of a folder without ``__init__.py``.
        name: dotted.
        root: folder of a file outside the packages, in which modules beside it are found; None inside.
    """

    path: Path
    name: str
    root: Path | None


class CodeFiles:
    """The source files below a folder, each read once: what it contains later is not what this process executes.

    Args:
        root: folder of the packages.
        packages: names of the packages that are followed.
    """

    def __init__(self, root: Path, packages: tuple[str, ...]) -> None:
        self.root, self.packages = root, packages
        self._modules: dict[tuple[str, Path | None], Module | None] = {}
        self._sources: dict[Module, SourceFile] = {}
        self._effects: dict[Module, Definition] = {}

    def forget_outside(self) -> None:
        """Forget the files outside the packages, which a user may have edited and loaded again."""
        self._modules = {key: module for key, module in self._modules.items() if key[1] is None}
        self._sources = {module: source for module, source in self._sources.items() if module.root is None}
        self._effects = {module: effects for module, effects in self._effects.items() if module.root is None}

    def find(self, name: str, root: Path | None = None) -> Module | None:
        """The module of a dotted name in the packages, or else in the folder ``root``; None = a library's."""
        name = name.removeprefix(NAMESPACE)
        if (name, root) not in self._modules:
            self._modules[name, root] = self._search(name, root)
        return self._modules[name, root]

    def outside(self, path: Path) -> Module | None:
        """The module of a file outside the packages; None if there is no file."""
        known = self._modules.get((path.stem, path.parent))
        if known is None and path.is_file():
            known = self._modules[path.stem, path.parent] = Module(path, path.stem, path.parent)
        return known

    def imported(self, module: Module, bound: Import) -> str:
        """Dotted name of the module that is named in an import of another module, where it may start with dots."""
        name = bound.module.lstrip(".")
        dots = len(bound.module) - len(name)
        if not dots:
            return name
        parts = module.name.split(".")
        package = parts[: len(parts) - dots + (module.path.name == "__init__.py")]
        return ".".join([*package, *([name] if name else [])])

    def source(self, module: Module) -> SourceFile:
        """Definitions and imports of a module.

        Raises:
            SyntaxError: the file is not Python.
        """
        if module not in self._sources:
            try:
                self._sources[module] = read_source(module.path.read_bytes() if module.path.is_file() else b"")
            except SyntaxError as error:
                error.filename = str(module.path)
                raise
        return self._sources[module]

    def effects(self, module: Module) -> Definition:
        """What a module does on import, with the definitions whose decorators are none of a library's."""
        if module not in self._effects:
            source = self.source(module)
            own = set(source.definitions)
            for name, imports in source.imports.items():
                own |= {name for bound in imports if self.find(self.imported(module, bound), module.root)}
            effects = Definition()
            effects.statements += source.effects.statements
            for name, decorators in source.decorators.items():
                effects.statements += source.definitions[name].statements if decorators & own else []
            self._effects[module] = effects
        return self._effects[module]

    def imported_by(self, module: Module) -> list[Module]:
        """The modules that are imported when a module is: its packages, and what it imports itself."""
        names = [module.name.rpartition(".")[0]]
        for bound in self.source(module).imported:
            place = self.imported(module, bound)
            names += [place, f"{place}.{bound.symbol}"] if bound.symbol else [place]
        return [other for name in names if (other := self.find(name, module.root))]

    def _search(self, name: str, root: Path | None) -> Module | None:
        packaged = name.partition(".")[0] in self.packages
        if packaged and root is not None:
            return self.find(name)
        if not name or (root is None and not packaged):
            return None
        place = (root or self.root).joinpath(*name.split("."))
        for path in (place / "__init__.py", place.with_name(f"{place.name}.py"), place):
            if path.is_file() or (path == place and path.is_dir() and any(path.glob("*.py"))):
                return Module(path, name, root)
        return None
