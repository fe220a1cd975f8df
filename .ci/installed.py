"""Install the built wheel into an environment outside the clone and use it from an empty folder.

Its dependencies are those of this interpreter's environment, which a .pth file lends, so that nothing is downloaded.
"""

import os
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
MODELS = ("prior", "metadata", "svm")
IDENTITIES = """
import json
from respbench.benchmarks.storage.identity import model_identity
from respbench.models.registry import REGISTRY
print(json.dumps({name: model_identity(REGISTRY[name]) for name in ("prior", "svm", "xgboost", "cnn", "planted-mlp")}))
"""


def main(dist: Path) -> None:
    """Check the wheel and the source distribution in a folder; AssertionError where one is not as it should be."""
    (wheel,), (source,) = dist.glob("*.whl"), dist.glob("*.tar.gz")
    needed = {path.relative_to(PROJECT).as_posix() for path in tracked("respbench")}
    inside = set(zipfile.ZipFile(wheel).namelist())
    same(needed, {name for name in inside if ".dist-info/" not in name}, "the wheel")
    with tarfile.open(source) as archive:
        listed = {name.partition("/")[2] for name in archive.getnames()}
    same(needed, {name for name in listed if name.startswith("respbench/") and "." in Path(name).name}, source.name)
    assert not {name.partition("/")[0] for name in listed} & {"tests", "results", "docs"}, "too much in the source"
    assert {"LICENSE", "README.md", "pyproject.toml", "CITATION.cff"} <= listed
    with tempfile.TemporaryDirectory() as folder:
        use(wheel.resolve(), Path(folder))
    print(f"{wheel.name}: complete, and works outside the clone")


def tracked(folder: str) -> list[Path]:
    """The files of a folder of the clone that git knows or would add."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", folder]
    names = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [path for name in names if (path := PROJECT / name).exists()]


def same(needed: set[str], found: set[str], what: str) -> None:
    """Refuse files that are lacking or too many."""
    assert needed == found, f"{what} lacks {sorted(needed - found)} and has {sorted(found - needed)} too many"


def use(wheel: Path, folder: Path) -> None:
    """Install the wheel, and list, run and identify models with it."""
    venv.create(folder / "env", with_pip=False, symlinks=os.name != "nt")
    scripts = folder / "env" / ("Scripts" if os.name == "nt" else "bin")
    python = scripts / "python"
    own = Path(output([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], folder).strip())
    before = {path.name for path in own.iterdir()}
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel]
    output(pip, folder)
    top = {path.name for path in own.iterdir()} - before
    assert {name for name in top if not name.endswith(".dist-info")} == {"respbench"}, top
    lent = [place for place in sys.path if Path(place).name in ("site-packages", "dist-packages")]
    (own / "lent.pth").write_text("\n".join(lent), encoding="utf-8")
    empty = folder / "empty"
    empty.mkdir()
    where = output([python, "-c", "import respbench; print(respbench.__file__)"], empty)
    assert Path(where.strip()).is_relative_to(own.resolve()) or Path(where.strip()).is_relative_to(own), where
    command = scripts / "respbench"
    assert "svm" in output([command, "list"], empty)
    assert not any(empty.iterdir()), "`respbench list` wrote something"
    identities = [output([one, "-c", IDENTITIES], empty) for one in (python, sys.executable)]
    assert identities[0] == identities[1], "the installed code has another identity than the clone's"
    options = ["--models", ",".join(MODELS), "--patients", "20", "--clips", "4", "--workers", "0"]
    said = output([command, "run", *options, "--protocol", "patients-2fold"], empty)
    assert "complete" in said, said
    assert {path.name for path in empty.iterdir()} == {"results"}, list(empty.iterdir())
    assert any((folder / "home" / "cache" / "respbench").iterdir()), "no cache in the user's cache folder"
    report = empty / "results" / "simulated" / "abnormal" / "patients-2fold"
    assert {"README.md", "report.html", "leaderboard.csv"} <= {path.name for path in report.iterdir()}
    # What only a clone has is not recommended outside one.
    refused = subprocess.run(
        [command, "run", "--corpus", "icbhi"], cwd=empty, env=environment(folder), capture_output=True, text=True
    )
    assert refused.returncode == 2
    assert "`respbench data`" in refused.stderr, refused.stderr
    assert "make" not in refused.stderr, refused.stderr


def environment(folder: Path) -> dict[str, str]:
    """One whose cache folder is below this one, and in which nothing points to the clone."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RESPBENCH_", "PYTHON"))}
    home = folder / "home"
    return kept | {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "LOCALAPPDATA": str(home / "cache")}


def output(command: list[object], folder: Path) -> str:
    """Execute a command in a folder; return what it prints, or raise with it."""
    top = folder if (folder / "env").exists() else folder.parent
    done = subprocess.run(
        [str(word) for word in command], cwd=folder, env=environment(top), capture_output=True, text=True, timeout=600
    )
    assert not done.returncode, f"{command} failed:\n{done.stdout}{done.stderr}"
    return done.stdout


if __name__ == "__main__":
    main(Path(sys.argv[1]))
