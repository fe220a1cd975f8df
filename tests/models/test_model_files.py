"""Model files of the user's own: what they may do, and what they are told where they can't be used."""

import os
import pickle
import sys
from pathlib import Path

import pytest

from respbench.corpora.problems import InputError
from respbench.models.selection import from_file

HEAD = '"""A model."""\n'
BUILD = "\ndef build(*, seed, depth=3):\n    return VALUE\n"


@pytest.fixture(autouse=True)
def imports() -> None:
    """What is imported here is forgotten: other tests have helper files of the same names."""
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in sys.modules.keys() - modules:
        del sys.modules[name]


def written(folder: Path, code: str, name: str = "own.py") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(HEAD + code)
    return path


def refused(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        from_file(path)
    assert str(caught.value).startswith(str(path))
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value).removeprefix(str(path))


@pytest.mark.parametrize("call", ["sys.exit()", "sys.exit(0)", "sys.exit('done')", "os._exit(0)", "os._exit(7)"])
def test_a_file_that_ends_python_is_refused(tmp_path: Path, call: str) -> None:
    assert f"can't be imported (EndsPython: it calls {call}); correct it" in refused(
        written(tmp_path, f"import os, sys\n{call}\n")
    )
    assert "refuse" not in os._exit.__name__


@pytest.mark.parametrize(
    ("signature", "said"),
    [
        ("*, seed, depth", "the parameter depth of build has no default; give it one (depth=…)"),
        ("seed, depth", "the parameter depth of build has no default; give it one (depth=…)"),
        ("*, depth=3", "build takes no seed; define it as build(*, seed, …)"),
        ("*seed", "build takes no seed; define it as build(*, seed, …)"),
        ("seed, /", "build takes no seed; define it as build(*, seed, …)"),
        ("*, seed, **more", "build takes **more; name its parameters, each with a default (depth=3)"),
        ("*more, seed", "build takes *more; name its parameters, each with a default (depth=3)"),
    ],
)
def test_a_build_that_a_run_can_not_call_is_refused(tmp_path: Path, signature: str, said: str) -> None:
    assert refused(written(tmp_path, f"def build({signature}):\n    pass\n")) == f": {said}"


def test_a_folder_and_a_file_of_another_kind_are_refused(tmp_path: Path) -> None:
    assert refused(tmp_path) == " is a folder; give the path of a model file in it"
    assert refused(written(tmp_path, "", "own.txt")) == " is no Python file; give the path of a model file"
    assert refused(tmp_path / "no.py") == " does not exist; give the path of a model file"


def test_files_beside_a_model_can_be_imported_whatever_other_models_have_beside_them(tmp_path: Path) -> None:
    """Also inside a function, and where two models in two folders have a helper of the same name."""
    later = BUILD.replace("return", "from parts.more import VALUE\n    return")
    for name in ("one", "two"):
        (tmp_path / name / "parts").mkdir(parents=True)
        (tmp_path / name / "parts" / "__init__.py").touch()
        (tmp_path / name / "parts" / "more.py").write_text(f"VALUE = 'late {name}'\n")
        (tmp_path / name / "beside.py").write_text(f"VALUE = '{name}'\n")
    specs = [
        from_file(written(tmp_path / name, f"from beside import VALUE\n{build}", f"{name}_{when}.py"))
        for name in ("one", "two")
        for when, build in (("now", BUILD), ("late", later))
    ]
    for _ in range(2):
        assert [spec.build(0) for spec in specs] == ["one", "late one", "two", "late two"]
    assert sum(str(tmp_path) in place for place in sys.path) == 1


def test_a_model_can_be_sent_to_the_processes_that_it_starts(tmp_path: Path) -> None:
    """As a torch DataLoader does where processes are spawned."""
    spec = from_file(written(tmp_path, f"class Data:\n    pass\n\nVALUE = Data()\n{BUILD}"))
    sent = pickle.dumps(spec.build(0))
    del sys.modules["own"]
    assert type(pickle.loads(sent)).__name__ == "Data"


@pytest.mark.parametrize("name", ["wave", "soundfile", "own.more"])
def test_a_model_file_may_be_named_after_a_library_that_it_uses(tmp_path: Path, name: str) -> None:
    top = name.partition(".")[0].replace("own", "json")
    spec = from_file(written(tmp_path, f"import {top}\nVALUE = {top}\n{BUILD}", f"{name}.py"))
    built = spec.build(0)
    assert built.__name__ == top
    assert str(tmp_path) not in built.__file__


def test_modules_that_were_loaded_before_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the suite's own, of a model file in the folder of the clone."""
    monkeypatch.syspath_prepend(tmp_path / "one")
    one, two = (written(tmp_path / name, f"VALUE = 0\n{BUILD}", f"{name}.py") for name in ("one", "two"))
    (tmp_path / "one" / "respbench_loaded.py").touch()
    import respbench_loaded

    for path in (one, two, one):
        from_file(path)
    assert sys.modules["respbench_loaded"] is respbench_loaded
    assert str(tmp_path / "one") in sys.path
