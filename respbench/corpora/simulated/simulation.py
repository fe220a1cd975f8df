"""The embedded default corpus: breathing cycles simulated from published acoustics, with patients who differ.

Nothing in it was recorded: results on it show how a method behaves, never how well it detects disease. With it,
the whole suite runs without a download, and it is built to show what real data show: a clip-level random split flatters
a model, because patients, devices and rooms are easier to recognize than crackles and wheezes.

``population`` holds the kinds of patients, ``patients`` draws each one, ``acoustics`` makes the sounds and
``recordings`` records them. Constants come with their published source; "ours" marks this project's own choices.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.random import SeedSequence

from respbench.corpora.clips import Clips, Signal
from respbench.corpora.problems import InputError
from respbench.corpora.simulated.patients import draw_patient
from respbench.corpora.simulated.population import CLASSES, kind_of_patient
from respbench.corpora.simulated.recordings import CYCLES_PER_RECORDING, record_patient
from respbench.corpora.simulated.traits import Patient

LOWEST_RATE: Final = 4000
"""Hz; the initial deflection of the finest crackles, about half a millisecond, needs two samples (and so the rate that
ICBHI's narrowest device records at)."""

HIGHEST_RATE: Final = 48000
"""Hz; nothing in a lung sound needs more, and memory grows with it (ours)."""


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """All parameters of the simulated corpus.

    Attributes:
        patients: number of patients, at least 2; the first ones are the same however many there are.
        clips_per_patient: breathing cycles of each, at least 1.
        difficulty: 0 = adventitious sounds loud and patients alike, 1 = as on real data, 2 = harder.
        seed: non-negative; another seed gives other patients.
    """

    patients: int = 100
    clips_per_patient: int = 10
    difficulty: float = 1.0
    seed: int = 0


def simulate(parameters: Simulation, rate: int = 4000) -> Clips:
    """Generate the corpus; the same arguments give the same bytes.

    Args:
        parameters: what to simulate.
        rate: sampling rate in Hz, 4000 to 48000.

    Returns:
        Clips of the classes normal, crackle, wheeze and both, with signals (1, samples) within ±1, on the grid of
        16-bit files; meta holds recording, location, device, mode ("sc"), age (years), sex and bmi (kg/m²).

    Raises:
        InputError: a parameter is out of range.
    """
    _check(parameters, rate)
    signals: list[Signal] = []
    rows: list[dict[str, str | int | float]] = []
    for number in range(parameters.patients):
        name = f"sim{number:03d}"
        traits, sounds = (
            np.random.default_rng(SeedSequence(parameters.seed, spawn_key=(0, number, stream))) for stream in range(2)
        )
        kind = kind_of_patient(parameters.seed, number)
        recordings = math.ceil(parameters.clips_per_patient / CYCLES_PER_RECORDING)
        patient = draw_patient(kind, parameters.clips_per_patient, recordings, parameters.difficulty, traits)
        signals.extend(record_patient(patient, rate, sounds))
        rows.extend(_describe(name, patient))
    table = pd.DataFrame(rows)
    return Clips(
        signals=signals,
        rate=rate,
        label=table.pop("label").to_numpy(np.int64),
        patient=table.pop("patient").to_numpy(np.str_),
        clip_id=table.pop("clip_id").to_numpy(np.str_),
        classes=CLASSES,
        meta=table,
    )


def _check(parameters: Simulation, rate: int) -> None:
    if parameters.patients < 2:
        raise InputError(f"a simulated corpus needs at least 2 patients, not {parameters.patients}")
    if parameters.clips_per_patient < 1:
        raise InputError(f"a simulated patient needs at least 1 clip, not {parameters.clips_per_patient}")
    if not (math.isfinite(parameters.difficulty) and parameters.difficulty >= 0):
        raise InputError(f"the difficulty of a simulated corpus must be 0 or more, not {parameters.difficulty}")
    if parameters.seed < 0:
        raise InputError(f"the seed of a simulated corpus must be 0 or more, not {parameters.seed}")
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise InputError(f"simulated sounds need a rate of {LOWEST_RATE} to {HIGHEST_RATE} Hz, not {rate} Hz")


def _describe(name: str, patient: Patient) -> Iterator[dict[str, str | int | float]]:
    """Yield one row per clip: identity, label and metadata."""
    for clip, label in enumerate(patient.labels.tolist()):
        recording = clip // CYCLES_PER_RECORDING
        location = patient.locations[recording]
        yield {
            "clip_id": f"{name}_{clip:02d}",
            "patient": name,
            "label": label,
            "recording": f"{name}_{recording}_{location}_sc_{patient.device}",
            "location": location,
            "device": patient.device,
            "mode": "sc",
            "age": patient.age,
            "sex": patient.sex,
            "bmi": patient.bmi,
        }
