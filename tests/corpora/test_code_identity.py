"""The identity of code changes when what it computes may change, and only then."""

import subprocess
import sys
from pathlib import Path

import pytest

from respbench.corpora.code_identity.identity import CodeBase, code_identity, target_of

FILES = {
    "lab/__init__.py": "",
    "lab/model.py": '''"""A model."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

import numpy as np

from lab import shapes
from lab.deep import layers as stack
from lab.deep.losses import loss
from lab.names import *
from lab.public import exported

if TYPE_CHECKING:
    from lab.data import Table

RATE = 4000  # Hz
"""Sampling rate."""

UNUSED = 1


def build(table: Table, *, scale: float = RATE) -> float:
    """Build it."""
    from lab.late import helper

    if scale < 0:
        raise ValueError(f"{scale} is negative")
    part = importlib.import_module("lab.lazy").part
    return helper(scale) + stack.dense(3) + loss(np.pi) + exported() + starred() + part + recursive(2)


def recursive(n):
    return other(n - 1) if n else 0


def other(n):
    return recursive(n)


def space(trial):
    return {"sides": shapes.SIDES, "target": "lab.unrelated:thing"}


def passes_module_on():
    return getattr(shapes, "SI" + "DES")
''',
    "lab/shapes.py": "SIDES = 3\nANGLES = 4\n",
    "lab/data.py": "class Table:\n    def rows(self):\n        return count()\n\n\ndef count():\n    return 1\n",
    "lab/late.py": "FACTOR = 2\n\n\ndef helper(x):\n    return FACTOR * x\n",
    "lab/lazy.py": "part = 5\n",
    "lab/names.py": "def starred():\n    return 6\n\n\ndef unused():\n    return 7\n",
    "lab/unrelated.py": "thing = 8\n",
    "lab/deep/__init__.py": "",
    "lab/deep/layers.py": "def dense(n):\n    return n\n\n\ndef unused():\n    return 0\n",
    "lab/deep/losses.py": "from . import layers\nfrom .layers import dense\n\n\ndef loss(x):\n    return dense(x)\n",
    "lab/public/__init__.py": "from lab.public.inner import exported\n",
    "lab/public/inner.py": "def exported():\n    return 9\n",
}


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    return tmp_path


def identity(root: Path, *targets: str, not_followed: frozenset[str] = frozenset()) -> str:
    """As a new process computes it."""
    return CodeBase(root, ("lab",), not_followed).identity(*targets or ("lab.model:build",))


def edit(root: Path, name: str, old: str, new: str) -> None:
    path = root / "lab" / name
    content = path.read_text(encoding="utf-8")
    assert old in content
    path.write_text(content.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("model.py", '"""Build it."""', '"""Build the model."""'),
        ("model.py", '"""Sampling rate."""', '"""Rate in Hz."""'),
        ("model.py", "# Hz", "# samples per second"),
        ("model.py", "RATE = 4000", "RATE = (4_000)"),
        ("model.py", "\n\n\ndef build", "\n\n\n\n# Now.\n\n\ndef build"),
        ("model.py", "table: Table", 'table: "Table"'),
        ("model.py", "is negative", "is below zero"),
        ("model.py", "UNUSED = 1", "UNUSED = 2"),
        ("model.py", "shapes.SIDES", "shapes.ANGLES"),
        ("model.py", "import importlib\n", "import importlib\nimport json\n"),
        ("shapes.py", "3", "4"),
        ("names.py", "return 7", "return 8"),
        ("deep/layers.py", "return 0", "return 1"),
        ("unrelated.py", "8", "9"),
    ],
)
def test_what_computes_nothing_for_it_does_not_count(lab: Path, name: str, old: str, new: str) -> None:
    before = identity(lab)
    edit(lab, name, old, new)
    assert identity(lab) == before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("model.py", "4000", "8000"),
        ("model.py", "scale < 0", "scale <= 0"),
        ("model.py", "n - 1", "n - 2"),
        ("model.py", "return recursive(n)", "return recursive(n - 1)"),
        ("model.py", "import numpy as np", "import math as np"),
        ("model.py", "from lab.late import helper", "from lab.deep.layers import dense as helper"),
        ("data.py", "return 1", "return 2"),
        ("late.py", "FACTOR = 2", "FACTOR = 3"),
        ("lazy.py", "5", "6"),
        ("names.py", "return 6", "return 5"),
        ("deep/layers.py", "return n", "return n + 1"),
        ("deep/losses.py", "return dense(x)", "return -dense(x)"),
        ("deep/__init__.py", "", "print('imported')\n"),
        ("public/inner.py", "9", "10"),
        ("shapes.py", "SIDES = 3", "SIDES = 3\nREGISTRY = {}\nREGISTRY['x'] = 1"),
        ("shapes.py", "SIDES = 3", "for SIDES in range(3):\n    pass"),
    ],
)
def test_whatever_it_computes_with_counts_however_deep(lab: Path, name: str, old: str, new: str) -> None:
    before = identity(lab)
    edit(lab, name, old, new)
    assert identity(lab) != before


