"""Descriptors of the shape of a spectrum and of a waveform, one value (or one per band) per frame, for batches.

Each equals the librosa 0.11 function of the same name, with that function's defaults unless stated.
"""

from functools import lru_cache

import numpy as np
import torch
from scipy.signal import savgol_coeffs
from torch import Tensor
from torch.nn.functional import pad

from respbench.corpora.problems import InputError
from respbench.features.spectral import POWER_FLOOR, Batch, bin_frequencies, decibels

ROLLOFF_SHARE = 0.85
"""Share of the summed magnitude that lies below the roll-off: librosa's default."""

CONTRAST_EDGES = (100, 200, 400, 800, 1600)
"""Octave edges in Hz: they cover the 2 kHz that a 4 kHz recording holds; librosa's, from 200 Hz, are made for music."""

CONTRAST_SHARE = 0.02
"""Share of a band's bins taken for its peak and for its valley: librosa's default (Jiang et al. 2002)."""

CONTRAST_DEPTH = 80.0
"""Range in dB of peaks and valleys below the clip's loudest: librosa's ``top_db``. A clipped stretch has a spectrum
without a floor; without this limit one frame of it would outweigh all others."""

ZERO = 1e-10
"""Samples nearer to zero count as zero, and zero as positive: librosa's ``zero_crossings``."""

DELTA_WIDTH = 9
"""Frames of the local polynomial that a difference is the slope of: librosa's default."""


def spectral_centroid(magnitude: Tensor, rate: int) -> Tensor:
    """(…, frames, bins) to (…, frames): center of mass of the spectrum in Hz; 0 in silence."""
    frequency = bin_frequencies(rate, 2 * (magnitude.shape[-1] - 1))
    return magnitude @ frequency / _total(magnitude)


def spectral_bandwidth(magnitude: Tensor, rate: int) -> Tensor:
    """(…, frames, bins) to (…, frames): standard deviation of the spectrum about its centroid in Hz; 0 in silence."""
    frequency = bin_frequencies(rate, 2 * (magnitude.shape[-1] - 1))
    mean = spectral_centroid(magnitude, rate)
    mean_square = magnitude @ frequency.square() / _total(magnitude)
    return (mean_square - mean.square()).clamp(min=0).sqrt()


def _total(magnitude: Tensor) -> Tensor:
    total = magnitude.sum(-1)
    return torch.where(total > 0, total, 1.0)


def spectral_rolloff(magnitude: Tensor, rate: int) -> Tensor:
    """(…, frames, bins) to (…, frames): frequency in Hz below which 85 % of the magnitude lies; 0 in silence."""
    running = magnitude.cumsum(-1)
    first = torch.searchsorted(running, ROLLOFF_SHARE * running[..., -1:])
    return bin_frequencies(rate, 2 * (magnitude.shape[-1] - 1))[first[..., 0]]


def spectral_flatness(power: Tensor) -> Tensor:
    """(…, frames, bins) to (…, frames): geometric over arithmetic mean of the power; 1 if flat, near 0 for a tone."""
    floored = power.clamp(min=POWER_FLOOR)
    logarithm = torch.from_numpy(np.log(floored.numpy()))
    return logarithm.mean(-1).exp_() / floored.mean(-1)


def spectral_contrast(magnitude: Tensor, counts: Tensor, rate: int) -> Tensor:
    """Peak over valley in dB, within each band between `CONTRAST_EDGES`.

    Args:
        magnitude: (clips, frames, bins).
        counts: (clips,) each clip's own number of frames.
        rate: sampling rate in Hz.

    Returns:
        (clips, frames, bands).

    Raises:
        InputError: the bands don't fit under half the sampling rate, or a band holds no frequency bin.
    """
    valleys, peaks = [], []
    for start, stop, extremes in _contrast_bands(rate, 2 * (magnitude.shape[-1] - 1)):
        band = magnitude[..., start:stop]
        if extremes == 1:
            valleys.append(band.amin(-1))
            peaks.append(band.amax(-1))
        else:
            ordered = torch.from_numpy(np.sort(band.numpy(), axis=-1))  # ten times faster than torch's
            valleys.append(ordered[..., :extremes].mean(-1))
            peaks.append(ordered[..., -extremes:].mean(-1))
    own = (torch.arange(magnitude.shape[1]) < counts[:, None])[..., None]
    peak, valley = (_raised(decibels(torch.stack(bands, dim=-1)), own) for bands in (peaks, valleys))
    return peak - valley


