"""Words about differences: who has not been shown to hear anything, and which number is too good to be true."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up_results import STRENGTHS, made_up_results

from benchmarks.report.checks import results_of_checks
from benchmarks.report.comparisons import COMPARED, METADATA_SENTENCE, metadata_in_words
from benchmarks.report.leaderboard import cell, leaderboard
from benchmarks.report.page import report_text
from benchmarks.statistics.results import METADATA, Results, difference


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Three controls and three models that hear."""
    strengths = {**STRENGTHS, "duration": 0.2, "deaf": 0.55, "cnn": 1.25}
    return load_results(made_up_results(tmp_path_factory.mktemp("results"), strengths))


def shifted(results: Results, model: str, **by: float) -> Results:
    """The results with a model whose every resample differs from `metadata` by so much."""
    metadata = results.find(METADATA)
    assert metadata is not None
    moved = {metric: values + by.get(metric, 0.0) for metric, values in metadata.distributions.items()}
    entries = [replace(e, distributions=moved) if e.model == model else e for e in results.models]
    return replace(results, entries=tuple(entries))


def test_words_about_hearing_name_each_model_and_no_control(results: Results) -> None:
    hearing = {entry.name for entry in results.complete if entry.kind != "control"}
    assert hearing == {"svm", "deaf", "cnn"}
    all_deaf = results
    for model in hearing:
        all_deaf = shifted(all_deaf, model, auroc=-0.01, score=0.1)
    said = metadata_in_words(all_deaf)
    assert {re.match(r"\*\*`([\w-]+)` ", sentence)[1] for sentence in said} == hearing
    assert all(METADATA_SENTENCE in sentence and "AUROC -0.010 [-0.010, -0.010]" in sentence for sentence in said)
    half = " ".join(metadata_in_words(shifted(all_deaf, "cnn", auroc=0.1, score=0.0)))
    assert "`cnn` is above `metadata` on AUROC, but not shown to be on score." in half
    assert f"`cnn` {METADATA_SENTENCE}" not in half
    unknown = " ".join(metadata_in_words(shifted(all_deaf, "cnn", auroc=np.nan)))
    assert "`cnn` has no AUROC here" in unknown
    none_deaf = results
    for model in hearing:
        none_deaf = shifted(none_deaf, model, auroc=0.1, score=0.1)
    assert metadata_in_words(none_deaf) == [
        "Every model that hears is above `metadata` on score and AUROC, beyond the noise."
    ]
    controls = replace(results, entries=tuple(entry for entry in results.models if entry.kind == "control"))
    assert "No model that hears is complete" in " ".join(metadata_in_words(controls))


def test_differences_to_svm_and_to_metadata_stand_there_for_every_model(tmp_path: Path) -> None:
    results = load_results(made_up_results(tmp_path, {**STRENGTHS, "duration": 0.2, "xgboost": 2.0, "cnn": 1.0}))
    text = report_text(results, {}, tmp_path)
    for name in ("xgboost", "svm", METADATA):
        reference = results.find(name)
        assert reference is not None
        table = text.partition(f"Each model minus `{name}`")[2].split("\n\n")[1]
        for entry in results.complete:
            (row,) = [r for r in table.splitlines() if r.startswith(f"| {entry.name} ")] or [""]
            assert (row == "") == (entry is reference)
            cells = [cell(difference(entry, reference, metric), signed=True) for metric in COMPARED] if row else []
            assert all(one in row for one in cells)
    assert list(COMPARED) == ["score", "auroc", "auroc_within_patients"]


@pytest.mark.parametrize(
    ("simulated", "protocol", "flagged"),
    [
        (False, "patients-3fold", True),
        (False, "patients-3fold-ablation", True),
        (True, "patients-3fold", False),
        (False, "random-3fold", False),
    ],
)
def test_too_good_an_auroc_of_unknown_real_patients_is_a_leak_until_shown_otherwise(
    tmp_path: Path, simulated: bool, protocol: str, flagged: bool
) -> None:
    results = load_results(made_up_results(tmp_path, {"leak": 2.5, "svm": 1.0}, simulated=simulated, protocol=protocol))
    said = str(results_of_checks(results)[4][2])
    assert bool(re.fullmatch(r"`leak` has AUROC 0\.9\d\d: treat as a leak until shown otherwise", said)) == flagged
    assert (said == "fine") != flagged
