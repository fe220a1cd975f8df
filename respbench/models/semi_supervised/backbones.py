"""The networks that the semi-supervised methods are run with, and how each is trained for them.

Each is named by its target, so that a method over one backbone depends on the code of that backbone alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from respbench.features.augmentation import Augmentation
from respbench.features.series_augmentation import SeriesAugmentation
from respbench.models.networks.recipe import Augment


@dataclass(frozen=True, kw_only=True)
class SSLBackbone:
    """A network of the registry as the backbone of every method and of their supervised baseline.

    Attributes:
        target: ``"package.module:build"`` of the network.
        parameters: of ``build`` that differ from its defaults.
        batch_size: labeled clips per step.
        weak: augmentation of the labeled clips, and of the weaker of two views.
        strong: augmentation of the stronger view.
        pretraining: target ``"package.module:symbol"`` of what finds the weights that training starts from, those of
            every method and of the baseline alike; empty = random ones.
        standardize_on_labeled: whether all of them standardize bands on the labeled clips alone, so that they are given
            the same images; else the methods do so on all clips that they see.
    """

    target: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    batch_size: int
    weak: Augment
    strong: Augment
    pretraining: str = ""
    standardize_on_labeled: bool = False


MLP = SSLBackbone(
    target="respbench.models.networks.mlp:build",
    batch_size=32,
    weak=Augmentation(),  # views differ by dropout alone
    strong=Augmentation(),
)

CNN = SSLBackbone(
    target="respbench.models.networks.cnn:build",
    parameters={"dropout": 0.3, "images": "maps"},
    batch_size=8,
    weak=Augmentation(shift=0.5, gain=2.0),
    strong=Augmentation(shift=0.5, gain=2.0, noise=2.0, masked_bands=4, masked_frames=20),
    pretraining="respbench.models.pretraining.simulated:SIMULATED_FEW_LABELS",
    standardize_on_labeled=True,
)

CNN_GRU = SSLBackbone(
    target="respbench.models.networks.cnn_gru:build",
    parameters={"dropout": 0.3, "images": "maps"},
    batch_size=8,
    weak=Augmentation(shift=0.5, gain=2.0),
    strong=Augmentation(shift=0.5, gain=2.0, noise=2.0, masked_bands=4, masked_frames=20),
    pretraining="respbench.models.pretraining.simulated:SIMULATED_FEW_LABELS",
    standardize_on_labeled=True,
)

RESNET_MAPS = SSLBackbone(
    target="respbench.models.networks.resnet:build",
    batch_size=8,
    weak=Augmentation(crop=96, equaliser=4.0),
    strong=Augmentation(crop=96, equaliser=4.0, noise=2.0, masked_bands=6, masked_frames=12),
)

CNN_1D = SSLBackbone(
    target="respbench.models.networks.cnn_1d:build",
    batch_size=8,
    weak=SeriesAugmentation(rotation=15.0, scaling=0.1, warp=0.2),
    strong=SeriesAugmentation(rotation=30.0, scaling=0.2, warp=0.4),
)

GRU = SSLBackbone(
    target="respbench.models.networks.gru:build",
    batch_size=8,
    weak=SeriesAugmentation(rotation=15.0, scaling=0.1, warp=0.2),
    strong=SeriesAugmentation(rotation=30.0, scaling=0.2, warp=0.4),
)

CNN_GRU_1D = SSLBackbone(
    target="respbench.models.networks.cnn_gru_1d:build",
    batch_size=8,
    weak=SeriesAugmentation(rotation=15.0, scaling=0.1, warp=0.2),
    strong=SeriesAugmentation(rotation=30.0, scaling=0.2, warp=0.4),
)
