"""Who is recorded in the simulated corpus: body, habit of breathing, illness, device and room, drawn once a patient.

Patients differ as strongly as the corpus asks (``spread``: 0 = all alike, 1 = as in real data). Healthy and ill patients
draw body, habit and room from the same distributions. Two things are deliberately confounded with illness, because they
are in ICBHI 2017, where device, location and cycle duration alone reach an AUROC of 0.65: *which device and locations*
are used, and how long cycles last. They follow the patient's illness, never a clip's label.

Sources beside those of ``corpora.breath_acoustics``:
    ICBHI: Rocha et al. 2019, An open access database for the evaluation of respiratory sound classification algorithms,
        Physiol Meas 40:035001; figures counted on the published files.
    Tobin 1983: Tobin et al., Breathing patterns 1: normal subjects, Chest 84:202.
    Tobin 1988: Tobin et al., Variability of resting respiratory drive and timing in healthy subjects,
        J Appl Physiol 65:309.
    Vyshedskiy 2011: Vyshedskiy et al., Crackle pitch and rate do not vary significantly during a single
        automated-auscultation session, Respir Care 56:806.
    Fukumitsu 2019: Fukumitsu et al., The acoustic characteristics of fine crackles predict honeycombing,
        BMC Pulm Med 19:153.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from corpora.breath_acoustics import COARSE_CRACKLE, FINE_CRACKLE

CLASSES: Final = ("normal", "crackle", "wheeze", "both")

DECK: Final = ("healthy",) * 3 + ("crackle",) * 3 + ("wheeze",) * 2 + ("mixed",) * 2
"""Kinds of patients in every ten. Ours: with ``PREVALENCE`` and ``SHARES`` it gives ICBHI's class counts (6,898 cycles:
53 % normal, 27 % crackle, 13 % wheeze, 7 % both), and each ten patients alone hold every class."""

PREVALENCE: Final = {"healthy": (0.3, 9.7), "crackle": (1.35, 0.68), "wheeze": (1.35, 0.68), "mixed": (1.35, 0.68)}
"""Beta distribution of a patient's share of abnormal cycles. Ours, after ICBHI: many patients without any (33 of the 84
in its single-channel cycles), the others spread from rarely to always."""

SHARES: Final = {
    "healthy": (0.60, 0.40, 0.00),
    "crackle": (0.90, 0.04, 0.06),
    "wheeze": (0.10, 0.80, 0.10),
    "mixed": (0.50, 0.15, 0.35),
}
"""Crackle, wheeze, both among a patient's abnormal cycles. Ours, after ICBHI: of the 51 single-channel patients with
abnormal cycles, 18 have under a fifth of them with wheezes and 22 over four fifths."""


@dataclass(frozen=True)
class Device:
    """What a recording device does to sound.

    Attributes:
        low: high-pass corner in Hz.
        high: low-pass corner in Hz.
        resonance: centre of its resonance in Hz.
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
"""ICBHI's four devices. The numbers are ours: only their order is known, an air-coupled microphone reaching highest and
an acoustic stethoscope losing most above some hundred Hz (Pasterkamp 1997)."""

DEVICE_SHARES: Final = {True: (0.28, 0.21, 0.16, 0.35), False: (0.06, 0.09, 0.27, 0.58)}
"""Shares of ``DEVICES`` among ill (True) and healthy patients. Ours, after ICBHI, where 73 % of the AKGC417L's, 59 % of
the LittC2SE's, 33 % of the Litt3200's and 29 % of the Meditron's cycles are abnormal."""

LOCATIONS: Final = ("Tc", "Al", "Ar", "Pl", "Pr", "Ll", "Lr")

LOCATION_SHARES: Final = {
    True: (0.10, 0.15, 0.15, 0.18, 0.15, 0.12, 0.15),
    False: (0.20, 0.19, 0.19, 0.11, 0.13, 0.10, 0.08),
}
"""Shares of ``LOCATIONS`` among ill and healthy patients. Ours, after ICBHI: from 14 % abnormal at Tc to 52 % at Lr."""

