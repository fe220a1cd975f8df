"""Who is recorded in the simulated corpus: body, habit of breathing, device and room, drawn once per patient.

Patients differ as the difficulty asks: 0 = all alike, 1 and above = as in real data. Body, room and the character of
crackles and wheezes are drawn from the same distributions for healthy and ill patients.

Sources beside those of ``corpora.simulated.acoustics`` and ``corpora.simulated.population``:
    Tobin 1983: Tobin et al., Breathing patterns 1: normal subjects, Chest 84:202.
    Benchetrit 2000: Breathing pattern in humans: diversity and individuality, Respir Physiol 122:123.
    Vyshedskiy 2011: Vyshedskiy et al., Crackle pitch and rate do not vary significantly during a single
        automated-auscultation session, Respir Care 56:806.
    Fukumitsu 2019: Fukumitsu et al., The acoustic characteristics of fine crackles predict honeycombing,
        BMC Pulm Med 19, article 153.
"""

from typing import Final

import numpy as np
from numpy.random import Generator

from respbench.corpora.simulated.acoustics import COARSE_CRACKLE, FINE_CRACKLE
from respbench.corpora.simulated.population import (
    DEVICE_SHARES,
    DEVICES,
    LOCATION_SHARES,
    LOCATIONS,
    Device,
    draw_labels,
)
from respbench.corpora.simulated.traits import Body, Crackles, Habit, Patient, Room, Wheezes

CRACKLE_LEVEL: Final = 17.0
"""Median peak of crackles at difficulty 0 in dB re breath noise (ours: seven times its RMS, out of its reach)."""

WHEEZE_LEVEL: Final = -1.0
"""Median RMS of wheezes at difficulty 0 in dB re breath noise (ours: about its whole power, in one narrow line)."""

LEVEL_FALL: Final = 10.5
"""dB by which one step of difficulty lowers both. Ours, calibrated: at difficulty 1, MFCC statistics and an SVM reach
an AUROC of about 0.73 with patients kept apart and 0.83 with a random split (on ICBHI's cycles 0.69 and 0.87)."""

CYCLE_SECONDS: Final = {True: 2.75, False: 2.3}
"""Median cycle duration of ill and healthy patients in s; abnormal cycles last 2.8 s and normal ones 2.4 in ICBHI."""


class Spread:
    """Draws traits around a center.

    Attributes:
        rng: the patient's own.
        strength: how much patients differ: 0 gives every patient the center, 1 (the most) what real patients show.
        loss: dB by which the difficulty lowers adventitious sounds.
    """

    def __init__(self, rng: Generator, difficulty: float) -> None:
        self.rng = rng
        self.strength = min(1.0, difficulty)
        self.loss = LEVEL_FALL * difficulty

    def around(self, center: float, deviation: float, low: float, high: float) -> float:
        """Draw a normal variate with ``deviation`` times the strength, clipped to what is physically sensible."""
        return float(np.clip(center + self.strength * deviation * self.rng.standard_normal(), low, high))

    def ratio(self, center: float, deviation: float, low: float, high: float) -> float:
        """Draw as ``around``, for log-normal traits; ``deviation`` is that of the natural logarithm."""
        return float(np.clip(center * np.exp(self.strength * deviation * self.rng.standard_normal()), low, high))


def draw_patient(kind: str, clips: int, recordings: int, difficulty: float, rng: Generator) -> Patient:
    """Draw a patient of this kind.

    Args:
        kind: one of ``DECK``.
        clips: number of labels to draw.
        recordings: number of locations to draw.
        difficulty: spreads patients and lowers the adventitious sounds; see `Simulation`.
        rng: the patient's own.
    """
    ill = kind != "healthy"
    spread = Spread(rng, difficulty)
    labels = draw_labels(kind, clips, rng)
    locations = tuple(str(name) for name in rng.choice(LOCATIONS, size=recordings, p=LOCATION_SHARES[ill]))
    device = str(rng.choice(list(DEVICES), p=DEVICE_SHARES[ill]))
    # ICBHI's patients: median age 60; BMI of the adults 27.2 ± 5.4, from 16.5 to 53.5. Ours: adults only.
    age = int(np.clip(rng.normal(60.0, 15.0), 18, 93))
    sex = str(rng.choice(["F", "M"]))
    bmi = round(float(np.clip(rng.normal(27.2, 5.4), 16.5, 53.5)), 1)
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


