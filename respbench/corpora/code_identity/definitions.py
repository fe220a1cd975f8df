"""Divide a source file into its top-level definitions, and find which names each of them uses."""

import ast
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property

from respbench.corpora.code_identity.text import NAMESPACE, code_text, parsed_annotation

Importing = ast.Import | ast.ImportFrom
Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp

_TARGET = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+(:[A-Za-z_]\w*)?")
_REFLECTION = frozenset({"globals", "vars", "eval", "exec"})


@dataclass(frozen=True)
class Import:
    """What a name is bound to by an import statement.

    Attributes:
        module: dotted name; relative ones start with as many dots as in the code.
        symbol: imported from the module; None = the module itself.
    """

    module: str
    symbol: str | None = None


@dataclass
class Uses:
    """What a piece of code refers to.

    Attributes:
        chains: names with the attributes behind them, such as ``("cnn", "build")``.
        targets: strings of the form ``package.module`` or ``package.module:symbol``.
        imports: names that import statements inside the code bind.
        reflects: whether it may look up definitions of its own module by computed names.
    """

    chains: set[tuple[str, ...]] = field(default_factory=set)
    targets: set[str] = field(default_factory=set)
    imports: dict[str, list[Import]] = field(default_factory=dict)
    reflects: bool = False


class Definition:
    """Statements of a module that belong together: those that bind one name, or those with side effects."""

    def __init__(self) -> None:
        self.statements: list[ast.stmt] = []

    @cached_property
    def text(self) -> str:
        """Canonical text; see `corpora.code_identity.text.code_text`."""
        return "\n".join(code_text(statement) for statement in self.statements)

    @cached_property
    def uses(self) -> Uses:
        """What the statements refer to."""
        uses = Uses()
        for statement in self.statements:
            _collect(statement, uses, frozenset())
        return uses


class SourceFile:
    """The definitions and imports of a module.

    Attributes:
        definitions: by the name that they bind.
        decorators: names in the decorators of definitions that have any, which may register them somewhere.
        effects: statements that do something when the module is imported.
        imports: by the name that they bind; several where branches differ.
        stars: modules of which every name is imported.
        imported: all that is imported when this module is.

    Args:
        source: bytes of the file.
    """

    def __init__(self, source: bytes) -> None:
        self.definitions: dict[str, Definition] = {}
        self.effects = Definition()
        self.imports: dict[str, list[Import]] = {}
        self.stars: list[str] = []
        self.imported: list[Import] = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about strings in the file, already given when it was imported
            tree = ast.parse(source)
        self._add(tree.body, at_runtime=True)
        decorators = {name: _decorators(definition.statements) for name, definition in self.definitions.items()}
        self.decorators = {name: found for name, found in decorators.items() if found}

    def _add(self, body: Iterable[ast.stmt], at_runtime: bool) -> None:
        for statement in body:
            match statement:
                case ast.Import() | ast.ImportFrom():
                    self._add_import(statement, at_runtime)
                case ast.If() if _names_in(statement.test) & {"TYPE_CHECKING"}:
                    self._add(statement.body, at_runtime=False)
                    self._add(statement.orelse, at_runtime)
                case ast.If() if "__name__" in _names_in(statement.test):
                    pass  # `if __name__ == "__main__"` is not executed on import
                case ast.If() | ast.Try() if _only_imports(statement):
                    self._add((node for node in ast.walk(statement) if isinstance(node, Importing)), at_runtime)
                case ast.Expr(value=ast.Constant()) | ast.Pass():
                    pass
                case _:
                    self._add_definition(statement)

    def _add_import(self, statement: Importing, at_runtime: bool) -> None:
        for name, bound in imports_of(statement):
            if name == "*":
                self.stars.append(bound.module)
            else:
                self.imports.setdefault(name, []).append(bound)
            if at_runtime:
                self.imported.append(bound)
        if isinstance(statement, ast.Import) and at_runtime:
            self.imported += [Import(alias.name) for alias in statement.names]

    def _add_definition(self, statement: ast.stmt) -> None:
        for node in _in_own_scope(statement):
            if isinstance(node, Importing):
                self._add_import(node, at_runtime=True)
        names = _bound_by(statement)
        for name in names:
            self.definitions.setdefault(name, Definition()).statements.append(statement)
        simple = isinstance(
            statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign
        )
        if not names or not (simple or type(statement).__name__ == "TypeAlias") or _changes_object(statement):
            self.effects.statements.append(statement)


@cache
def read_source(content: bytes) -> SourceFile:
    """Parse the content of a file, once for all files of that content."""
    return SourceFile(content)


