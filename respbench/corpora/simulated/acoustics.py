"""The sounds a chest microphone picks up, each made from its published acoustics.

Every function returns float64 waveforms or spectra, from plain units (s, Hz, dB); independent of patients and
labels. A value marked "ours" is this project's choice, where no published figure settles it.

Sources, cited below by name and year:
    Mori 1980: Mori et al., Waveform and spectral analysis of crackles, Thorax 35:843.
    Gavriely 1981: Gavriely, Palti, Alroy, Spectral characteristics of normal breath sounds, J Appl Physiol 50:307.
    Gavriely 1995: Gavriely et al., Spectral characteristics of chest wall breath sounds in normal subjects,
        Thorax 50:1292.
    Gavriely & Cugell 1996: Airflow effects on amplitude and spectral content of normal breath sounds,
        J Appl Physiol 80:5.
    Pasterkamp 1997: Pasterkamp, Kraman, Wodicka, Respiratory sounds: advances beyond the stethoscope,
        Am J Respir Crit Care Med 156:974.
    CORSA 2000: Sovijärvi et al., Definition of terms for applications of respiratory sounds, Eur Respir Rev 10:597.
    Kiyokawa 2001: Kiyokawa et al., Auditory detection of simulated crackles in breath sounds, Chest 119:1886.
    Sakai 1971: Sakai, Feigen, Luisada, Frequency distribution of the heart sounds in normal man, Cardiovasc Res 5:358.
    Weissler 1968: Weissler, Harris, Schoenfeld, Systolic time intervals in heart failure in man, Circulation 37:149.
    Ye 2022: Ye et al., Regularity and mechanism of fake crackle noise in an electronic stethoscope,
        Front Physiol 13:1079468.
"""

from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Wave = NDArray[np.float64]
Spectrum = NDArray[np.complex128]

FINE_CRACKLE: Final = (0.7e-3, 5e-3)
"""Initial deflection width and two-cycle duration of a typical fine crackle in s (ATS values, in CORSA 2000)."""

COARSE_CRACKLE: Final = (1.5e-3, 10e-3)
"""Initial deflection width and two-cycle duration of a typical coarse crackle in s (ATS values, in CORSA 2000)."""

FLOW_POWER: Final = 1.66
"""Breath sound amplitude grows with airflow to this power (1.66 ± 0.35, Gavriely & Cugell 1996)."""

LOWEST_BREATH: Final = 50.0
"""Hz under which breath noise is faded out (ours: below it muscle and heart sounds dominate, Pasterkamp 1997)."""

GRID: Final = 2.0
"""Hz between the points at which smooth curves are computed before they are interpolated, since powers are slow (ours;
the narrowest feature, a high-pass at 15 Hz, is wider)."""

SHORTEST_WHEEZE: Final = 0.1
"""s; a wheeze is a continuous sound of more than 80 to 100 ms (CORSA 2000), longer in the older ATS text."""

HIGHEST_PARTIAL: Final = 0.45
"""Of the rate: wheeze harmonics above it are left out, so that none folds back (ours)."""


def decibels(level: float) -> float:
    """Return the amplitude ratio of a level in dB."""
    return float(10.0 ** (level / 20.0))


def crackle(rate: int, deflection: float, two_cycles: float, offset: float = 0.0) -> Wave:
    """Generate one crackle at the chest wall: two cycles of a sinusoid that slows down, with a fast rise.

    An abrupt opening followed by a damped oscillation (Mori 1980), in the closed form used to test listeners with
    simulated crackles (Kiyokawa 2001): phase 4πu^k, u = time / two-cycle duration, where k puts the first zero crossing
    at the end of the initial deflection.

    Args:
        rate: Hz.
        deflection: initial deflection width in s, from the onset to the first zero crossing.
        two_cycles: two-cycle duration in s, from the onset to the end of the second full cycle; more than four
            deflections, so that the sinusoid slows down.
        offset: s by which the onset lies after the first sample, under one sample.

    Returns:
        (samples,) waveform of peak 1; the first deflection is upward.
    """
    times = np.arange(int(np.ceil((two_cycles + offset) * rate)) + 1) / rate - offset
    u = np.clip(times / two_cycles, 0.0, 1.0)
    exponent = np.log(0.25) / np.log(deflection / two_cycles)
    window = 0.5 * (1.0 + np.cos(2.0 * np.pi * (np.sqrt(u) - 0.5)))
    wave = np.sin(4.0 * np.pi * u**exponent) * window
    scaled: Wave = wave / np.max(np.abs(wave))
    return scaled


