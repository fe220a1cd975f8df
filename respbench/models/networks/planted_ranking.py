"""Planted ranking as an auxiliary loss at full labels: a clip with a planted sound must be predicted as more abnormal.

The loss is that of `models.semi_supervised.planted`, here on the labeled training clips, beside their labels. Several
networks that differ in their seed alone are averaged, which reduces the variance of each (deep ensembles:
Lakshminarayanan et al. 2017, arXiv:1612.01474).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from respbench.corpora.problems import InputError
from respbench.models.ensemble import Ensemble
from respbench.models.networks.network import NetworkModel, OnEpoch
from respbench.models.semi_supervised.planted import PlantedSounds


class DeepEnsemble(Ensemble):
    """Networks that differ in their seed alone, with averaged probabilities.

    Args:
        networks: unfitted.

    Attributes:
        on_epoch: see `models.spec.TrainedByEpoch`; called for the first network.
        curve: of the first network, see `models.spec.HasLearningCurve`.
    """

    def __init__(self, networks: Sequence[NetworkModel]) -> None:
        super().__init__(networks, None)
        self.first = networks[0]

    @property
    def on_epoch(self) -> OnEpoch | None:
        """What is called after each epoch of the first network."""
        return self.first.on_epoch

    @on_epoch.setter
    def on_epoch(self, called: OnEpoch | None) -> None:
        self.first.on_epoch = called

    @property
    def curve(self) -> Sequence[Mapping[str, float]]:
        """One row per epoch of the first network."""
        return self.first.curve


def deep_ensemble(
    build: Callable[[int], NetworkModel], seed: int, networks: int, takes: int, weight: float, ratio: float
) -> DeepEnsemble:
    """Unfitted networks with planted ranking as an auxiliary loss.

    Args:
        build: from a seed to an unfitted network.
        seed: determines all randomness.
        networks: how many are averaged.
        takes: planted versions of each clip per kind of sound.
        weight: of the ranking loss; 0 = without it.
        ratio: clips that are ranked, per labeled clip in a step.

    Raises:
        InputError: no network, or no clip that is ranked in a step.
    """
    if networks < 1:
        raise InputError(f"an average needs one network or more; got {networks}")

    def one(own: int) -> NetworkModel:
        model = build(own)
        ranked = round(ratio * model.recipe.batch_size)
        if weight and ranked < 1:
            raise InputError(f"ranking needs one clip or more in every step; got a ratio of {ratio:g} to labeled clips")
        if weight:
            model.method = PlantedSounds(takes)
            model.recipe = replace(model.recipe, alpha=weight, unlabeled_batch=ranked)
        return model

    return DeepEnsemble([one(networks * seed + number) for number in range(networks)])
