"""How simulated patients are recorded: they breathe, a device listens, the recording is cut into cycles.

That is how ICBHI 2017 was made, so cycles of one recording share heart beat, room, place and gain. Levels are in dB re
breath noise: its RMS at the peak of inspiration, at the right posterior base. Sources beside those of
``corpora.simulated.acoustics`` and ``corpora.simulated.patients``:
    Tobin 1988: Tobin et al., Variability of resting respiratory drive and timing in healthy subjects,
        J Appl Physiol 65:309.
    Vyshedskiy & Murphy 2012: Crackle pitch rises progressively during inspiration in pneumonia, CHF, and IPF patients,
        Pulm Med, article 240160.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.random import Generator
from scipy import fft

from respbench.corpora.clips import Signal
from respbench.corpora.simulated.acoustics import (
    SHORTEST_WHEEZE,
    Wave,
    airflow,
    breath_color,
    click,
    crackle,
    decibels,
    device_response,
    heart_gap,
    heart_sound,
    room_color,
    voice,
    wheeze,
    white_spectrum,
)
from respbench.corpora.simulated.population import CLASSES
from respbench.corpora.simulated.traits import Patient

CYCLES_PER_RECORDING: Final = 5
"""Clips cut from one recording. ICBHI has 6,898 cycles in 920 recordings, 7.5 each; fewer here, so that ten clips come
from two locations."""

SHORTEST_CYCLE: Final = 0.9
LONGEST_CYCLE: Final = 9.0
"""s; within ICBHI's 0.2 to 16.2, narrower so that a wheeze fits and none dominates (ours)."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """How a chest location changes the recorded sound.

    Attributes:
        corner: factor on the corner of the breath spectrum.
        breath: breath noise in dB re the right posterior base.
        heart: heart sounds in dB re a lateral site.
        phases_alike: expiration is as loud as inspiration.
    """

    corner: float
    breath: float
    heart: float
    phases_alike: bool = False


# Gavriely 1981: inspiration reaches 604 Hz at the right front and 446 and 475 Hz at the bases; the tracheal spectrum is
# flat up to 850 to 1600 Hz. Gavriely & Cugell 1996: the left base is 32 % louder than the right; at the trachea the
# phases are equally loud. Ours: heart levels (nearest at the left front), and 6 dB more at the trachea.
PLACES: Final = {
    "Tc": Place(corner=4.5, breath=6.0, heart=-2.0, phases_alike=True),
    "Al": Place(corner=1.3, breath=0.0, heart=6.0),
    "Ar": Place(corner=1.35, breath=0.0, heart=2.0),
    "Pl": Place(corner=1.05, breath=2.4, heart=-3.0),
    "Pr": Place(corner=1.0, breath=0.0, heart=-5.0),
    "Ll": Place(corner=1.1, breath=0.0, heart=1.0),
    "Lr": Place(corner=1.1, breath=0.0, heart=-4.0),
}


@dataclass(frozen=True, kw_only=True)
class Breath:
    """One breathing cycle within a recording, in samples: in from ``start`` to ``turn``, out from there to ``end``."""

    start: int
    turn: int
    end: int


def record_patient(patient: Patient, rate: int, rng: Generator) -> Iterator[Signal]:
    """Generate every clip of a patient in order, recording by recording."""
    for number, location in enumerate(patient.locations):
        first = number * CYCLES_PER_RECORDING
        labels = patient.labels[first : first + CYCLES_PER_RECORDING].tolist()
        cycles = _breathe(patient, len(labels), rate, rng)
        adventitious = np.zeros(cycles[-1].end)
        for cycle, label in zip(cycles, labels, strict=True):
            if CLASSES[label] in ("crackle", "both"):
                _add_crackles(adventitious, cycle, patient, rate, rng)
            if CLASSES[label] in ("wheeze", "both"):
                _add_wheezes(adventitious, cycle, patient, rate, rng)
        recording = _record(adventitious, cycles, patient, PLACES[location], rate, rng)
        for cycle in cycles:
            yield recording[:, cycle.start : cycle.end].copy()


def _breathe(patient: Patient, count: int, rate: int, rng: Generator) -> list[Breath]:
    """Draw consecutive cycles.

    Between breaths, frequency varies by 21 % and the share of inspiration by 18 % of its value over many minutes
    (Tobin 1988); half of that within one short recording (ours).
    """
    cycles: list[Breath] = []
    start = 0
    for _ in range(count):
        seconds = np.clip(patient.habit.cycle * np.exp(0.15 * rng.standard_normal()), SHORTEST_CYCLE, LONGEST_CYCLE)
        share = np.clip(patient.habit.inspiration * (1.0 + 0.09 * rng.standard_normal()), 0.25, 0.6)
        end = start + round(float(seconds) * rate)
        cycles.append(Breath(start=start, turn=start + round(float(share) * (end - start)), end=end))
        start = end
    return cycles


def _add(target: Wave, at: int, wave: Wave, level: float) -> None:
    """Add a wave at a level in dB from sample ``at`` on, cut where the recording ends."""
    part = wave[: max(0, len(target) - at)]
    target[at : at + len(part)] += decibels(level) * part


def _add_crackles(target: Wave, cycle: Breath, patient: Patient, rate: int, rng: Generator) -> None:
    """Add the crackles of one cycle, in inspiration.

    Within a patient their number varies by about 30 % and their pitch by 10 % (Vyshedskiy 2011); pitch rises by some
    80 Hz from early to late inspiration (Vyshedskiy & Murphy 2012, Pulm Med 240160).
    """
    own = patient.crackles
    count = max(2, round(own.count * float(np.exp(0.3 * rng.standard_normal()))))
    level = own.level + own.change * rng.standard_normal()
    for _ in range(count):
        when = float(np.clip(own.time + 0.15 * rng.standard_normal(), 0.02, 0.98))
        pitch = 2.0 / own.shape[1]
        slower = float(np.exp(0.1 * rng.standard_normal())) * pitch / (pitch + 80.0 * (when - 0.5))
        onset = cycle.start + when * (cycle.turn - cycle.start)
        wave = crackle(rate, own.shape[0] * slower, own.shape[1] * slower, (math.ceil(onset) - onset) / rate)
        # Ours: within a cycle, crackles vary by 3 dB around its level.
        _add(target, math.ceil(onset), wave, level + 3.0 * rng.standard_normal())


def _add_wheezes(target: Wave, cycle: Breath, patient: Patient, rate: int, rng: Generator) -> None:
    """Add one wheeze in expiration, sometimes one in inspiration (wheezes are mostly expiratory, CORSA 2000)."""
    own = patient.wheezes
    level = own.level + own.change * rng.standard_normal()
    phases = [(cycle.turn, cycle.end)]
    # Ours: in three of ten cycles.
    if rng.uniform() < 0.3:
        phases.append((cycle.start, cycle.turn))
    for start, end in phases:
        room = (end - start) / rate
        seconds = float(np.clip(own.share * np.exp(0.25 * rng.standard_normal()) * room, SHORTEST_WHEEZE, 0.95 * room))
        at = start + round(rng.uniform(0.02, 0.98) * (room - seconds) * rate)
        pitch = own.pitch * float(np.exp(0.06 * rng.standard_normal()))
        phase = rng.uniform(0.0, 2.0 * np.pi, 4)
        _add(target, at, wheeze(rate, seconds, pitch, rng.uniform(-0.15, 0.15), own.fall, phase), level)


def _record(
    adventitious: Wave, cycles: list[Breath], patient: Patient, place: Place, rate: int, rng: Generator
) -> Signal:
    """Mix the recording (1, samples): breath, heart, adventitious sounds, room; through the device, as 16 bit."""
    samples = len(adventitious)
    padded = fft.next_fast_len(samples, real=True)
    bins = padded // 2 + 1
    frequencies = np.linspace(0.0, rate * (bins - 1) / padded, bins)
    body = np.zeros(padded)
    body[:samples] = adventitious
    body[:samples] += _breath_noise(cycles, patient, place, frequencies, padded, rng)
    _add_heart(body[:samples], patient, place, rate, rng)
    _add_disturbances(body[:samples], cycles, patient, rate, rng)
    # A recording is never quite as quiet or as loud as the one before: 3 dB and 2 dB, ours.
    room = patient.room.level + 3.0 * rng.standard_normal()
    gain = patient.response.gain + 2.0 * rng.standard_normal()
    spectrum = fft.rfft(body)
    spectrum += decibels(room) * room_color(frequencies, patient.room.slope) * white_spectrum(rng, bins, padded)
    response = patient.response
    spectrum *= device_response(frequencies, response.low, response.high, response.resonance, response.resonance_gain)
    spectrum += decibels(response.floor) * white_spectrum(rng, bins, padded)
    wave = decibels(gain) * fft.irfft(spectrum, padded)[:samples]
    # On the grid of a 16-bit file, as the real ones: the last bits of the arithmetic, which differ between processors,
    # are rounded away.
    rounded: Signal = (np.clip(np.round(wave * 32768.0), -32768, 32767) / 32768.0).astype(np.float32)
    return rounded[None, :]


def _breath_noise(
    cycles: list[Breath], patient: Patient, place: Place, frequencies: Wave, padded: int, rng: Generator
) -> Wave:
    """Generate the breath noise of a recording: RMS 1 at the peak of inspiration at the right posterior base."""
    body = patient.body
    white = white_spectrum(rng, len(frequencies), padded)
    low, rising, falling = body.slopes
    corner = body.corner * place.corner
    into = fft.irfft(white * breath_color(frequencies, corner, low, rising), padded)
    out = fft.irfft(white * breath_color(frequencies, corner, low, falling), padded)
    loud = decibels(place.breath)
    fainter = 1.0 if place.phases_alike else decibels(body.expiration)
    noise = np.zeros(cycles[-1].end)
    for cycle in cycles:
        depth = loud * decibels(1.5 * rng.standard_normal())
        flow_in = airflow(cycle.turn - cycle.start, patient.habit.profile, 1.0)
        # Passive expiration peaks early (ours: at a third of the phase) and ends in a pause.
        flow_out = airflow(cycle.end - cycle.turn, patient.habit.profile, 0.65)
        noise[cycle.start : cycle.turn] = depth * flow_in * into[cycle.start : cycle.turn]
        noise[cycle.turn : cycle.end] = depth * fainter * flow_out * out[cycle.turn : cycle.end]
    return noise


def _add_heart(target: Wave, patient: Patient, place: Place, rate: int, rng: Generator) -> None:
    """Add the heart beats of a recording; the second sound is higher, shorter and 3 dB fainter (ours)."""
    level = patient.body.heart_level + place.heart
    first = heart_sound(rate, 45.0, 0.13)
    second = heart_sound(rate, 65.0, 0.10)
    period = 60.0 / patient.body.heart_rate
    at = rng.uniform(0.0, period)
    while at * rate < len(target):
        _add(target, int(at * rate), first, level)
        _add(target, int((at + heart_gap(patient.body.heart_rate)) * rate), second, level - 3.0)
        # Beats vary by 4 % (ours: short-term heart-rate variability at rest).
        at += period * max(0.5, 1.0 + 0.04 * rng.standard_normal())


def _add_disturbances(target: Wave, cycles: list[Breath], patient: Patient, rate: int, rng: Generator) -> None:
    """Add handling clicks and speech, whatever the label; numbers and levels are ours."""
    for cycle in cycles:
        length = cycle.end - cycle.start
        if rng.uniform() < patient.room.clicks:
            for _ in range(int(rng.integers(1, 7))):
                wave = click(rate, rng.uniform(0.5e-3, 3e-3), rng)
                _add(target, cycle.start + int(rng.uniform() * length), wave, rng.normal(6.0, 5.0))
        if rng.uniform() < patient.room.voices:
            wave = voice(rate, rng.uniform(0.15, 0.6), rng.uniform(100.0, 240.0), rng)
            _add(target, cycle.start + int(rng.uniform() * length), wave, rng.normal(-8.0, 4.0))
