"""Pretraining on planted sounds: a clip with a crackle or a wheeze added ranks above the clip itself.

All audio of the training side takes part, labeled or not, and no label does. The loss is that of
`models.semi_supervised.planted`, whose docstring has the sources.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from respbench.corpora.clips import Clips
from respbench.corpora.digests import digest
from respbench.models.networks.backbone import Backbone
from respbench.models.networks.recipe import Recipe
from respbench.models.networks.starting_point import State, Untrained
from respbench.models.pretraining.simulated import SIMULATED
from respbench.models.pretraining.task import Task, content_of, train_unlabeled
from respbench.models.semi_supervised.planted import PlantedSounds


@dataclass(frozen=True, kw_only=True)
class PlantedRanking(Task):
    """Ranking of clips and their planted versions.

    Attributes:
        steps: per epoch; every fold is pretrained equally long.
        takes: planted versions of each clip per kind of sound.
    """

    name = "planted"
    epochs: int = 10
    steps: int = 100
    takes: int = 2

    def content(self, clips: Sequence[Clips]) -> list[str]:
        """A digest of the clips, whatever their order, labels and patients."""
        return [digest(sorted(content_of(clips)))]

    def recipe(self, of_fit: Recipe) -> Recipe:
        """See `Task.recipe`."""
        return replace(super().recipe(of_fit), steps=self.steps, unlabeled_batch=self.batch_size)

    def train(self, network: Untrained, clips: Sequence[Clips], first: State | None) -> Backbone:
        """See `Task.train`."""
        recipe = self.recipe(network.recipe)
        return train_unlabeled(network, recipe, self.seed, PlantedSounds(self.takes), clips, first)


PLANTED = PlantedRanking()
"""From random weights."""

SIMULATED_THEN_PLANTED = PlantedRanking(first=SIMULATED)
"""From the weights of the pretraining on simulated breaths."""
