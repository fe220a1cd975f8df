"""Defaults are chosen without the outer test patients."""

import numpy as np

from respbench.benchmarks.tuning.compare_settings import OUTER, folds_of_repeats
from respbench.corpora.simulated.simulation import Simulation, simulate
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
