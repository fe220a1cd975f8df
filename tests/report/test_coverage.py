"""Coverage of the intervals: the simulated studies, their truths, and the committed measurements."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from respbench.benchmarks.report.coverage import FIGURE, PAGE, main, page
from respbench.benchmarks.statistics import coverage
from respbench.benchmarks.statistics.coverage import (
    DESIGNS,
    MEASUREMENTS,
    QUANTITIES,
    SCENARIOS,
    Batch,
    Found,
    coverage_clause,
    measure,
    read_coverage,
    tabulate,
    to_csv,
)
from respbench.benchmarks.statistics.intervals import leave_one_out
from respbench.benchmarks.statistics.studies import (
    MEASURED,
    SLOPES,
    SPREAD,
    NewPatients,
    Scenario,
    probabilities,
    simulate,
    train,
)

RESULTS = Path(__file__).resolve().parents[2] / "results"
SMALL = Scenario(patients=20, effect=2.0, repeats=1)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[Found]:
    """Intervals of 40 small studies."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SCENARIOS, "small", SMALL)
        return [measure(Batch("small", number, tmp_path_factory.mktemp("kept"))) for number in range(2)]


def test_intervals_hold_the_expected_performance_and_half_as_wide_ones_do_not(
    found: list[Found],
) -> None:
    held = [cell.method for cell in tabulate("small", found) if cell.metric == "auroc"]
    assert min(held) >= 0.85, "true 95 % hold the truth in fewer than 34 of 40 studies once in three hundred times"
    shrunk = [replace(one, ends=_shrink(one.ends)) for one in found]
    assert np.mean([cell.method for cell in tabulate("small", shrunk)]) < 0.85


def _shrink(ends: np.ndarray) -> np.ndarray:
    """Intervals about the same middle, half as wide."""
    middle = ends.mean(axis=-1, keepdims=True)
    shrunk: np.ndarray = middle + (ends - middle) / 2
    return shrunk


def test_coverage_counts_the_intervals_that_hold_the_truth() -> None:
    shape = (4, len(DESIGNS), len(MEASURED), len(QUANTITIES))
    ends = np.broadcast_to(np.array([0.4, 0.8]), (*shape, 2)).copy()
    ends[0, ..., 0] = 0.7
    one = Found(ends=ends, truths=np.full(shape, 0.6), bootstrap=ends[:1])
    cells = list(tabulate("weak", [one, one]))
    assert {(cell.studies, cell.method, cell.fits, cell.bootstrap_method) for cell in cells} == {(8, 0.75, 0.75, 0.0)}
    assert [cell.width for cell in cells] == pytest.approx([0.325] * len(cells))


def test_the_same_numbers_draw_the_same_studies_and_finished_ones_are_read(tmp_path: Path) -> None:
    batch = Batch("few patients", 3, tmp_path)
    weights = leave_one_out(SMALL.patients)
    one, other = (vars(simulate(SMALL, weights, 2, np.random.default_rng(5))) for _ in range(2))
    assert all(np.array_equal(one[name], other[name], equal_nan=True) for name in one)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(coverage, "SHARING", 1)
        patch.setitem(SCENARIOS, "few patients", SMALL)
        drawn = batch.studies()
        patch.setattr(coverage, "simulate", None)
        assert np.array_equal(batch.studies().values, drawn.values, equal_nan=True)


@pytest.mark.parametrize("classes", [2, 4])
def test_truth_of_a_classifier_is_what_it_reaches_on_many_new_patients(classes: int) -> None:
    scenario, rng, many = Scenario(classes=classes, effect=2.0), np.random.default_rng(2), 40_000
    label, means = rng.integers(classes, size=500), scenario.means
    weights, offsets = train(rng.normal(size=(len(label), 20)) + means[label], label, classes)
    truths = np.mean([NewPatients(scenario, rng).truths(weights[None], offsets[None], means) for _ in range(8)], axis=0)
    true = (rng.random(many) < rng.beta(*scenario.prevalence, many)) * rng.integers(1, classes, many)
    own, slopes = SPREAD * rng.normal(size=(many, 20)), 1 + SLOPES * rng.normal(size=(many, 1))
    p = probabilities((own + slopes * means[true] + rng.normal(size=own.shape)) @ weights + offsets)
    right = p.argmax(axis=1) == true
    against_the_rest = [roc_auc_score(true == number, p[:, number]) for number in range(classes)]
    assert truths[0, 0] == pytest.approx(np.mean(against_the_rest), abs=0.01)
    assert truths[0, 1] == pytest.approx((right[true == 0].mean() + right[true > 0].mean()) / 2, abs=0.01)
    normal, abnormal = (own + rng.normal(size=own.shape) for _ in range(2))
    kinds = rng.integers(1, classes, many)
    pair = [probabilities(x @ weights + offsets)[:, 0] for x in (normal, abnormal + slopes * means[kinds])]
    assert truths[0, 2] == pytest.approx((pair[1] < pair[0]).mean(), abs=0.01)


def test_committed_measurements_are_complete_and_the_page_shows_them() -> None:
    cells = read_coverage()
    assert MEASUREMENTS.read_text(encoding="utf-8") == (RESULTS / MEASUREMENTS.name).read_text(encoding="utf-8")
    assert to_csv(cells) == MEASUREMENTS.read_text(encoding="utf-8")
    places = [(cell.scenario, cell.design, cell.metric, cell.quantity) for cell in cells]
    assert places == [(s, d, m, q) for s in SCENARIOS for d in DESIGNS for m in MEASURED for q in QUANTITIES]
    assert all(cell.studies >= 1000 for cell in cells)
    assert page(cells) == (RESULTS / PAGE).read_text(encoding="utf-8")
    assert (RESULTS / FIGURE).exists()
    assert np.mean([cell.method for cell in cells]) > np.mean([cell.bootstrap_method for cell in cells]) + 0.03


def test_the_clause_of_the_captions_states_the_committed_range() -> None:
    shares = [100 * cell.method for cell in read_coverage()]
    assert f"{min(shares):.1f} to {max(shares):.1f} %" in coverage_clause()


def test_make_coverage_writes_table_page_and_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("respbench.benchmarks.statistics.coverage", "respbench.benchmarks.report.coverage"):
        monkeypatch.setattr(f"{module}.SCENARIOS", {"weak": SMALL, "60 features": SMALL})
        monkeypatch.setattr(f"{module}.SHARING", 2)
    monkeypatch.setattr("respbench.benchmarks.report.coverage.LAYOUTS", 1)
    monkeypatch.setattr("respbench.benchmarks.report.coverage.CACHE", tmp_path)
    monkeypatch.setattr("respbench.benchmarks.report.coverage.MEASUREMENTS", tmp_path / "coverage.csv")
    assert main(["--results", str(tmp_path / "results")]) == 0
    cells = read_coverage(tmp_path / "coverage.csv")
    assert {(cell.scenario, cell.block) for cell in cells} == {("weak", "chosen by"), ("60 features", "checked with")}
    assert (tmp_path / "results" / "coverage.csv").read_text() == (tmp_path / "coverage.csv").read_text()
    assert f" {100 * cells[0].method:.1f} |" in (tmp_path / "results" / PAGE).read_text(encoding="utf-8")
    assert (tmp_path / "results" / FIGURE).read_bytes().startswith(b"\x89PNG")
