"""What respbench is timed against in `make speed`: a librosa loop over files, and the practical's notebook.

Both are written as is usual, read the files at their own rate, and come to the same
numbers as respbench. Nothing else in the suite calls this file.
"""

from collections.abc import Sequence
from pathlib import Path

import librosa
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from respbench.features.descriptors import CONTRAST_EDGES
from respbench.features.handcrafted import Handcrafted
from respbench.models.networks.cnn import TwoLayerCNN


def handcrafted_by_file(paths: Sequence[Path], features: Handcrafted) -> NDArray[np.float64]:
    """(files, columns): the columns of ``Handcrafted()``, one file after the other."""
    return np.stack([_statistics(_series(path, features)) for path in paths])


def _series(path: Path, features: Handcrafted) -> NDArray[np.float64]:
    """(rows, frames) of one file, in the order of ``Handcrafted.rows``."""
    y, rate = librosa.load(path, sr=None)
    n_fft, hop = features.n_fft, features.hop
    mel = librosa.feature.melspectrogram(y=y, sr=rate, n_fft=n_fft, hop_length=hop, n_mels=features.n_mels)
    mfcc = librosa.feature.mfcc(S=librosa.power_to_db(mel, top_db=None), n_mfcc=features.n_mfcc)
    contrast = librosa.feature.spectral_contrast(
        y=y, sr=rate, n_fft=n_fft, hop_length=hop, fmin=CONTRAST_EDGES[0], n_bands=len(CONTRAST_EDGES)
    )
    return np.vstack(
        [
            mfcc,
            librosa.feature.delta(mfcc, mode="nearest"),
            librosa.feature.delta(mfcc, order=2, mode="nearest"),
            librosa.feature.spectral_centroid(y=y, sr=rate, n_fft=n_fft, hop_length=hop),
            librosa.feature.spectral_bandwidth(y=y, sr=rate, n_fft=n_fft, hop_length=hop),
            librosa.feature.spectral_rolloff(y=y, sr=rate, n_fft=n_fft, hop_length=hop),
            librosa.feature.spectral_flatness(y=y, n_fft=n_fft, hop_length=hop),
            contrast,
            librosa.feature.zero_crossing_rate(y, frame_length=n_fft, hop_length=hop),
            librosa.feature.rms(y=y, frame_length=n_fft, hop_length=hop),
        ]
    )


def _statistics(series: NDArray[np.float64]) -> NDArray[np.float64]:
    quartiles = np.percentile(series, [25, 50, 75], axis=1)
    summaries = [series.mean(axis=1), series.std(axis=1), quartiles[1], quartiles[2] - quartiles[0]]
    return np.stack(summaries, axis=1).ravel()


class NotebookCycles(Dataset[tuple[torch.Tensor, int]]):
    """Cycles as a notebook serves them: decoded, and their mel-spectrogram computed, whenever they are asked for.

    Args:
        paths: one file per cycle.
        labels: (files,).
    """

    def __init__(self, paths: Sequence[Path], labels: NDArray[np.int64]) -> None:
        self.paths = paths
        self.labels = labels

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        """A mel-spectrogram in dB, (1, 128, 64), and its label."""
        y, rate = librosa.load(self.paths[index], sr=None)
        mel = librosa.feature.melspectrogram(y=y, sr=rate, n_fft=512, hop_length=64, n_mels=128)
        image = torch.from_numpy(librosa.power_to_db(mel, top_db=None))[None, None]
        resized = functional.interpolate(image, size=(128, 64), mode="bilinear", antialias=True, align_corners=False)
        return resized[0], int(self.labels[index])


def notebook_fold(
    parts: Sequence[tuple[Sequence[Path], NDArray[np.int64]]], epochs: int, batch_size: int, seed: int
) -> NDArray[np.float64]:
    """Train the practical's CNN on one fold and give the probabilities of its test cycles.

    Args:
        parts: files and labels to train on, to choose the epoch by, and to predict.
        epochs: passes over the training files; the one with the best validation accuracy is kept.
        batch_size: files per step.
        seed: of the initial weights and the order.
    """
    torch.manual_seed(seed)
    train, valid, test = (NotebookCycles(*part) for part in parts)
    network = TwoLayerCNN((1, 128, 64), 2)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    best, kept = -1.0, network.state_dict()
    for _ in range(epochs):
        network.train()
        for images, labels in DataLoader(train, batch_size, shuffle=True):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(network(images), labels)
            loss.backward()
            optimizer.step()
        accuracy = float((_predict(network, valid).argmax(axis=1) == valid.labels).mean())
        if accuracy > best:
            best, kept = accuracy, {name: value.clone() for name, value in network.state_dict().items()}
    network.load_state_dict(kept)
    return _predict(network, test)


@torch.no_grad()
def _predict(network: nn.Module, cycles: NotebookCycles) -> NDArray[np.float64]:
    network.eval()
    parts = [network(images).softmax(dim=1) for images, _ in DataLoader(cycles, 64)]
    probabilities: NDArray[np.float64] = torch.cat(parts).double().numpy()
    return probabilities
