"""The shape of the code: direction of imports, length of files and functions, and what may be where."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1] / "respbench"
LAYERS = ("corpora", "features", "models", "benchmarks", "practical")
"""A package imports from itself and from those before it."""

ROOMS = ("storage", "statistics", "execution", "tuning", "report", "prediction", "", "notebook", "speed")
"""Of benchmarks: a room imports from itself and from those before it; "" = the files of the folder itself.

``speed`` times all of the others, and none imports it.
"""

FILES = {path.relative_to(ROOT).as_posix(): path for layer in LAYERS for path in sorted((ROOT / layer).rglob("*.py"))}
LONGEST_FILE, LONGEST_FUNCTION = 300, 50
"""Lines."""

DEEPEST = 8
"""Import levels of benchmarks: a file on level 1 imports none of its others."""

MEASURED_AGAINST = {f"benchmarks/speed/{name}.py" for name in ("pipeline", "steps", "reference")}
"""The librosa loop, the notebook's training loop and bare passes, timed beside this project's own code."""

STACKED = "models/networks/stacked.py"
"""The same loop for many fits at once, on a GPU: built from the parts of the one, compared with it by tests, used by no
run.
"""

OPENING = {"read_text", "write_text", "open"}
WITHOUT_ENCODING = {
    "read_text(annotation)",
    "read_text(path)",
    "read_text(manifest)",
    "opened.open(info)",
    "os.open(path, os.O_RDONLY)",
}
"""Calls of `corpora.readers.files.read_text`, which reads UTF-8, of an archive's binary files, and of the system."""


@cache
def tree(file: str) -> ast.Module:
    return ast.parse(FILES[file].read_text(encoding="utf-8"))


def imports(source: ast.Module) -> Iterator[tuple[str, str]]:
    """Every (module, name) that is imported, at any depth; name "" = the module; relative ones start with a dot.

    Names of the project's own modules are those below respbench.
    """
    for node in ast.walk(source):
        if isinstance(node, ast.Import):
            yield from ((alias.name.removeprefix("respbench."), "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "").removeprefix("respbench.")
            yield from ((module, alias.name) for alias in node.names)


def imported_files(file: str) -> set[str]:
    """The project's files that a file imports."""
    places = {place for module, name in imports(tree(file)) for place in (module, f"{module}.{name}")}
    paths = {place.replace(".", "/") + ending for place in places for ending in (".py", "/__init__.py")}
    return paths & FILES.keys() - {file}


def room(file: str) -> int:
    folder = file.split("/")[1]
    return ROOMS.index("" if folder.endswith(".py") else folder)


def test_imports_are_found_at_any_depth() -> None:
    source = ast.parse("import a.b\ndef f():\n    from c import d\n    from .e import g\n")
    assert set(imports(source)) == {("a.b", ""), ("c", "d"), (".e", "g")}
    assert "features/cache.py" in imported_files("models/svm.py")
    assert {file.split("/")[0] for file in FILES} == set(LAYERS)


def test_layers_import_downwards_and_absolutely() -> None:
    faults = set()
    for file in FILES:
        allowed = LAYERS[: LAYERS.index(file.split("/")[0]) + 1]
        tops = {module.split(".")[0] for module, _ in imports(tree(file))}
        faults |= {f"{file} imports {top or 'relatively'}" for top in tops & {*LAYERS, "tests", ""} - {*allowed}}
    assert not faults


def test_no_file_imports_a_private_name_of_another() -> None:
    assert not {
        f"{file} imports {module}.{name}"
        for file in FILES
        for module, name in imports(tree(file))
        if module.split(".")[0] in LAYERS and name.startswith("_")
    }


def test_rooms_import_downwards() -> None:
    files = [file for file in FILES if file.startswith("benchmarks/")]
    imported = {(file, other) for file in files for other in imported_files(file) if other in files}
    assert not {f"{file} imports {other}" for file, other in imported if room(other) > room(file)}


def test_imports_have_no_circle_and_few_levels() -> None:
    levels: dict[str, int] = {}
    for file in TopologicalSorter({file: imported_files(file) for file in FILES}).static_order():  # raises on a circle
        levels[file] = 1 + max(
            (levels[other] for other in imported_files(file) if other.startswith("benchmarks/")), default=0
        )
    assert not {file: level for file, level in levels.items() if level > DEEPEST}


def test_files_are_short() -> None:
    lengths = {file: len(path.read_text(encoding="utf-8").splitlines()) for file, path in FILES.items()}
    assert not {file: length for file, length in lengths.items() if length > LONGEST_FILE}


def test_functions_are_short() -> None:
    """Docstrings don't count."""
    lengths = {}
    for file in FILES:
        for node in ast.walk(tree(file)):
            if isinstance(node, ast.FunctionDef):
                docstring = (ast.get_docstring(node, clean=False) or "").count("\n") + 1
                lengths[f"{file}: {node.name}"] = (node.end_lineno or 0) - node.lineno + 1 - docstring
    assert not {name: length for name, length in lengths.items() if length > LONGEST_FUNCTION}


def opens_text_without_encoding(source: ast.AST) -> set[str]:
    """Calls that read or write text in the encoding of the locale."""
    opening = [
        node
        for node in ast.walk(source)
        if isinstance(node, ast.Call)
        and (node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)) in OPENING
    ]
    return {
        ast.unparse(call)
        for call in opening
        if not any(keyword.arg == "encoding" for keyword in call.keywords)
        and not any(isinstance(part, ast.Constant) and str(part.value)[-1:] == "b" for part in ast.walk(call))
    }


def test_text_is_read_and_written_as_utf_8_whatever_the_locale() -> None:
    calls = "p.read_text()\nopen(p)\np.open('rb')\np.write_text(t, encoding='utf-8')\n(a / f(1)).open('x')"
    assert opens_text_without_encoding(ast.parse(calls)) == {"p.read_text()", "open(p)", "(a / f(1)).open('x')"}
    assert not {call for file in FILES for call in opens_text_without_encoding(tree(file))} - WITHOUT_ENCODING


def test_librosa_is_only_what_speed_is_measured_against() -> None:
    users = {file for file in FILES if "librosa" in {module.split(".")[0] for module, _ in imports(tree(file))}}
    assert users <= MEASURED_AGAINST


def test_there_is_one_training_loop() -> None:
    loops = {file for file, path in FILES.items() if ".backward(" in path.read_text()}
    assert "models/networks/training.py" in loops
    assert loops <= {"models/networks/training.py", STACKED, *MEASURED_AGAINST}
    assert {file for file in FILES if STACKED in imported_files(file)} <= {"benchmarks/speed/stacked.py"}


def test_nothing_builds_on_what_speed_is_measured_against() -> None:
    users = {file for file in FILES if "benchmarks/speed/reference.py" in imported_files(file)}
    assert users <= {"benchmarks/speed/pipeline.py"}


def test_every_module_has_a_purpose_that_its_name_states() -> None:
    assert not {path.stem for path in FILES.values()} & {"utils", "util", "common", "helpers", "misc", "tools"}


def test_no_audio_is_in_the_repository() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git clone")
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    tracked = [name for name in listing.split("\0") if name]
    assert "pyproject.toml" in tracked
    assert not [name for name in tracked if Path(name).suffix.lower() in {".wav", ".flac", ".mp3", ".ogg", ".aiff"}]
