"""The traits of a simulated patient, as `corpora.simulated.patients` draws them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from respbench.corpora.simulated.population import Device


@dataclass(frozen=True, kw_only=True)
class Body:
    """What colors and accompanies the breath noise of one patient.

    Attributes:
        corner: Hz where the two lines of the breath spectrum meet.
        slopes: dB per octave below the corner, above it in inspiration, above it in expiration; all positive.
        expiration: level of expiratory breath noise.
        heart_rate: beats per minute.
        heart_level: peak of the first heart sound.
    """

    corner: float
    slopes: tuple[float, float, float]
    expiration: float
    heart_rate: float
    heart_level: float


@dataclass(frozen=True, kw_only=True)
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


@dataclass(frozen=True, kw_only=True)
class Room:
    """What the device records beside the patient.

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


@dataclass(frozen=True, kw_only=True)
class Crackles:
    """The crackles of one patient.

    Attributes:
        shape: initial deflection width and two-cycle duration in s.
        count: median number in a cycle.
        time: their center within inspiration, 0 to 1.
        level: peak.
        change: deviation of the level from cycle to cycle in dB.
    """

    shape: tuple[float, float]
    count: float
    time: float
    level: float
    change: float


@dataclass(frozen=True, kw_only=True)
class Wheezes:
    """The wheezes of one patient.

    Attributes:
        pitch: Hz.
        share: of the expiration that one fills.
        fall: dB from one harmonic to the next.
        level: RMS.
        change: deviation of the level from cycle to cycle in dB.
    """

    pitch: float
    share: float
    fall: float
    level: float
    change: float


@dataclass(frozen=True, kw_only=True)
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
