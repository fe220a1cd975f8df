"""Differences between models: who leads, what the sound adds to metadata, and how differences are grouped."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up_results import STRENGTHS, made_up_results

from benchmarks.report.comparisons import comparisons, sound_gains
from benchmarks.report.page import report_text
from benchmarks.statistics.bootstrap import Estimate
from benchmarks.statistics.comparisons import Verdict, difference, verdict
from benchmarks.statistics.loading import load_results
from benchmarks.statistics.metrics import COMPARED
from benchmarks.statistics.results import METADATA, Results
from models.spec import ModelKind


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Three controls and four models that use the sound."""
    strengths = {**STRENGTHS, "duration": 0.2, "weak": 0.55, "xgboost": 2.0, "cnn": 1.25}
    return load_results(made_up_results(tmp_path_factory.mktemp("results"), strengths))


def shifted(results: Results, model: str, **by: float) -> Results:
    """The results with a model whose every resample differs from `metadata` by so much."""
    metadata = results.find(METADATA)
    assert metadata is not None
    moved = {metric: values + by.get(metric, 0.0) for metric, values in metadata.distributions.items()}
    models = [replace(one, distributions=moved) if one.name == model else one for one in results.models]
    return replace(results, models=tuple(models))


def test_gains_over_metadata_are_those_of_the_models_that_use_the_sound(results: Results) -> None:
    gains = {gain.model: gain for gain in sound_gains(results) or ()}
    assert set(gains) == {"svm", "weak", "xgboost", "cnn"}
    for model in results.complete:
        if model.name in gains:
            beyond = difference(model, results.models[0], "auroc")
            assert beyond is not None
            metadata = results.find(METADATA)
            assert metadata is not None
            assert gains[model.name].auroc == difference(model, metadata, "auroc")
    assert gains["svm"].ranks_better
    assert not gains["weak"].ranks_better
    assert sound_gains(replace(results, models=tuple(m for m in results.models if m.name != METADATA))) is None
    controls = tuple(model for model in results.models if model.kind is ModelKind.CONTROL)
    assert sound_gains(replace(results, models=controls)) == []


@pytest.mark.parametrize(
    ("auroc", "score", "phrase"),
    [
        (-0.01, 0.1, "**`cnn` is not shown to rank clips better than `metadata`.**"),
        (0.1, 0.0, "`cnn` is above `metadata` on AUROC, but not shown to be on score."),
        (np.nan, 0.1, "`cnn` has no AUROC here"),
        (0.1, 0.1, "Every model that uses the sound is above `metadata` on score and AUROC"),
    ],
)
def test_the_page_has_a_sentence_for_every_outcome(
    results: Results, tmp_path: Path, auroc: float, score: float, phrase: str
) -> None:
    for model in ("svm", "weak", "xgboost"):
        results = shifted(results, model, auroc=0.1, score=0.1)
    text = report_text(shifted(results, "cnn", auroc=auroc, score=score), [], tmp_path)
    assert text.count(phrase) == 1


def test_every_reference_is_compared_with_every_other_model(results: Results) -> None:
    found = comparisons(results)
    assert {one.role: one.reference for one in found.against} == {
        "best": "xgboost",
        "baseline": "svm",
        "metadata": "metadata",
        "prior": "prior",
    }
    for one in found.against:
        reference = results.find(one.reference)
        assert reference is not None
        others = [model for model in results.complete if model is not reference]
        for row, model in zip(one.rows, others, strict=True):
            assert row[:-1] == [model.name, *(difference(model, reference, metric) for metric in COMPARED)]


def test_the_leader_is_compared_with_all_others(results: Results, tmp_path: Path) -> None:
    leader, second, *_ = results.complete
    for lead in comparisons(results).leads:
        assert (lead.leader, lead.second) == (leader.name, second.name)
        assert lead.difference == difference(leader, second, lead.metric)
        worse = {m.name for m in results.complete if m is not leader and difference(leader, m, lead.metric).low > 0}
        assert set(lead.not_beaten) == {model.name for model in results.complete} - worse - {leader.name}
    alone = load_results(made_up_results(tmp_path, {"svm": 1.0}, seeds=1))
    assert comparisons(alone).leads == []
    text = report_text(alone, [], tmp_path)
    assert "nothing to compare" in text
    assert "gain over it is unknown" in text


def test_differences_are_grouped_by_what_they_show() -> None:
    nan = float("nan")
    gains = {
        "a": Estimate(0.1, 0.01, 0.2),
        "b": Estimate(0.1, 0.0, 0.2),
        "c": Estimate(nan, nan, nan),
        "d": Estimate(-0.1, -0.2, -0.01),
    }
    assert verdict(gains) == Verdict(better=("a",), worse=("d",), undecided=("b",), undefined=("c",))
