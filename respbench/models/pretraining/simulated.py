"""Pretraining on simulated breaths, whose labels are free: normal or abnormal, and whether there are crackles, wheezes.

Learning from simulated data before real ones: domain randomization, Tobin et al. 2017
(doi:10.1109/IROS.2017.8202133). No recorded clip is used: the weights are made once for all folds and corpora.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from respbench.corpora import catalog
from respbench.corpora.clips import Clips
from respbench.corpora.prepared.prepare import prepare_clips
from respbench.corpora.simulated.simulation import Simulation, simulate
from respbench.corpora.tasks import for_task
from respbench.models.networks.backbone import Backbone
from respbench.models.networks.starting_point import State, Untrained
from respbench.models.pretraining.task import Supervised, train_supervised

POPULATION = 1_746_301
"""Seed of the simulated patients: not that of the default corpus, which would otherwise have the same ones."""


@dataclass(frozen=True, kw_only=True)
class Simulated(Supervised):
    """Supervised training on simulated clips.

    Attributes:
        patients: simulated ones, with five clips each.
        difficulty: see `Simulation`.
    """

    name = "simulated"
    patients: int = 400
    difficulty: float = 1.0

    def train(self, network: Untrained, clips: Sequence[Clips], first: State | None) -> Backbone:
        """See `Task.train`."""
        rate = clips[0].rate
        parameters = Simulation(
            patients=self.patients, clips_per_patient=5, difficulty=self.difficulty, seed=POPULATION
        )
        prepared = prepare_clips(
            lambda: simulate(parameters, rate),
            "simulated",
            rate,
            f"{parameters!r} {rate}",
            "respbench.corpora.simulated.simulation:simulate",
            catalog.CACHE,
            "SIMULATED sounds to pretrain networks on",
        )
        simulated = for_task(prepared.clips(), "abnormal")
        return train_supervised(network, self.recipe(network.recipe), self.seed, simulated, first)


SIMULATED = Simulated()
"""With the settings of docs/decisions/0018-pretraining.md."""

SIMULATED_FEW_LABELS = Simulated(rate_factor=0.1)
"""The same weights, from which a few labeled patients must not lead far away."""
