"""What tests of runs share: reports without figures, which take most of a small run's time and have their own tests."""

import pytest

from benchmarks.report import page


@pytest.fixture(autouse=True)
def without_figures(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "with_figures" not in request.fixturenames:
        monkeypatch.setattr(page, "write_figures", lambda folder, drawings: None)
