"""Pretraining on simulated breaths, whose labels are free: normal or abnormal, and whether there are crackles, wheezes.

Learning from simulated sounds before real ones: domain randomization, Tobin et al. 2017
(doi:10.1109/IROS.2017.8202133). No recorded clip is used: the weights are made once for all folds and corpora.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from corpora.clips import Clips
from corpora.cycles import TWO_CLASSES
from corpora.problems import InputError
from models.multiple_instance import simulated_clips
from models.networks.backbone import Backbone
from models.networks.recipe import Recipe
from models.networks.starting_point import State, Untrained
from models.pretraining.task import Task, train_supervised


@dataclass(frozen=True, kw_only=True)
class Simulated(Task):
    """Supervised training on the simulated corpus.

    Attributes:
        patients: simulated ones, with five clips each.
        auxiliary: weight of crackle and wheeze beside the class.
    """

    name = "simulated"
    patients: int = 400
    auxiliary: float = 1.0

    def recipe(self, of_fit: Recipe) -> Recipe:
        """See `Task.recipe`."""
        return replace(super().recipe(of_fit), auxiliary=self.auxiliary)

    def train(self, network: Untrained, clips: Sequence[Clips], first: State | None) -> Backbone:
        """See `Task.train`."""
        simulated = simulated_clips(TWO_CLASSES, clips[0].rate, self.patients)
        if simulated is None:
            raise InputError("pretraining on simulated sounds needs at least 2 simulated patients")
        return train_supervised(network, self.recipe(network.recipe), self.seed, simulated, first)


SIMULATED = Simulated()
"""With the settings of docs/decisions/0018-pretraining.md."""