def test_a_target_in_a_string_is_followed(lab: Path) -> None:
    before = identity(lab, "lab.model:space"), identity(lab)
    edit(lab, "unrelated.py", "8", "9")
    assert identity(lab, "lab.model:space") != before[0]
    assert identity(lab) == before[1]


def test_a_module_passed_on_as_a_value_counts_as_a_whole(lab: Path) -> None:
    before = identity(lab, "lab.model:passes_module_on")
    edit(lab, "shapes.py", "ANGLES = 4", "ANGLES = 5")
    assert identity(lab, "lab.model:passes_module_on") != before


def test_a_module_that_looks_itself_up_counts_as_a_whole(lab: Path) -> None:
    edit(lab, "model.py", "scale < 0", "scale < globals()['UNUSED']")
    before = identity(lab)
    edit(lab, "model.py", "UNUSED = 1", "UNUSED = 2")
    assert identity(lab) != before


def test_a_local_name_is_not_the_module_s(lab: Path) -> None:
    edit(lab, "model.py", "def other(n):\n", "def other(n):\n    for space in ():\n        print(space)\n")
    before = identity(lab)
    edit(lab, "model.py", '"sides"', '"edges"')
    assert identity(lab) == before


def test_what_a_decorator_of_the_project_registers_counts(lab: Path) -> None:
    edit(lab, "late.py", "FACTOR = 2", "from lab.shapes import register\n\nFACTOR = 2")
    with (lab / "lab/late.py").open("a", encoding="utf-8") as file:
        file.write("\n\n@register\ndef registered():\n    return 1\n")
    with (lab / "lab/shapes.py").open("a", encoding="utf-8") as file:
        file.write("\n\ndef register(f):\n    return f\n")
    before = identity(lab)
    edit(lab, "late.py", "return 1", "return 2")
    assert identity(lab) != before


def test_what_is_only_executed_as_a_script_does_not_count(lab: Path) -> None:
    before = identity(lab)
    with (lab / "lab/late.py").open("a", encoding="utf-8") as file:
        file.write("\n\nif __name__ == '__main__':\n    print(helper(1))\n")
    assert identity(lab) == before


def test_a_module_that_is_not_followed_does_not_count(lab: Path) -> None:
    before = identity(lab, not_followed=frozenset({"lab.late"}))
    edit(lab, "late.py", "2", "3")
    assert identity(lab, not_followed=frozenset({"lab.late"})) == before


def test_moving_a_definition_changes_nothing(lab: Path) -> None:
    before = identity(lab)
    (lab / "lab/late.py").rename(lab / "lab/later.py")
    edit(lab, "model.py", "from lab.late import", "from lab.later import")
    assert identity(lab) == before


def test_definitions_that_exchange_their_names_are_told_apart(lab: Path) -> None:
    edit(lab, "model.py", "stack.dense(3)", "stack.dense(3) - stack.unused()")
    before = identity(lab)
    edit(lab, "deep/layers.py", "return n", "return _n")
    edit(lab, "deep/layers.py", "return 0", "return n")
    edit(lab, "deep/layers.py", "return _n", "return 0")
    assert identity(lab) != before


