"""What tests of runs share: neither figures nor measured costs, which take most of a small run's time."""

import pytest

from benchmarks import run
from benchmarks.report import pages


@pytest.fixture(autouse=True)
def without_figures(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "with_figures" not in request.fixturenames:
        monkeypatch.setattr(pages, "write_figures", lambda folder, drawings: None)


@pytest.fixture(autouse=True)
def without_feature_costs(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "with_feature_costs" not in request.fixturenames:
        monkeypatch.setattr(run, "measure_feature_costs", lambda *arguments: None)


@pytest.fixture
def with_feature_costs() -> None:
    """Let runs measure the costs of features."""
