"""Where the command line runs: locales, closed streams, signals, paths that name something else, `make -C`."""

import importlib.abc
import os
import shlex
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from respbench import __main__ as launcher
from respbench.benchmarks import cli
from respbench.benchmarks.execution import signals
from respbench.benchmarks.execution.progress import Output

PROJECT = Path(__file__).resolve().parents[2]


class Execution(Exception):
    """In place of another program's start."""


@pytest.mark.parametrize("encoding", ["ascii", "iso8859-1"])
def test_another_locale_starts_python_again_in_utf_8(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    started = []

    def execve(program: str, arguments: list[str], environment: dict[str, str]) -> None:
        started.append((program, arguments, environment["PYTHONUTF8"], environment["PYTHONIOENCODING"]))
        raise Execution

    monkeypatch.setattr(sys, "getfilesystemencoding", lambda: encoding)
    monkeypatch.setattr(sys, "orig_argv", ["python", "-m", "respbench", "list"])
    monkeypatch.setattr(os, "execve", execve)
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    with pytest.raises(Execution):
        launcher.main()
    assert started == [(sys.executable, [sys.executable, "-m", "respbench", "list"], "1", encoding)]


def test_ctrl_c_while_modules_are_imported_ends_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Pressed(importlib.abc.MetaPathFinder):
        def find_spec(self, name: str, path: object, target: object = None) -> None:
            if name == "respbench.benchmarks.cli":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "respbench.benchmarks.cli")
    monkeypatch.setattr(sys, "meta_path", [Pressed(), *sys.meta_path])
    assert launcher.main() == cli.INTERRUPTED
    assert capsys.readouterr().err == "\nrespbench: interrupted while it started; run the same command again\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("error", [KeyboardInterrupt, ImportError, OSError])
def test_what_an_import_makes_of_ctrl_c_is_an_interruption(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: int, error: type[BaseException]
) -> None:
    """Extension modules turn KeyboardInterrupt into errors of their own, and a closed terminal can't be written to."""

    def imports(options: object, console: object) -> int:
        with suppress(KeyboardInterrupt):
            signal.raise_signal(number)
        raise error

    monkeypatch.setitem(cli.COMMANDS, "list", imports)
    before = signal.signal(number, signal.SIG_DFL)  # under nohup, SIGHUP is ignored
    try:
        assert cli.main(["list"]) == cli.INTERRUPTED
    finally:
        signal.signal(number, before)
    assert capsys.readouterr().err == f"\nrespbench: {cli.KEPT}\n"


def test_errors_without_ctrl_c_are_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(options: object, console: object) -> int:
        raise ImportError("broken")

    monkeypatch.setitem(cli.COMMANDS, "list", fails)
    with pytest.raises(ImportError, match="broken"):
        cli.main(["list"])


def test_what_nohup_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals.listening():
            signal.raise_signal(signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            assert not signals.interrupted()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_reader_that_leaves_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `head` does."""
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w", encoding="utf-8") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        console = Output()
        for _ in range(2):
            console.print("x")
        stream.write("Python's last flush")


def test_a_closed_standard_output_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert cli.main(["list"]) == 0


@pytest.mark.parametrize("option", ["--results", "--data", "--model", "--unlabeled"])
@pytest.mark.parametrize("path", ["", " "])
def test_an_empty_path_is_refused(capsys: pytest.CaptureFixture[str], option: str, path: str) -> None:
    """`make benchmark RESULTS=` would write to the folder of the clone."""
    assert cli.main(["run", option, path]) == 2
    assert f"argument {option}: the path is empty; give one, or leave the option out" in capsys.readouterr().err


@pytest.mark.parametrize("below", ["", "results", "a/b"])
@pytest.mark.parametrize(
    "words", [["run", "--results"], ["report"], ["compare", ".", "--output=x"], ["data", "--folder"]]
)
def test_a_file_in_place_of_a_folder_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], below: str
) -> None:
    file = tmp_path / "file"
    file.touch()
    assert cli.main([*words, str(file / below)]) == 2
    assert f"{file} is a file; give a folder" in capsys.readouterr().err


def test_a_path_that_is_not_utf_8_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", "--data", "M\udcfcnster"]) == 2
    assert "the path 'M\\udcfcnster' is not UTF-8; rename what it names" in capsys.readouterr().err


@pytest.mark.parametrize("away", ["", "-C", "-sC", "--silent --directory"])
def test_make_c_means_the_folder_that_it_was_called_in(tmp_path: Path, away: str) -> None:
    caller = tmp_path / "a b"
    caller.mkdir()
    where = [*away.split(), str(PROJECT)] if away else []
    given = ["DATA=my data/w", "MODEL=/abs/m.py", "UNLABELED=~/u", "RESULTS=out"]
    place = {"cwd": caller, "env": {**os.environ, "PWD": str(caller)}} if away else {"cwd": PROJECT}
    command = ["make", *where, "--dry-run", "benchmark", *given]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, **place).stdout
    words = shlex.split(next(line for line in printed.replace("\\\n", " ").splitlines() if "respbench run" in line))
    paths = [words[words.index(f"--{name}") + 1] for name in ("data", "model", "unlabeled", "results")]
    begin = f"{caller}/" if away else ""
    assert paths == [f"{begin}my data/w", "/abs/m.py", "~/u", f"{begin}out"]
