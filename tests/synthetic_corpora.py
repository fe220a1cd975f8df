"""Synthetic sounds for tests: tiny files in each layout that can be read, and tables of clips in memory."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
from numpy.typing import NDArray

from respbench.corpora.clips import Clips
from respbench.corpora.cycles import FOUR_CLASSES, TWO_CLASSES

RATE = 4000
"""Hz."""

TINY_RUN = (
    *("--patients", "12", "--clips", "4", "--corpus-seed", "1"),
    *("--protocol", "patients-2fold", "--workers", "0"),
)
"""Arguments of the smallest run of the command line that has something to show."""


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


SPRSOUND_FOLDERS = (
    ("train2022_wav", "train2022_json"),
    ("test2022_wav", "test2022_json/intra_test_json"),
    ("test2022_wav", "test2022_json/inter_test_json"),
)


def write_sprsound_recording(
    folder: Path,
    events: Sequence[tuple[object, object, object]],
    name: str = "65101170_0.4_1_p1_3246",
    quality: object = "Normal",
    seconds: float = 2.0,
    seed: int = 0,
    places: tuple[str, str] = SPRSOUND_FOLDERS[0],
) -> tuple[Path, Path]:
    """One recording of SPRSound with its annotation; events are (start, end, type), times in ms."""
    sound = write_sound(folder / places[0] / f"{name}.wav", noise(seconds, seed, 8000), 8000)
    annotation = folder / places[1] / f"{name}.json"
    annotation.parent.mkdir(parents=True, exist_ok=True)
    listed = [{"start": start, "end": end, "type": kind} for start, end, kind in events]
    annotation.write_text(json.dumps({"record_annotation": quality, "event_annotation": listed}))
    return sound, annotation


def write_sprsound(folder: Path, patients: int = 4) -> None:
    """SPRSound as it is distributed: four events of each patient, of the four classes, and a recording without any."""
    kinds = ("Normal", "Fine Crackle", "Rhonchi", "Wheeze+Crackle")
    events = [(str(500 * i), str(500 * i + 400), kind) for i, kind in enumerate(kinds)]
    for i in range(patients):
        places = SPRSOUND_FOLDERS[i % len(SPRSOUND_FOLDERS)]
        write_sprsound_recording(folder, events, f"{101 + i}_{i + 1}.5_{i % 2}_p{i % 4 + 1}_{i}", "DAS", 2.0, i, places)
    write_sprsound_recording(folder, [], "101_1.5_0_p2_99", "Poor Quality", seed=99)


def write_kauh(folder: Path, patients: int = 8) -> list[Path]:
    """KAUH as it is distributed: three filterings of each patient, who take turns in the four classes."""
    sounds = ("N", "C", "I E W", "I C E W")
    names = [f"P{i + 1}_Asthma,{sounds[i % 4]},P L {'LMU'[i % 3]},{40 + i},{'FM'[i % 2]}" for i in range(patients)]
    return [
        write_sound(folder / f"{mode}{name}.wav", noise(seed=1000 + 10 * i + j))
        for i, name in enumerate(names)
        for j, mode in enumerate("BDE")
    ]


def write_manifest(folder: Path, *rows: str, header: str = "path,patient,label") -> Path:
    """``manifest.csv`` in a folder."""
    path = folder / "manifest.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def clips_with(counts: Sequence[Sequence[int]] | NDArray[np.int64], samples: int = 8, seed: int = 0) -> Clips:
    """Clips of noise in memory, as many of each class as in ``counts`` (patients, classes)."""
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


def synthetic_clips(
    patients: int = 20, clips_each: int = 8, classes: int = 2, samples: int = 8, seed: int = 0
) -> Clips:
    """Clips of noise in memory: patients have their own habits in how often each class occurs."""
    rng = np.random.default_rng([seed, patients, clips_each, classes])
    counts = rng.multinomial(clips_each, rng.dirichlet(np.full(classes, 2.0), patients))
    return clips_with(counts, samples, seed)


def two_corpora(*counts: Sequence[Sequence[int]]) -> Clips:
    """Clips in memory, of the corpora a and b (and c) with so many of each class as ``counts`` (patients, classes)."""
    parts = [clips_with(table, seed=i) for i, table in enumerate(counts)]
    names = "abc"[: len(parts)]
    return Clips(
        signals=[signal for part in parts for signal in part],
        rate=4000,
        label=np.concatenate([part.label for part in parts]),
        patient=np.concatenate([[f"{n}:{p}" for p in part.patient] for n, part in zip(names, parts, strict=True)]),
        clip_id=np.concatenate([[f"{n}:{c}" for c in part.clip_id] for n, part in zip(names, parts, strict=True)]),
        classes=parts[0].classes,
        meta=pd.concat([part.meta.assign(corpus=n) for n, part in zip(names, parts, strict=True)], ignore_index=True),
    )
