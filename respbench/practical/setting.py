"""Which clips the pages and the checks use, and how much is computed: two environment variables decide.

``RESPBENCH_PRACTICAL_DATA`` names a folder of ICBHI recordings or cycles; without it, clips are simulated.
``RESPBENCH_PRACTICAL_QUICK=1`` takes a small simulated corpus and few epochs, for tests.
"""

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from respbench.corpora.catalog import open_corpus
from respbench.corpora.choices import MOTION
from respbench.corpora.clips import Clips
from respbench.corpora.cycles import FOUR_CLASSES
from respbench.corpora.places import PROJECT
from respbench.corpora.problems import InputError
from respbench.corpora.simulated.simulation import Simulation
from respbench.corpora.tasks import for_task

DATA_VARIABLE = "RESPBENCH_PRACTICAL_DATA"
HMP_VARIABLE = "RESPBENCH_PRACTICAL_HMP"
QUICK_VARIABLE = "RESPBENCH_PRACTICAL_QUICK"

SMALL = Simulation(patients=25, clips_per_patient=6)
"""The corpus of a quick walk."""

PAGES = PROJECT / "docs" / "practical"
RESULTS = PROJECT / "results"


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What a walk is done with.

    Attributes:
        data: folder of ICBHI recordings or cycles; None = simulated clips.
        hmp: folder of the HMP dataset; None = simulated movements.
        quick: whether as little as possible is computed.
    """

    data: Path | None = None
    hmp: Path | None = None
    quick: bool = False

    @property
    def corpus(self) -> dict[str, Any]:
        """The arguments of `corpora.catalog.open_corpus`."""
        if self.data is not None:
            return {"corpus": "icbhi", "data": self.data}
        return {"corpus": "simulated", "simulation": SMALL if self.quick else Simulation()}

    def epochs(self, usual: int) -> int:
        """Epochs of training: as usual, or few in a quick walk."""
        return min(2, usual) if self.quick else usual

    def __str__(self) -> str:
        what = "SIMULATED clips, whose numbers say nothing about patients" if self.data is None else "recorded cycles"
        return what + ("; a quick walk, too short to learn from" if self.quick else "")


def chosen() -> Setting:
    """Read the setting from the environment.

    Raises:
        InputError: a folder that is named doesn't exist.
    """
    return Setting(
        data=_folder(DATA_VARIABLE),
        hmp=_folder(HMP_VARIABLE),
        quick=os.environ.get(QUICK_VARIABLE, "0") not in ("", "0"),
    )


def _folder(variable: str) -> Path | None:
    named = os.environ.get(variable)
    if not named:
        return None
    folder = Path(named).expanduser().absolute()
    if not folder.is_dir():
        raise InputError(f"{variable} names {folder}, which is no folder; correct or unset it")
    return folder


@lru_cache(maxsize=4)
def sounds(setting: Setting, task: str = "abnormal") -> Clips:
    """The clips of a setting, labeled for a task."""
    return for_task(open_corpus(**setting.corpus).clips(), task)


@lru_cache(maxsize=2)
def movements(setting: Setting) -> Clips:
    """Trials of activities: those of HMP if the setting names them, else simulated ones."""
    if setting.hmp is not None:
        return open_corpus("hmp", setting.hmp, task="activity").clips()
    return simulated_movements()


def results(place: str) -> Path:
    """A committed report folder, such as ``icbhi/abnormal/patients-5fold``.

    Raises:
        InputError: it is not here, as outside the clone.
    """
    folder = RESULTS / place
    if not folder.is_dir():
        raise InputError(f"{folder} does not exist; run this in a clone of the project, which holds its results")
    return folder


def file_names(clips: Clips) -> list[str]:
    """Name every clip of four classes as the segmented ICBHI database does, the annotation included.

    ``<recording>_segment_<number>_<crackle>_<wheeze>.wav``; simulated clips have no file, but get a name of this form.
    """
    if clips.classes != FOUR_CLASSES:
        raise InputError(f"names state {', '.join(FOUR_CLASSES)}; take clips of the task four-class")
    recording = clips.meta["recording"]
    cycle = clips.meta["cycle"] if "cycle" in clips.meta else recording.groupby(recording).cumcount() + 1
    return [
        f"{name}_segment_{number}_{label & 1}_{label >> 1}.wav"
        for name, number, label in zip(recording, cycle, clips.label.tolist(), strict=True)
    ]


ACTIVITIES = {"sit": (0.0, 0.3), "walk": (1.8, 3.0), "brush": (3.5, 5.0)}
"""Simulated activities: pace in Hz and strength in m/s² (ours, to look at; no results are claimed on them)."""

GRAVITY = 9.81
"""m/s²."""


def simulated_movements(subjects: int = 10, trials: int = 3, rate: int = 32, seed: int = 0) -> Clips:
    """Trials of every activity by every subject, 6 to 12 s, of an accelerometer with three axes in m/s².

    Everybody wears the sensor a little differently and has a pace of their own.
    """
    rng = np.random.default_rng(seed)
    signals, rows = [], []
    for subject in range(subjects):
        down = np.array([0.2, 0.3, 1.0]) + 0.3 * rng.normal(size=3)
        own_pace = rng.uniform(0.85, 1.15)
        for label, (pace, strength) in enumerate(ACTIVITIES.values()):
            for trial in range(trials):
                time = np.arange(round(rng.uniform(6, 12) * rate)) / rate
                swing = strength * np.sin(2 * np.pi * pace * own_pace * (time + rng.uniform()))
                series = GRAVITY * down[:, None] / np.linalg.norm(down) + np.outer(rng.normal(size=3), swing)
                signals.append((series + 0.3 * rng.normal(size=series.shape)).astype(np.float32))
                rows.append({"label": label, "subject": f"s{subject}", "recording": f"s{subject}-{label}-{trial}"})
    table = pd.DataFrame(rows)
    return Clips(
        signals=signals,
        rate=rate,
        label=table["label"].to_numpy(np.int64),
        patient=table["subject"].to_numpy(np.str_),
        clip_id=table["recording"].to_numpy(np.str_),
        classes=tuple(ACTIVITIES),
        meta=table[["recording"]],
        modality=MOTION,
    )
