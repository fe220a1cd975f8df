"""Cards of corpora and models: the committed ones are what results give; a model's weak spot is its worst part."""

from pathlib import Path

import numpy as np
import pytest

from respbench.benchmarks.report.card_texts import CORPORA_TEXTS
from respbench.benchmarks.report.cards import CARDS
from respbench.benchmarks.report.weak_spots import _large_enough, _worst
from respbench.benchmarks.statistics.forecasts import Forecasts, Repeats, auroc_in_folds, sensitivity
from respbench.benchmarks.statistics.subgroups import Subgroup
from respbench.corpora.choices import CORPORA

PROJECT = Path(__file__).resolve().parents[2]
OWN = {"manifest", "series"}
"""What a user names so is the user's."""

PATIENTS, CLIPS = 12, 10


@pytest.mark.parametrize("page", CARDS)
def test_a_committed_card_shows_the_committed_results(page: str) -> None:
    assert (PROJECT / page).read_text(encoding="utf-8") == CARDS[page](PROJECT / "results"), "run `make tables`"


def test_every_corpus_has_a_card_that_the_index_lists() -> None:
    assert set(CORPORA_TEXTS) == set(CORPORA) - OWN
    index = (PROJECT / "docs" / "cards" / "index.md").read_text()
    assert [corpus for corpus in CORPORA_TEXTS if f"datasets/{corpus}\n" not in index] == []


@pytest.fixture
def repeats() -> Repeats:
    """One repeat of a model that ranks the clips of all patients but the last six rightly, and theirs inversely."""
    patient = np.repeat(np.arange(PATIENTS), CLIPS)
    abnormal = np.tile(np.arange(CLIPS) % 2 == 0, PATIENTS)
    right = patient < PATIENTS // 2
    probability = np.where(abnormal == right, 0.8, 0.2)
    forecasts = Forecasts(
        probability=probability,
        abnormal=abnormal,
        called=probability > 0.5,
        right=(probability > 0.5) == abnormal,
        patient=patient,
        fold=np.zeros(len(patient), dtype=np.int64),
        clip=np.arange(len(patient)),
        patients=PATIENTS,
    )
    return Repeats(seeds=(0,), forecasts=(forecasts,))


def part(value: str, patients: range) -> Subgroup:
    return Subgroup(by="ward", value=value, member=np.repeat(np.isin(np.arange(PATIENTS), patients), CLIPS))


def test_the_weak_spot_is_the_part_with_the_lowest_value(repeats: Repeats) -> None:
    parts = [part("first", range(6)), part("last", range(6, 12)), part("all", range(12))]
    for metric in (auroc_in_folds, sensitivity):
        spot = _worst(repeats, parts, metric)
        assert spot is not None
        assert (spot.value, spot.patients, spot.estimate.value, spot.overall) == ("last", 6, 0.0, 0.5)


def test_parts_of_few_patients_are_no_weak_spots(repeats: Repeats) -> None:
    parts = _large_enough([part("first", range(6)), part("last", range(8, 12))], repeats)
    assert [one.value for one in parts] == ["first"]
    assert _worst(repeats, [], auroc_in_folds) is None