CRACKLE_LEVEL: Final = 17.0
"""Median peak of crackles at difficulty 0 in dB re breath noise: far above it (ours)."""

WHEEZE_LEVEL: Final = -1.0
"""Median RMS of wheezes at difficulty 0 in dB re breath noise: a loud wheeze covers the breath sound (ours)."""

LEVEL_FALL: Final = 11.0
"""dB by which one step of difficulty lowers both. Ours, calibrated: at difficulty 1 MFCC statistics and an SVM score on
the simulated corpus about what they score on ICBHI."""

CYCLE_SECONDS: Final = {True: 2.75, False: 2.3}
"""Median cycle duration of ill and healthy patients in s; abnormal cycles last 2.8 s and normal ones 2.4 in ICBHI."""


@dataclass(frozen=True)
class Body:
    """What colours and accompanies the breath noise of one patient.

    Attributes:
        corner: Hz where the two lines of the breath spectrum meet.
        slopes: dB per octave below the corner, above it in inspiration, above it in expiration; all positive.
        expiration: level of expiratory breath noise.
        heart_rate: beats a minute.
        heart_level: peak of the first heart sound.
    """

    corner: float
    slopes: tuple[float, float, float]
    expiration: float
    heart_rate: float
    heart_level: float


@dataclass(frozen=True)
class Habit:
    """How one patient breathes.

    Attributes:
        cycle: median cycle duration in s.
        inspiration: share of the cycle.
        profile: shape of the airflow (1 = half-sine).
    """

    cycle: float
    inspiration: float
    profile: float


@dataclass(frozen=True)
class Room:
    """What the device hears beside the patient.

    Attributes:
        level: ambient noise.
        slope: fall of the ambient noise in dB per octave.
        clicks: probability of handling clicks in a cycle.
        voices: probability of speech in a cycle.
    """

    level: float
    slope: float
    clicks: float
    voices: float


@dataclass(frozen=True)
class Crackles:
    """The crackles of one patient.

    Attributes:
        shape: initial deflection width and two-cycle duration in s.
        count: median number in a cycle.
        time: their centre within inspiration, 0 to 1.
        level: peak.
    """

    shape: tuple[float, float]
    count: float
    time: float
    level: float


@dataclass(frozen=True)
class Wheezes:
    """The wheezes of one patient.

    Attributes:
        pitch: Hz.
        share: of the expiration that one fills.
        fall: dB from one harmonic to the next.
        level: RMS.
    """

    pitch: float
    share: float
    fall: float
    level: float


@dataclass(frozen=True)
class Patient:
    """One simulated patient; every level below is in dB re breath noise (its RMS at the peak of inspiration).

    Attributes:
        labels: (clips,) class of each clip, index into ``CLASSES``.
        locations: (recordings,) chest location of each recording.
        device: name of the device.
        response: that device as it sat on this patient.
        age: years.
        sex: "M" or "F".
        bmi: kg/m².
    """

    labels: NDArray[np.int64]
    locations: tuple[str, ...]
    device: str
    response: Device
    age: int
    sex: str
    bmi: float
    body: Body
    habit: Habit
    room: Room
    crackles: Crackles
    wheezes: Wheezes


class Spread:
    """Draws traits around a centre, scaled by how much patients differ; 0 gives every patient the centre."""

    def __init__(self, rng: Generator, difficulty: float) -> None:
        self.rng = rng
        self.difficulty = difficulty

    def around(self, centre: float, deviation: float, low: float, high: float) -> float:
        """Normal with ``deviation`` times the difficulty, clipped to what is physically sensible."""
        return float(np.clip(centre + self.difficulty * deviation * self.rng.standard_normal(), low, high))

    def ratio(self, centre: float, deviation: float, low: float, high: float) -> float:
        """As ``around``, for log-normal traits; ``deviation`` is that of the natural logarithm."""
        return float(np.clip(centre * np.exp(self.difficulty * deviation * self.rng.standard_normal()), low, high))


