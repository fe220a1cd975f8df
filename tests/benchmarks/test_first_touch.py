"""The first commands of a newcomer answer at once: nothing heavy is imported. Imports are checked, not seconds."""

import os
import subprocess
import sys

import pytest

HEAVY = {
    "joblib",
    "matplotlib",
    "msgspec",
    "numpy",
    "optuna",
    "pandas",
    "scipy",
    "sklearn",
    "soundfile",
    "torch",
    "xgboost",
}

PROGRAM = """
import runpy, sys
sys.argv = ["respbench", *sys.argv[1:]]
try:
    runpy.run_module("respbench", run_name="__main__")
except SystemExit as end:
    assert not end.code, end.code
print("IMPORTED", *sys.modules)
"""


@pytest.mark.parametrize("arguments", [["list"], ["--help"], ["run", "--help"]], ids=" ".join)
def test_nothing_heavy_is_imported(arguments: list[str]) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, check=True)
    answer, _, imported = done.stdout.partition("IMPORTED")
    assert len(answer.splitlines()) > 5
    assert "respbench.models.registry" in imported.split() or arguments != ["list"]
    assert not HEAVY & {name.partition(".")[0] for name in imported.split()}


@pytest.mark.parametrize("locale", [{"LC_ALL": "C", "PYTHONUTF8": "0"}, {"PYTHONIOENCODING": "latin-1"}])
def test_a_terminal_that_lacks_letters_shows_question_marks(locale: dict[str, str]) -> None:
    environment = {**os.environ, **locale, "PYTHONCOERCECLOCALE": "0"}
    command = [sys.executable, "-m", "respbench", "list"]
    printed = subprocess.run(command, env=environment, capture_output=True, check=True).stdout
    assert b"?" in printed
