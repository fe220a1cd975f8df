"""Clips as other libraries take them: arrays for scikit-learn, a data set for torch."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from respbench.corpora.clips import Clips
from respbench.features.cache import Extractor, cached
from respbench.features.clip_statistics import clip_statistics
from respbench.features.handcrafted import Handcrafted
from respbench.features.images import ResizedMel


class Arrays(NamedTuple):
    """Clips as scikit-learn takes them; unpacks as ``X, y, groups``.

    Attributes:
        X: (clips, columns) float32 features.
        y: (clips,) int64, index into the classes of the clips; -1 = hidden.
        groups: (clips,) the patient of each clip, for splitters such as ``GroupKFold``.
    """

    X: NDArray[np.float32]
    y: NDArray[np.int64]
    groups: NDArray[np.str_]


def to_sklearn(clips: Clips, features: Extractor | None = None) -> Arrays:
    """Convert clips to features, labels and groups.

    Of clips of a prepared corpus, features are computed once and then read from the cache.

    Args:
        clips: of any corpus.
        features: what computes them, such as `features.handcrafted.Handcrafted`; None = 288 handcrafted columns, of
            movements those of `features.motion.MotionStatistics`. More than two dimensions are flattened.

    Raises:
        InputError: the settings of the features don't fit the clips.
    """
    measured = clip_statistics(Handcrafted(), clips) if features is None else cached(features, clips)
    return Arrays(measured.reshape(len(clips), -1), clips.label.copy(), clips.patient.copy())


class ClipDataset(Dataset[tuple[Tensor, Tensor]]):
    """Images of clips and their labels, for a ``DataLoader``.

    Item i is the image, (channels, height, width) float32, and the label, int64 (), of clip i.

    Args:
        images: (clips, channels, height, width).
        clips: the same clips.

    Attributes:
        images: (clips, channels, height, width) float32.
        labels: (clips,) int64; -1 = hidden.
        classes: names of the classes.
        patients: (clips,) the patient of each clip.
    """

    def __init__(self, images: NDArray[np.float32], clips: Clips) -> None:
        self.images = torch.from_numpy(images)
        self.labels = torch.from_numpy(clips.label.copy())
        self.classes, self.patients = clips.classes, clips.patient

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.images[index], self.labels[index]


def to_torch_dataset(clips: Clips, images: Extractor | None = None) -> ClipDataset:
    """Convert clips to a torch ``Dataset`` of (image, label).

    Of clips of a prepared corpus, images are computed once and then read from the cache.

    Args:
        clips: sounds, or anything that ``images`` takes.
        images: what computes them; None = the mel-spectrogram of `features.images.ResizedMel`, (1, 128, 64) in dB.

    Raises:
        InputError: the settings of the images don't fit the clips.
    """
    return ClipDataset(cached(ResizedMel() if images is None else images, clips), clips)
