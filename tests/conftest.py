"""What all tests share: the real data, a cache of their own, and repeatable random examples."""

import os
import runpy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import soundfile
from bad_input import Command
from hypothesis import settings
from synthetic_corpora import write_segmented

from respbench.benchmarks import run
from respbench.benchmarks.feature_costs import measure_feature_costs
from respbench.benchmarks.report import pages
from respbench.corpora import catalog
from respbench.corpora.clips import Clips, Signal
from respbench.features.threads import one_thread

DATA_VARIABLE = "RESPBENCH_DATA"
"""The environment variable that names the folder of the real data."""

settings.register_profile("suite", derandomize=True, deadline=None, max_examples=50)
settings.load_profile("suite")


@pytest.fixture(scope="session", autouse=True)
def thread() -> Iterator[None]:
    """One thread, as every fit of a run has: threads of workers side by side would wait for each other, and small
    networks train four times slower.
    """
    with one_thread():
        yield


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One cache for the session, apart from the user's own. The workers of xdist share it: preparing locks."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cache"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalog, "CACHE", folder)
        patch.setenv("RESPBENCH_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="module", autouse=True)
def light_runs(request: pytest.FixtureRequest) -> Iterator[None]:
    """Neither figures, but for tests/report, nor measured costs, which take most of a small run's time.

    It comes before the fixtures of a module, so that runs which several tests share are light, too.
    """
    with pytest.MonkeyPatch.context() as patch:
        if request.path.parent.name != "report":
            patch.setattr(pages, "write_figures", lambda folder, drawings: None)
            patch.setattr(run, "measure_feature_costs", lambda *arguments: None)
        yield


@pytest.fixture
def with_feature_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let runs measure the costs of features."""
    monkeypatch.setattr(run, "measure_feature_costs", measure_feature_costs)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of the real data: $RESPBENCH_DATA, or shared/data beside the clone.

    Where it is named but missing, tests fail: a wrong path must not turn CI green by skipping.
    """
    folder = Path(os.environ.get(DATA_VARIABLE) or Path(__file__).resolve().parents[2] / "shared" / "data")
    if not folder.is_dir():
        if os.environ.get(DATA_VARIABLE):
            pytest.fail(f"{DATA_VARIABLE}={folder} does not exist")
        pytest.skip(f"the real data are not in {folder}; set {DATA_VARIABLE}")
    return folder


@pytest.fixture
def validated(
    real_data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[Path], str]:
    """Run the outside validator, which lies beside the real data, on a results folder; return what it prints."""
    validator = real_data.parent / "tools" / "validate_results.py"
    if not validator.exists():
        pytest.skip(f"{validator} is not here")

    def run_on(results: Path) -> str:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", [str(validator), str(results)])
        with pytest.raises(SystemExit):
            runpy.run_path(str(validator))
        return capsys.readouterr().out

    return run_on


@pytest.fixture(scope="session")
def real_cycles(real_data: Path, cache: Path) -> Clips:
    """The 2,148 segmented cycles of 84 patients, prepared at 4 kHz."""
    return catalog.open_corpus("icbhi", real_data / "icbhi-cycles-4khz", cache=cache).clips()


@pytest.fixture(scope="session")
def some_real_clips(real_data: Path) -> list[Signal]:
    """Twenty-one of the segmented cycles, as they lie in their files."""
    files = sorted((real_data / "icbhi-cycles-4khz").glob("*/*.wav"))[::107]
    return [soundfile.read(file, dtype="float32", always_2d=True)[0].T for file in files]


@pytest.fixture
def respbench(tmp_path, monkeypatch, capsys) -> Command:
    """The command, on a segmented corpus of four patients with four cycles each."""
    command = Command(tmp_path, capsys)
    monkeypatch.setattr(catalog, "CACHE", command.cache)
    write_segmented(command.sounds)
    return command