def _draw_device(device: Device, spread: Spread) -> Device:
    """Draw the device on this patient; coupling to the skin and the operator's settings vary (deviations ours)."""
    return Device(
        low=spread.ratio(device.low, 0.25, 15.0, 120.0),
        high=spread.ratio(device.high, 0.2, 350.0, 1950.0),
        resonance=spread.ratio(device.resonance, 0.3, 100.0, 1500.0),
        resonance_gain=spread.around(device.resonance_gain, 3.0, -6.0, 15.0),
        floor=spread.around(device.floor, 5.0, -50.0, -15.0),
        gain=spread.around(device.gain, 5.0, -40.0, -12.0),
    )


def _draw_body(sex: str, bmi: float, spread: Spread) -> Body:
    """Draw chest and heart.

    Slopes above the corner: the ranges over locations and sexes of Gavriely 1995, where women's spectra reach higher.
    Inspiration is 1.99 to 2.43 times as loud as expiration at the same flow (Gavriely & Cugell 1996). Ours: corner and
    low slope, which put most power under 200 Hz as Pasterkamp 1997 describes, a thicker chest wall that passes fewer
    high frequencies, and the heart's rate (adults at rest) and level.
    """
    wall = 1.0 + spread.strength * ((0.08 if sex == "F" else -0.08) - 0.01 * (bmi - 27.2))
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
    """Draw a breathing pattern, a personal constant (Benchetrit 2000).

    Inspiration takes 42 ± 3 % of the cycle (Tobin 1983). Cycle durations vary between ICBHI's patients by a factor of
    about exp(0.3).
    """
    return Habit(
        cycle=spread.ratio(CYCLE_SECONDS[ill], 0.3, 1.1, 6.0),
        inspiration=spread.around(0.42, 0.035, 0.28, 0.52),
        profile=spread.around(0.8, 0.25, 0.3, 1.5),
    )


def _draw_room(spread: Spread) -> Room:
    """Draw ambient noise, clicks and speech, from never to often by patient.

    Ours: clicks in one cycle of eight, speech in one of thirteen. Ye 2022 found fake crackles in one recording of eight
    when nothing was touched on purpose; the clinic is worse.
    """
    return Room(
        level=spread.around(-24.0, 7.0, -45.0, -3.0),
        slope=spread.around(6.0, 2.0, 1.0, 12.0),
        clicks=spread.strength * float(spread.rng.beta(0.4, 2.8)),
        voices=spread.strength * float(spread.rng.beta(0.3, 3.5)),
    )


def _draw_crackles(spread: Spread) -> Crackles:
    """Draw the patient's crackles: fine or coarse, constant within a patient (Vyshedskiy 2011).

    Fine ones are many and come mid to late in inspiration, coarse ones few and early (CORSA 2000, Pasterkamp 1997);
    13 fine crackles per inspiration separate milder from severe fibrosis (Fukumitsu 2019). Half of the patients each,
    counts, level and deviations are ours.
    """
    fine = bool(spread.rng.uniform() < 0.5)
    deflection, two_cycles = FINE_CRACKLE if fine else COARSE_CRACKLE
    scale = spread.ratio(1.0, 0.15, 0.75, 1.4)
    return Crackles(
        shape=(deflection * scale, two_cycles * scale),
        count=spread.ratio(10.0 if fine else 5.0, 0.3, 2.0, 24.0),
        time=spread.around(0.65 if fine else 0.3, 0.1, 0.1, 0.9),
        level=spread.around(CRACKLE_LEVEL - spread.loss, 4.0, -60.0, 30.0),
        change=3.0 * spread.strength,
    )


def _draw_wheezes(spread: Spread) -> Wheezes:
    """Draw the patient's wheezes, high or low in pitch.

    Wheezes span about 100 to 1000 Hz; the dominant frequency is above 400 Hz in high ones and below 200 Hz in low ones
    (rhonchi), which ICBHI's annotation does not tell apart (CORSA 2000, Pasterkamp 1997). One low in four, shares and
    levels are ours.
    """
    low = bool(spread.rng.uniform() < 0.25)
    return Wheezes(
        pitch=spread.ratio(150.0, 0.15, 100.0, 200.0) if low else spread.ratio(480.0, 0.25, 250.0, 900.0),
        share=spread.around(0.45, 0.12, 0.2, 0.9),
        fall=spread.around(10.0, 3.0, 4.0, 20.0),
        level=spread.around(WHEEZE_LEVEL - spread.loss, 4.0, -60.0, 30.0),
        change=3.0 * spread.strength,
    )