def test_modules_that_import_each_other_are_followed(lab: Path) -> None:
    for name, other in (("one", "two"), ("two", "one")):
        imports = f"from lab.{other} import *\nfrom lab import {other}\n\n\n"
        content = f"{imports}def {name}f():\n    return len({other}f({other}))\n"
        (lab / f"lab/{name}.py").write_text(content, encoding="utf-8")
    before = identity(lab, "lab.one:onef")
    edit(lab, "two.py", "len(", "sum(")
    assert identity(lab, "lab.one:onef") != before


def test_missing_definitions_are_named(lab: Path) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"lab\.missing"):
        identity(lab, "lab.missing:build")
    with pytest.raises(LookupError, match="defines no nonsense"):
        identity(lab, "lab.model:nonsense")


# Files outside the packages


def test_a_file_of_a_user_counts_with_what_it_imports(lab: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "own.py").write_text("import beside\n\ndef build():\n    return beside.f()\n")
    (folder / "beside.py").write_text("def f():\n    return 1\n\ndef g():\n    return 2\n")
    code = CodeBase(lab, ("lab",))
    target = f"{folder / 'own.py'}:build"
    seen = [code.identity(target)]
    for name, old, new in (("beside.py", "return 2", "return 3"), ("beside.py", "return 1", "return 4")):
        path = folder / name
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
        seen.append(code.without_outside_files().identity(target))
    assert seen[0] == seen[1] != seen[2]


class Local:
    """Of this file, which is outside the packages."""


def test_a_class_outside_the_packages_is_named_by_its_file() -> None:
    assert target_of(Local) == f"{Path(__file__).resolve()}:Local"
    assert target_of(CodeBase) == "corpora.code_identity.identity:CodeBase"
    assert code_identity(target_of(Local)) == code_identity(target_of(Local))


# Interpreters and locales

SYNTAX = r'''
"""Everything whose syntax tree once changed between versions of Python, and constants of every type."""
import os.path, sys as system
from collections import (OrderedDict,)

BIG = 123456789012345678901234567890
NUMBERS = (1, True, 1.0, 1e999, -0.0, 2j, 0x10, 1_000)
TEXTS = ("é\n\t", 'a' "b", b"\xff", r"\d", u"u", ...)


def f(a, /, b: "dict[str, int]" = None, *args, c=NUMBERS, **kwargs) -> "list[Missing]":
    x = f"{a!r:>{b}}{{}}{c=} é" "tail" f"{a:}"
    with (open(a) as one, open(b) as two):
        pass
    match x:
        case {"key": [1, *rest], **others} if rest:
            return -1
        case str() | None:
            return lambda y, *, z=1: (y := z)
    try:
        [i for i in j if not (yield)]
    except (ValueError, OSError) as error:
        raise KeyError(f"no {error}") from error
    global BIG
    BIG += 1
    return {**a, "b": [*b]}, {k: v for k, v in b if k}, a[1:2, ::3], a @ b, not a, a if b else c


class C(dict, metaclass=type):
    """Doc."""
    x: int
    y: int = 1
    "attribute"

    @property
    def z(self): return self.x <= self.y != 3
'''

GOLDEN = "9dec28831497aacd"
"""Identity of the above, the same under Python 3.11, 3.12 and 3.13."""


def test_the_version_of_python_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "syntax.py").write_text(SYNTAX, "utf-8")
    assert identity(tmp_path, "lab.syntax") == GOLDEN


def test_the_locale_does_not_count(lab: Path) -> None:
    edit(lab, "late.py", "2", "len('é')")
    script = (
        "import sys; from pathlib import Path; from respbench.corpora.code_identity.identity import CodeBase;"
        "print(CodeBase(Path(sys.argv[1]), ('lab',)).identity('lab.model:build'))"
    )
    environment = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-c", script, str(lab)]
    root = Path(__file__).resolve().parents[2]
    printed = subprocess.run(command, env=environment, cwd=root, capture_output=True, text=True, check=True).stdout
    assert printed.strip() == identity(lab)