def kind_of_patient(seed: int, number: int) -> str:
    """The kind of patient ``number``: a deck of ten is dealt for every ten patients, so that each ten hold all kinds."""
    deal = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1, number // len(DECK))))
    return DECK[deal.permutation(len(DECK))[number % len(DECK)]]


def draw_patient(kind: str, clips: int, recordings: int, difficulty: float, rng: Generator) -> Patient:
    """A patient of this kind.

    Args:
        kind: one of ``DECK``.
        clips: number of labels to draw.
        recordings: number of locations to draw.
        difficulty: spreads patients and lowers the adventitious sounds, see ``corpora.simulated.Simulation``.
        rng: the patient's own.
    """
    ill = kind != "healthy"
    spread = Spread(rng, difficulty)
    labels = _draw_labels(kind, clips, rng)
    locations = tuple(str(name) for name in rng.choice(LOCATIONS, size=recordings, p=LOCATION_SHARES[ill]))
    device = str(rng.choice(list(DEVICES), p=DEVICE_SHARES[ill]))
    # ICBHI's patients: median age 58 with some children, adult BMI 16 to 54; ours: one normal distribution for each.
    age = int(np.clip(rng.normal(58.0, 18.0), 4, 93))
    sex = str(rng.choice(["F", "M"]))
    bmi = round(float(np.clip(rng.normal(27.0, 5.0), 16.0, 54.0)), 1)
    return Patient(
        labels=labels,
        locations=locations,
        device=device,
        response=_draw_device(DEVICES[device], spread),
        age=age,
        sex=sex,
        bmi=bmi,
        body=_draw_body(sex, bmi, spread),
        habit=_draw_habit(ill, spread),
        room=_draw_room(spread),
        crackles=_draw_crackles(spread),
        wheezes=_draw_wheezes(spread),
    )


def _draw_labels(kind: str, clips: int, rng: Generator) -> NDArray[np.int64]:
    """Labels in random order, their numbers as near the patient's own shares as whole clips permit."""
    abnormal = rng.beta(*PREVALENCE[kind])
    edges = np.cumsum([1.0 - abnormal, *(abnormal * share for share in SHARES[kind])])
    # Systematic instead of independent draws: fewer patients end up without the class that makes their kind.
    points = (np.arange(clips) + rng.uniform()) / clips
    labels = np.minimum(np.searchsorted(edges, points, side="right"), len(CLASSES) - 1).astype(np.int64)
    return rng.permutation(labels)


def _draw_device(device: Device, spread: Spread) -> Device:
    """The device on this patient; coupling to the skin and the operator's settings vary (deviations ours)."""
    return Device(
        low=spread.ratio(device.low, 0.25, 15.0, 120.0),
        high=spread.ratio(device.high, 0.2, 350.0, 1950.0),
        resonance=spread.ratio(device.resonance, 0.3, 100.0, 1500.0),
        resonance_gain=spread.around(device.resonance_gain, 3.0, -6.0, 15.0),
        floor=spread.around(device.floor, 5.0, -50.0, -15.0),
        gain=spread.around(device.gain, 5.0, -40.0, -12.0),
    )