def wheeze(rate: int, seconds: float, pitch: float, drift: float, harmonic_fall: float, phases: Wave) -> Wave:
    """Generate one wheeze: a tone with harmonics and a slowly gliding pitch (CORSA 2000, Pasterkamp 1997).

    Args:
        rate: Hz.
        seconds: duration, at least ``SHORTEST_WHEEZE``.
        pitch: frequency at the middle of the wheeze in Hz.
        drift: relative change of the pitch from beginning to end, as in 0.1.
        harmonic_fall: dB by which each harmonic lies under the one before.
        phases: (harmonics,) starting phases in rad; one for each partial, those too high being left out.

    Returns:
        (samples,) waveform, RMS 1 over its steady middle part.
    """
    samples = round(seconds * rate)
    centered = (np.arange(samples) + 0.5) / samples - 0.5
    turns = np.cumsum(pitch * (1.0 + drift * centered)) / rate
    wave = np.zeros(samples)
    power = 0.0
    top = pitch * (1.0 + abs(drift) / 2.0)
    for k, phase in enumerate(phases):
        if k and (k + 1) * top > HIGHEST_PARTIAL * rate:
            break
        level = decibels(-harmonic_fall * k)
        wave += level * np.sin(2.0 * np.pi * (k + 1) * turns + phase)
        power += 0.5 * level**2
    # Ours: swells and fades over 15 % of the wheeze at either end; no source gives the shape of the onset.
    ramp = np.clip((0.5 - np.abs(centered)) / 0.15, 0.0, 1.0)
    swelled: Wave = wave * np.sin(0.5 * np.pi * ramp) ** 2 / np.sqrt(power)
    return swelled


def heart_sound(rate: int, frequency: float, duration: float) -> Wave:
    """Generate one heart sound (S1 or S2): a tone burst, fast up and slow down, peak about 1.

    Heart sounds fall by 6 to 7.5 dB per octave, and the first peaks lower than the second (Sakai 1971).

    Args:
        rate: Hz.
        frequency: center in Hz.
        duration: s until it has faded.

    Returns:
        (samples,) waveform.
    """
    u = np.arange(round(duration * rate)) / (duration * rate)
    # Ours: peak at 15 % of the burst, and a slowing phase, which spreads the line into the published slope.
    window = np.sin(np.pi * u**0.37) ** 2
    wave: Wave = window * np.sin(2.0 * np.pi * frequency * duration * u * (1.0 - 0.3 * u))
    return wave


def heart_gap(heart_rate: float) -> float:
    """Return the s from the first to the second heart sound at a heart rate in beats per minute.

    Electromechanical systole is 546 ms less 2.1 ms per beat (men, Weissler 1968); the first sound starts about 70 ms
    into it (rounded, ours).
    """
    return (546.0 - 2.1 * heart_rate - 70.0) / 1000.0


def click(rate: int, fade: float, rng: Generator) -> Wave:
    """Generate a handling click: a burst of noise that fades within milliseconds, and may pass for a crackle.

    An electronic stethoscope made such fake crackles in 61 of 500 recordings of healthy lungs (Ye 2022). The waveform
    is ours.

    Args:
        rate: Hz.
        fade: time constant in s.
        rng: draws the noise.

    Returns:
        (samples,) waveform of peak 1.
    """
    samples = max(4, round(5.0 * fade * rate))
    wave = rng.standard_normal(samples) * np.exp(-np.arange(samples) / (fade * rate))
    scaled: Wave = wave / np.max(np.abs(wave))
    return scaled


def voice(rate: int, seconds: float, pitch: float, rng: Generator) -> Wave:
    """Generate a syllable of speech, from the room or through the chest, which may pass for a wheeze.

    ICBHI was recorded in clinics and homes, not in silence (Rocha et al. 2019, Physiol Meas 40:035001). The waveform is
    ours: harmonics that fall by 9 dB per octave under a pitch with a slight random glide.

    Args:
        rate: Hz.
        seconds: duration.
        pitch: fundamental in Hz.
        rng: draws phases and glide.

    Returns:
        (samples,) waveform, RMS about 1 in its middle.
    """
    samples = round(seconds * rate)
    u = (np.arange(samples) + 0.5) / samples
    turns = np.cumsum(pitch * (1.0 + rng.uniform(-0.2, 0.2) * (u - 0.5))) / rate
    partials = np.arange(1, max(2, int(0.4 * rate / pitch)))[:6]
    level = partials**-1.5
    phases = rng.uniform(0.0, 2.0 * np.pi, len(partials))
    wave = level @ np.sin(2.0 * np.pi * partials[:, None] * turns + phases[:, None])
    result: Wave = wave * np.sin(np.pi * u) / np.sqrt(0.5 * np.sum(level**2))
    return result


