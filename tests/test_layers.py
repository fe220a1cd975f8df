"""The shape of the code: which way imports point, what may stand where, and how long a file may be."""

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LAYERS = ("corpora", "features", "models", "benchmarks")
"""A package imports from itself and from those before it."""

FILES = sorted(path for package in LAYERS for path in (ROOT / package).rglob("*.py"))
LONGEST = 350
"""Lines. The aim is 300; a file that outgrows this has two purposes."""

MEASURED_AGAINST = {f"benchmarks/speed/{name}.py" for name in ("pipeline", "steps", "reference")}
"""The librosa loop, the notebook's training loop and bare passes, to be timed beside this project's own ways."""

OPENING = {"read_text", "write_text", "open"}
TAKES_NO_ENCODING = {"read_text(annotation)", "read_text(path)", "read_text(manifest)", "opened.open(info)"}
"""Calls of `corpora.readers.files.read_text`, which reads UTF-8, and of an archive's binary files."""

each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())


def imported(path: Path) -> set[str]:
    """Every module that a file imports, at any depth; a relative import starts with a dot."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add("." * node.level + (node.module or ""))
    return found


def test_every_layer_has_files():
    assert {path.relative_to(ROOT).parts[0] for path in FILES} == set(LAYERS)


def test_imports_are_seen_wherever_they_stand(tmp_path):
    source = "import a.b\ndef f():\n    from c import d\n    from .e import g\n"
    (tmp_path / "m.py").write_text(source)
    assert imported(tmp_path / "m.py") == {"a.b", "c", ".e"}


@each_file
def test_imports_point_one_way(path):
    layer = LAYERS.index(path.relative_to(ROOT).parts[0])
    tops = {name.partition(".")[0] for name in imported(path)}
    assert not tops & {*LAYERS[layer + 1 :], "tests"}


@each_file
def test_imports_are_absolute(path):
    assert not [name for name in imported(path) if name.startswith(".")]


def opens_text_without_encoding(tree: ast.AST) -> list[str]:
    """Calls that read or write text as the locale has it."""
    opening = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and (node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)) in OPENING
    ]
    return [
        ast.unparse(call)
        for call in opening
        if not any(keyword.arg == "encoding" for keyword in call.keywords)
        and not any(isinstance(part, ast.Constant) and str(part.value)[-1:] == "b" for part in ast.walk(call))
    ]


def test_text_that_is_read_as_the_locale_has_it_is_found():
    tree = ast.parse("p.read_text()\nopen(p)\np.open('rb')\np.write_text(t, encoding='utf-8')\n(a / f(1)).open('x')")
    assert opens_text_without_encoding(tree) == ["p.read_text()", "open(p)", "(a / f(1)).open('x')"]


def test_text_is_read_and_written_as_utf_8_whatever_the_locale():
    found = {path: opens_text_without_encoding(ast.parse(path.read_bytes())) for path in FILES}
    assert {text for texts in found.values() for text in texts} <= TAKES_NO_ENCODING


@each_file
def test_files_are_short(path):
    assert len(path.read_text().splitlines()) <= LONGEST


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_librosa_is_only_what_speed_is_measured_against():
    users = {named(path) for path in FILES if any(name.partition(".")[0] == "librosa" for name in imported(path))}
    assert users <= MEASURED_AGAINST


def test_there_is_one_training_loop():
    loops = {named(path) for path in FILES if ".backward(" in path.read_text()}
    assert "models/networks/training.py" in loops
    assert loops <= {"models/networks/training.py", *MEASURED_AGAINST}


def test_nothing_builds_on_what_speed_is_measured_against():
    users = {named(path) for path in FILES if "benchmarks.speed.reference" in imported(path)}
    assert users <= {"benchmarks/speed/pipeline.py"}


def test_every_module_has_a_purpose_that_its_name_tells():
    assert not {path.stem for path in FILES} & {"utils", "util", "common", "helpers", "misc", "tools"}


def test_no_audio_is_in_the_repository():
    if not (ROOT / ".git").exists():
        pytest.skip("not a git clone")
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    tracked = [name for name in listing.split("\0") if name]
    assert "pyproject.toml" in tracked
    assert not [name for name in tracked if Path(name).suffix.lower() in {".wav", ".flac", ".mp3", ".ogg", ".aiff"}]