def _draw_body(sex: str, bmi: float, spread: Spread) -> Body:
    """Chest and heart.

    Slopes above the corner: the ranges over locations and sexes of Gavriely 1995; women's spectra reach higher (same).
    Expiration is 1 / 1.99 to 1 / 2.43 as loud as inspiration at the same flow (Gavriely & Cugell 1996). Ours: corner and
    low slope, which put most power under 200 Hz as Pasterkamp 1997 describes, and a thicker chest wall passing less high
    frequency. Heart: rate at rest, ours; level ours.
    """
    wall = 1.0 - 0.01 * spread.difficulty * (bmi - 27.0) + (0.08 if sex == "F" else -0.08) * spread.difficulty
    return Body(
        corner=float(np.clip(spread.ratio(170.0, 0.3, 80.0, 400.0) * max(wall, 0.5), 80.0, 450.0)),
        slopes=(
            spread.around(4.0, 1.5, 0.5, 8.0),
            spread.around(14.0, 1.2, 11.0, 17.0),
            spread.around(16.5, 1.8, 12.0, 21.0),
        ),
        expiration=spread.around(-6.8, 2.0, -14.0, 0.0),
        heart_rate=spread.around(76.0, 12.0, 48.0, 130.0),
        heart_level=spread.around(-2.0, 5.0, -20.0, 12.0),
    )


def _draw_habit(ill: bool, spread: Spread) -> Habit:
    """Breathing pattern, a personal constant (Benchetrit 2000).

    Inspiration takes 42 ± 3 % of the cycle (Tobin 1983). Cycle durations vary between ICBHI's patients by a factor of
    about exp(0.3).
    """
    return Habit(
        cycle=spread.ratio(CYCLE_SECONDS[ill], 0.3, 1.1, 6.0),
        inspiration=spread.around(0.42, 0.035, 0.28, 0.52),
        profile=spread.around(0.8, 0.25, 0.3, 1.5),
    )


def _draw_room(spread: Spread) -> Room:
    """Ambient noise (ours); clicks in about one recording of eight, as in Ye 2022, from never to often by patient."""
    return Room(
        level=spread.around(-24.0, 7.0, -45.0, -3.0),
        slope=spread.around(6.0, 2.0, 1.0, 12.0),
        clicks=min(1.0, spread.difficulty) * float(spread.rng.beta(0.4, 2.8)),
        voices=min(1.0, spread.difficulty) * float(spread.rng.beta(0.3, 3.5)),
    )


def _draw_crackles(spread: Spread) -> Crackles:
    """The patient's crackles: fine or coarse, constant within a patient (Vyshedskiy 2011).

    Fine ones are many and come mid to late in inspiration, coarse ones few and early (CORSA 2000, Pasterkamp 1997);
    Fukumitsu 2019 counts around 13 fine crackles in an inspiration. Half of the patients each, and the level, are ours.
    """
    fine = bool(spread.rng.uniform() < 0.5)
    deflection, two_cycles = FINE_CRACKLE if fine else COARSE_CRACKLE
    scale = spread.ratio(1.0, 0.15, 0.75, 1.4)
    return Crackles(
        shape=(deflection * scale, two_cycles * scale),
        count=spread.ratio(10.0 if fine else 5.0, 0.3, 2.0, 24.0),
        time=spread.around(0.65 if fine else 0.3, 0.1, 0.1, 0.9),
        level=spread.around(CRACKLE_LEVEL - LEVEL_FALL * spread.difficulty, 4.0, -60.0, 40.0),
    )


def _draw_wheezes(spread: Spread) -> Wheezes:
    """The patient's wheezes, high or low in pitch.

    Wheezes span about 100 to 1000 Hz; the dominant frequency is above 400 Hz in high ones and below 200 Hz in low ones
    (rhonchi), which ICBHI's annotation does not tell apart (CORSA 2000, Pasterkamp 1997). One low in four, shares and
    levels are ours.
    """
    low = bool(spread.rng.uniform() < 0.25)
    return Wheezes(
        pitch=spread.ratio(150.0, 0.15, 100.0, 200.0) if low else spread.ratio(480.0, 0.25, 250.0, 900.0),
        share=spread.around(0.45, 0.12, 0.2, 0.9),
        fall=spread.around(10.0, 3.0, 4.0, 20.0),
        level=spread.around(WHEEZE_LEVEL - LEVEL_FALL * spread.difficulty, 4.0, -60.0, 30.0),
    )
