"""Defaults are chosen without the outer test patients."""

import numpy as np
from synthetic_corpora import clips_with, two_corpora

from respbench.benchmarks.tuning.compare_settings import OUTER, folds_of_repeats
from respbench.benchmarks.tuning.folds import INNER
from respbench.corpora.clips import Clips
from respbench.corpora.simulated.simulation import Simulation, simulate
from respbench.corpora.splits.folds import Index
from respbench.corpora.splits.multi_corpus import MultiCorpus
from respbench.corpora.tasks import for_task


def test_inner_folds_never_touch_the_outer_test_patients() -> None:
    clips = for_task(simulate(Simulation(patients=30, clips_per_patient=3)), "abnormal")
    outer = [fold.test for seed in range(2) for fold in OUTER.split(clips, seed)]
    inner = list(folds_of_repeats(clips, repeats=2))
    assert len(inner) == 4 * len(outer)
    for number, fold in enumerate(inner):
        used = clips.patient[np.concatenate([fold.train, fold.valid, fold.test])]
        assert not set(used) & set(clips.patient[outer[number // 4]])
        assert not set(clips.patient[fold.test]) & set(clips.patient[np.concatenate([fold.train, fold.valid])])


def test_the_first_inner_fold_of_each_outer_fold_can_be_taken_alone() -> None:
    clips = clips_with([[2, 2]] * 20)
    every, first = list(folds_of_repeats(clips, 2)), list(folds_of_repeats(clips, 2, most=1))
    assert len(first) == 2 * OUTER.folds
    for one, other in zip(first, every[:: INNER.folds], strict=True):
        assert one.test.tolist() == other.test.tolist()
        assert one.train.tolist() == other.train.tolist()


def test_inner_folds_with_an_added_corpus_are_those_of_the_tested_one_alone() -> None:
    """Else a setting on both corpora could not be compared with itself on one of them."""
    tested, added = [[2, 2]] * 20, [[1, 2]] * 4
    alone, joined = clips_with(tested), two_corpora(tested, added)
    others = {name for name in joined.clip_id.tolist() if name.startswith("b:")}
    outer, inner = (MultiCorpus("b", splitter.folds) for splitter in (OUTER, INNER))
    folds = folds_of_repeats(joined, 1, inner, 1, outer)
    for fold, own in zip(folds, folds_of_repeats(alone, 1, most=1), strict=True):
        for part in ("valid", "test"):
            assert joined.clip_id[getattr(fold, part)].tolist() == named(alone, getattr(own, part))
        assert set(joined.clip_id[fold.train].tolist()) == others.union(named(alone, own.train))


def named(clips: Clips, part: Index) -> list[str]:
    """Clips of a part, by their names in the joined table."""
    return [f"a:{name}" for name in clips.clip_id[part].tolist()]
