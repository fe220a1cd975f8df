"""Made-up sounds for tests: tiny files in each layout that can be read, and tables of clips in memory."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
from numpy.typing import NDArray

from corpora.clips import Clips
from corpora.cycles import FOUR_CLASSES, TWO_CLASSES

RATE = 4000
"""Hz."""


def noise(seconds: float = 0.5, seed: int = 0, rate: int = RATE) -> NDArray[np.float64]:
    """White noise, (samples,), peak 0.5."""
    return np.random.default_rng(seed).uniform(-0.5, 0.5, round(seconds * rate))


def tone(frequency: float, seconds: float, rate: int, amplitude: float = 0.5) -> NDArray[np.float64]:
    """A sine of ``frequency`` Hz, (samples,)."""
    return amplitude * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)


def write_sound(path: Path, sound: NDArray[np.float64], rate: int = RATE, subtype: str = "PCM_16") -> Path:
    """Write (samples,) or (samples, channels), making the folder where needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, sound, rate, subtype=subtype)
    return path


def write_recording(
    folder: Path, annotation: str | None, name: str = "101_1b1_Al_sc_Meditron", seconds: float = 4.0, seed: int = 0
) -> Path:
    """One recording of the original layout with its annotation, unless that is None."""
    path = write_sound(folder / f"{name}.wav", noise(seconds, seed))
    if annotation is not None:
        path.with_suffix(".txt").write_text(annotation)
    return path


def write_segmented(folder: Path, patients: int = 4, each: int = 4) -> list[Path]:
    """The segmented layout: ``each`` noises of each patient, which take turns in being of the four classes."""
    paths = []
    for i in range(patients * each):
        label, patient = i % 4, 101 + i // each
        name = f"{patient}_1b1_Al_sc_Meditron_segment_{i % each + 1}_{label % 2}_{label // 2}.wav"
        paths.append(write_sound(folder / ("pos" if label else "neg") / name, noise(seed=i)))
    return paths


def write_manifest(folder: Path, *rows: str, header: str = "path,patient,label") -> Path:
    """``manifest.csv`` in a folder."""
    path = folder / "manifest.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def clips_with(counts: Sequence[Sequence[int]] | NDArray[np.int64], samples: int = 8, seed: int = 0) -> Clips:
    """Clips of noise in memory, so many of each class as ``counts`` (patients, classes) says."""
    table = np.asarray(counts)
    patients, classes = table.shape
    label = np.concatenate([np.repeat(np.arange(classes), row) for row in table])
    number = np.repeat(np.arange(patients), table.sum(axis=1))
    sound = np.random.default_rng(seed).normal(0, 0.1, (len(label), 1, samples)).astype(np.float32)
    return Clips(
        signals=list(sound),
        rate=RATE,
        label=label,
        patient=np.array([f"p{i:03}" for i in number]),
        clip_id=np.array([f"clip{i}" for i in range(len(label))]),
        classes=TWO_CLASSES if classes == 2 else FOUR_CLASSES[:classes],
        meta=pd.DataFrame({"recording": [f"r{i}" for i in number], "row": np.arange(len(label))}),
    )


def made_up_clips(patients: int = 20, clips_each: int = 8, classes: int = 2, samples: int = 8, seed: int = 0) -> Clips:
    """Clips of noise in memory: patients have their own habits in how often each class occurs."""
    rng = np.random.default_rng([seed, patients, clips_each, classes])
    counts = rng.multinomial(clips_each, rng.dirichlet(np.full(classes, 2.0), patients))
    return clips_with(counts, samples, seed)
