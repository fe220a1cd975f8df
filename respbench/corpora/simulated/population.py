"""Which patients, devices and chest locations the simulated corpus holds, in shares like those of ICBHI 2017.

Deliberately confounded with illness are the device, the chest locations and (``corpora.simulated.patients``) how long
cycles last, because they are so in ICBHI, where these three alone reach an AUROC of 0.65. They follow the patient's
illness, never a clip's label.

Source: ICBHI is the database of Rocha et al. 2019, An open access database for the evaluation of respiratory sound
classification algorithms, Physiol Meas 40:035001. Its shares are counted on the published files: class counts on all
6,898 cycles; the others on the 2,148 cycles, mostly single-channel, of 84 patients that this project develops on.
Pasterkamp 1997 is cited in full in ``corpora.simulated.acoustics``; "ours" marks this project's choice.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

CLASSES: Final = ("normal", "crackle", "wheeze", "both")

DECK: Final = ("healthy",) * 3 + ("crackle",) * 3 + ("wheeze",) * 2 + ("mixed",) * 2
"""Kinds of patients in every ten. Ours: with ``PREVALENCE`` and ``SHARES`` it gives ICBHI's class counts (6,898 cycles:
53 % normal, 27 % crackle, 13 % wheeze, 7 % both), and each ten patients alone hold every class."""

PREVALENCE: Final = {"healthy": (0.3, 9.7), "crackle": (1.35, 0.68), "wheeze": (1.35, 0.68), "mixed": (1.35, 0.68)}
"""Beta distribution of a patient's share of abnormal cycles. Ours, after ICBHI: 33 of the 84 patients without any, the
others spread from rarely to always."""

SHARES: Final = {
    "healthy": (0.60, 0.40, 0.00),
    "crackle": (0.90, 0.04, 0.06),
    "wheeze": (0.10, 0.80, 0.10),
    "mixed": (0.50, 0.15, 0.35),
}
"""Crackle, wheeze, both among a patient's abnormal cycles. Ours, after ICBHI: of the 51 patients with abnormal
cycles, 18 have under a fifth of them with wheezes and 22 over four fifths."""


@dataclass(frozen=True, kw_only=True)
class Device:
    """What a recording device does to sound.

    Attributes:
        low: high-pass corner in Hz.
        high: low-pass corner in Hz.
        resonance: center of its resonance in Hz.
        resonance_gain: height of the resonance in dB.
        floor: electronic noise in dB re breath noise.
        gain: RMS of breath noise at the peak of inspiration in dB re full scale.
    """

    low: float
    high: float
    resonance: float
    resonance_gain: float
    floor: float
    gain: float


DEVICES: Final = {
    "AKGC417L": Device(low=40.0, high=1900.0, resonance=900.0, resonance_gain=2.0, floor=-32.0, gain=-28.0),
    "LittC2SE": Device(low=50.0, high=550.0, resonance=170.0, resonance_gain=8.0, floor=-30.0, gain=-27.0),
    "Litt3200": Device(low=30.0, high=900.0, resonance=300.0, resonance_gain=4.0, floor=-38.0, gain=-25.0),
    "Meditron": Device(low=25.0, high=1400.0, resonance=500.0, resonance_gain=2.0, floor=-36.0, gain=-30.0),
}
"""ICBHI's four devices. The numbers are ours, in the order to be expected: the bare microphone reaches highest, and the
acoustic stethoscope resonates most and loses most above some hundred Hz (stethoscopes: Pasterkamp 1997)."""

DEVICE_SHARES: Final = {True: (0.28, 0.21, 0.16, 0.35), False: (0.06, 0.09, 0.27, 0.58)}
"""Shares of ``DEVICES`` among ill (True) and healthy patients. Ours, after ICBHI, where 73 % of the AKGC417L's, 59 % of
the LittC2SE's, 33 % of the Litt3200's and 29 % of the Meditron's cycles are abnormal."""

LOCATIONS: Final = ("Tc", "Al", "Ar", "Pl", "Pr", "Ll", "Lr")

LOCATION_SHARES: Final = {
    True: (0.10, 0.15, 0.15, 0.18, 0.15, 0.12, 0.15),
    False: (0.20, 0.19, 0.19, 0.11, 0.13, 0.10, 0.08),
}
"""Shares of ``LOCATIONS`` among ill and healthy patients. Ours, after ICBHI: from 14 % abnormal at Tc to 52 % at Lr."""


def kind_of_patient(seed: int, number: int) -> str:
    """Return the kind of patient ``number``, from a deck shuffled for every ten patients: each ten hold all kinds."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1, number // len(DECK))))
    return DECK[rng.permutation(len(DECK))[number % len(DECK)]]


def draw_labels(kind: str, clips: int, rng: Generator) -> NDArray[np.int64]:
    """Draw labels in random order, as near the patient's own shares as whole clips permit."""
    abnormal = rng.beta(*PREVALENCE[kind])
    edges = np.cumsum([1.0 - abnormal, *(abnormal * share for share in SHARES[kind])])
    # Systematic instead of independent draws: fewer patients end up without the class that makes their kind.
    points = (np.arange(clips) + rng.uniform()) / clips
    labels = np.minimum(np.searchsorted(edges, points, side="right"), len(CLASSES) - 1).astype(np.int64)
    return rng.permutation(labels)