def imports_of(statement: Importing) -> Iterator[tuple[str, Import]]:
    """Yield the names that an import statement binds, and to what."""
    for alias in statement.names:
        if isinstance(statement, ast.ImportFrom):
            module = "." * statement.level + (statement.module or "")
            yield alias.asname or alias.name, Import(module, alias.name)
        elif alias.asname:
            yield alias.asname, Import(alias.name)
        else:
            top = alias.name.partition(".")[0]
            yield top, Import(top)


def _only_imports(statement: ast.If | ast.Try) -> bool:
    """Whether the branches of a statement hold nothing but imports."""
    inside = (node for node in ast.walk(statement) if isinstance(node, ast.stmt) and node is not statement)
    return all(isinstance(node, Importing | ast.Pass | ast.If | ast.Try) for node in inside)


def _names_in(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)} | {
        part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)
    }


def _decorators(statements: Iterable[ast.stmt]) -> set[str]:
    decorators = (decorator for statement in statements for decorator in getattr(statement, "decorator_list", []))
    return {name for decorator in decorators for name in _names_in(decorator)}


def _changes_object(statement: ast.stmt) -> bool:
    """Whether an assignment stores into an object, such as a registry, instead of binding a name."""
    targets = getattr(statement, "targets", [])
    return any(
        isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store)
        for target in targets
        for node in ast.walk(target)
    )


def _bound_by(statement: ast.AST) -> set[str]:
    """Names that a statement binds in its own scope, those of import statements left out."""
    names: set[str] = set()
    for node in _in_own_scope(statement):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            names.add(node.name)
    return names


def _in_own_scope(statement: ast.AST) -> Iterator[ast.AST]:
    """Every node of a statement but those inside of functions, classes and comprehensions."""
    waiting = [statement]
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, Function | ast.ClassDef | Comprehension):
            waiting += ast.iter_child_nodes(node)


def _collect(node: ast.AST, uses: Uses, local: frozenset[str]) -> None:
    """Add what a piece of code refers to; ``local`` are names of the functions around it."""
    match node:
        case ast.Import() | ast.ImportFrom():
            for name, bound in imports_of(node):
                uses.imports.setdefault(name, []).append(bound)
        case ast.Name() | ast.Attribute():
            _collect_chain(node, uses, local)
        case ast.AnnAssign():
            _collect_annotation(node.annotation, uses, local)
            for value in filter(None, (node.target, node.value)):
                _collect(value, uses, local)
        case ast.Constant(value=str() as text) if _TARGET.fullmatch(text):
            uses.targets.add(text.removeprefix(NAMESPACE))
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
            _collect_function(node, uses, local)
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            inner = local.union(*(_bound_by(generator.target) for generator in node.generators))
            for part in ast.iter_child_nodes(node):
                _collect(part, uses, inner)
            _collect(node.generators[0].iter, uses, local)
        case _:
            for part in ast.iter_child_nodes(node):
                _collect(part, uses, local)


def _collect_chain(node: ast.expr, uses: Uses, local: frozenset[str]) -> None:
    attributes: list[str] = []
    while isinstance(node, ast.Attribute):
        attributes.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        _collect(node, uses, local)
    elif node.id not in local:
        chain = (node.id, *reversed(attributes))
        uses.chains.add(chain)
        uses.reflects |= node.id in _REFLECTION or chain[:2] == ("sys", "modules")


def _collect_function(node: Function, uses: Uses, local: frozenset[str]) -> None:
    """A function's decorators, defaults and annotations belong to the scope around it, its body to its own."""
    arguments = node.args
    names = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    names += [argument for argument in (arguments.vararg, arguments.kwarg) if argument]
    for argument in names:
        if argument.annotation:
            _collect_annotation(argument.annotation, uses, local)
    outside = [*arguments.defaults, *(default for default in arguments.kw_defaults if default)]
    body: list[ast.AST] = [node.body] if isinstance(node, ast.Lambda) else [*node.body]
    if not isinstance(node, ast.Lambda):
        outside += node.decorator_list
        if node.returns:
            _collect_annotation(node.returns, uses, local)
    for part in outside:
        _collect(part, uses, local)
    bound = {argument.arg for argument in names}
    bound |= {name for part in body for name in _bound_by(part)}
    shared = {
        name for part in body for inner in ast.walk(part) if isinstance(inner, ast.Global) for name in inner.names
    }
    for part in (*body, *getattr(node, "type_params", [])):
        _collect(part, uses, local | bound - shared)


def _collect_annotation(node: ast.expr, uses: Uses, local: frozenset[str]) -> None:
    """An annotation, in which strings are code."""
    _collect(node, uses, local)
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            tree = parsed_annotation(part.value)
            if tree is not None:
                _collect(tree, uses, local)