def airflow(samples: int, shape: float, skew: float) -> Wave:
    """Compute the breath-sound envelope of one phase: a half-sine airflow to the power ``FLOW_POWER``.

    The airflow profile is a personal constant (Benchetrit 2000, Respir Physiol 122:123); half-sine is ours.

    Args:
        samples: length of the phase.
        shape: 1 = half-sine flow, lower = flatter, higher = more peaked.
        skew: 1 = symmetric, lower = early peak.

    Returns:
        (samples,) envelope within 0 to 1.
    """
    u = (np.arange(samples) + 0.5) / max(samples, 1)
    envelope: Wave = np.sin(np.pi * u**skew) ** (shape * FLOW_POWER)
    return envelope


def breath_color(frequencies: Wave, corner: float, low_slope: float, high_slope: float) -> Wave:
    """Compute the amplitude spectrum of breath noise at the chest wall: two straight lines in the log-log plane.

    Chest-wall spectra are described by two slopes and the point where they meet; the high one is -12.7 to -15.2 dB per
    octave in inspiration and -13.4 to -20.3 in expiration (Gavriely 1995).

    Args:
        frequencies: (bins,) in Hz, evenly spaced from 0 to half the rate.
        corner: where the two lines meet, in Hz.
        low_slope: fall below the corner in dB per octave, positive.
        high_slope: fall above the corner in dB per octave, positive.

    Returns:
        (bins,) gain that turns white noise of RMS 1 into breath noise of RMS 1.
    """
    grid = _coarse(frequencies)
    ratio = np.maximum(grid, 1.0) / corner
    curve = 1.0 / (ratio ** (low_slope / 6.02) + ratio ** (high_slope / 6.02))
    curve *= 1.0 / (1.0 + (LOWEST_BREATH / np.maximum(grid, 1.0)) ** 4)
    gain: Wave = np.interp(frequencies, grid, curve / np.sqrt(np.mean(curve**2)))
    return gain


def room_color(frequencies: Wave, slope: float) -> Wave:
    """Compute the amplitude spectrum of ambient noise: falls by ``slope`` dB per octave above 50 Hz (ours).

    Args:
        frequencies: (bins,) in Hz, evenly spaced from 0 to half the rate.
        slope: dB per octave, positive.

    Returns:
        (bins,) gain that turns white noise of RMS 1 into ambient noise of RMS 1.
    """
    grid = _coarse(frequencies)
    curve = np.maximum(grid / 50.0, 1.0) ** (-slope / 6.02)
    gain: Wave = np.interp(frequencies, grid, curve / np.sqrt(np.mean(curve**2)))
    return gain


def _coarse(frequencies: Wave) -> Wave:
    """Return a (points,) grid in Hz over the same range, every ``GRID`` Hz or so."""
    top = float(frequencies[-1])
    return np.linspace(0.0, top, min(len(frequencies), int(top / GRID) + 2))


def device_response(frequencies: Wave, low: float, high: float, resonance: float, resonance_gain: float) -> Spectrum:
    """Compute the complex response of a recording device, causal, so that it smears crackles as a stethoscope does.

    Second-order high-pass and low-pass with one resonance between them; stethoscopes have resonances and lose the high
    frequencies, sensors less so (Pasterkamp 1997).

    Args:
        frequencies: (bins,) in Hz, evenly spaced from 0 to half the rate.
        low: high-pass corner in Hz.
        high: low-pass corner in Hz.
        resonance: center of the resonance in Hz.
        resonance_gain: its height in dB.

    Returns:
        (bins,) complex gain.
    """
    grid = _coarse(frequencies)
    at_low, at_high, at_peak = (1j * grid / corner for corner in (low, high, resonance))
    high_pass = at_low**2 / (1.0 + np.sqrt(2.0) * at_low + at_low**2)
    low_pass = 1.0 / (1.0 + np.sqrt(2.0) * at_high + at_high**2)
    # A peaking section of quality 1; its gain at the resonance is the ratio of the two damping terms.
    peak = (1.0 + at_peak * decibels(resonance_gain) + at_peak**2) / (1.0 + at_peak + at_peak**2)
    response: Spectrum = np.interp(frequencies, grid, high_pass * low_pass * peak)
    return response


def white_spectrum(rng: Generator, bins: int, samples: int) -> Spectrum:
    """Draw the spectrum of white noise of RMS 1, in the frequency domain to save a transform.

    Args:
        rng: draws the noise.
        bins: ``samples // 2 + 1``.
        samples: length of the waveform after ``irfft``.

    Returns:
        (bins,) complex spectrum.
    """
    parts = rng.standard_normal(2 * bins) * np.sqrt(samples / 2.0)
    spectrum: Spectrum = parts.view(np.complex128)
    return spectrum