def _raised(level: Tensor, own: Tensor) -> Tensor:
    """Levels far below the loudest of the clip's own, raised to `CONTRAST_DEPTH` below it."""
    loudest = torch.where(own, level, -torch.inf).amax((1, 2), keepdim=True)
    return torch.maximum(level, loudest - CONTRAST_DEPTH)


@lru_cache(maxsize=64)
def _contrast_bands(rate: int, n_fft: int) -> tuple[tuple[int, int, int], ...]:
    """First bin, bin after the last, and number of bins that make the peak (or valley) of each band.

    As in librosa, a band includes the bin below its lower edge and excludes its own last one, except the top band,
    which extends to the last bin.
    """
    if CONTRAST_EDGES[-1] >= rate / 2:
        raise InputError(
            f"spectral_contrast needs a sampling rate above {2 * CONTRAST_EDGES[-1]} Hz; this is {rate} Hz"
        )
    frequency = bin_frequencies(rate, n_fft).numpy()
    bands = []
    for low, high in zip((0, *CONTRAST_EDGES), (*CONTRAST_EDGES, rate / 2), strict=True):
        top = high == rate / 2
        start = max(0, int(np.searchsorted(frequency, low)) - 1)
        stop = len(frequency) if top else int(np.searchsorted(frequency, high, side="right"))
        extremes = max(1, round(CONTRAST_SHARE * (stop - start)))
        if stop - start < (1 if top else 2):
            raise InputError(
                f"frames of {n_fft} samples at {rate} Hz are too short for spectral_contrast; use longer ones"
            )
        bands.append((start, stop if top else stop - 1, extremes))
    return tuple(bands)


def zero_crossing_rate(batch: Batch, n_fft: int, hop: int) -> Tensor:
    """(clips, frames): share of a frame's samples whose sign differs from the sample before."""
    negative = batch.samples < -ZERO
    crossing = negative[:, 1:] != negative[:, :-1]
    # The step from a clip's last sample into its padding is no crossing.
    crossing &= torch.arange(1, batch.samples.shape[1]) < batch.lengths[:, None]
    # Beyond its ends a clip continues with its end values, without crossings. The step into a frame's first sample
    # doesn't count. Differences of running counts, in whole numbers, are exact.
    count = pad(crossing, (n_fft // 2 + 2, n_fft // 2)).cumsum(-1)
    frames = count.unfold(-1, n_fft + 1, hop)
    return (frames[..., -1] - frames[..., 1]) / n_fft


def rms(batch: Batch, n_fft: int, hop: int) -> Tensor:
    """(clips, frames): root mean square of a frame's samples, full scale = 1, zeros beyond a clip's ends."""
    square = pad(batch.samples.square(), (n_fft // 2, n_fft // 2))
    return square.unfold(-1, n_fft, hop).mean(-1).sqrt_()


def differences(series: Tensor, counts: Tensor, order: int) -> Tensor:
    """First or second difference along the frames: ``librosa.feature.delta(..., mode="nearest")``.

    The slope (curvature) of a polynomial of that order fitted to 9 frames; a clip continues with its end values.

    Args:
        series: (clips, frames, rows).
        counts: (clips,) each clip's own number of frames.
        order: 1 or 2.

    Returns:
        (clips, frames, rows).
    """
    reach = DELTA_WIDTH // 2
    frame = torch.arange(-reach, series.shape[1] + reach).clamp(min=0)
    frame = torch.minimum(frame, counts[:, None] - 1)
    extended = series.gather(1, frame[..., None].expand(-1, -1, series.shape[2]))
    slope = torch.zeros_like(series)
    for shift, weight in enumerate(_slope_weights(order)):
        slope.add_(extended[:, shift : shift + series.shape[1]], alpha=weight)
    return slope


@lru_cache
def _slope_weights(order: int) -> tuple[float, ...]:
    return tuple(savgol_coeffs(DELTA_WIDTH, order, deriv=order, use="dot").tolist())
