"""Read a stretch of an audio file as mono float32 at the analysis rate, with errors that name what is wrong with it."""

from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from respbench.corpora.clips import Signal
from respbench.corpora.problems import InputError
from respbench.corpora.readers.containers import CHECKED, openable

SHORTEST = 0.1
"""s. A crackle lasts about 10 ms and a wheeze at least 80 ms (Sovijärvi et al. 2000, Eur Respir Rev 10:77, 591-596);
the shortest cycle of ICBHI 2017 lasts 0.2 s. What is shorter than this is a slip of the annotation."""

OVERSHOOT = 0.1
"""s by which an annotation may end after its recording: annotators' clocks round; the cycle then ends with the file."""

RATES = (1000, 400_000)
"""Hz: the lowest and the highest rate of a recording. A header outside is damaged: stethoscopes record at 4 kHz and
more, recorders of ultrasound at up to 384 kHz."""

LOUDEST = 10.0
"""Full scale = 1. Mixing and filtering overshoot by a few dB; samples beyond 20 dB were never scaled to full scale."""

MOST_SAMPLES = 1 << 28
"""Samples of all channels that are decoded at once, 2 GiB: 50 min of stereo at 44.1 kHz."""

CANCELED = 1e-3
"""Share of the loudest channel's standard deviation below which a mix is but rounding errors: channels cancel."""

_UNKNOWN_FRAMES = 2**63 - 1  # what libsndfile reports of a streamed flac


def read_audio(path: Path, rate: int, begin: float = 0.0, end: float | None = None) -> Signal:
    """Decode ``begin`` to ``end`` of a file, mix it to mono and resample it.

    The stretch is cut before it is resampled, so that a cycle equals the same cycle stored in a file of its own.

    Args:
        path: wav or flac (or another of `CHECKED`), any sampling rate, 8 to 32 bit, any number of channels.
        rate: Hz wanted. Resampling is band-limited (soxr, "VHQ").
        begin: s.
        end: s; None = end of the file.

    Returns:
        (1, samples), full scale = 1.

    Raises:
        InputError: the file is missing, unreadable, empty, truncated or not audio, or the stretch is too short, outside
            the file, silent (also since channels cancel), far above full scale, or holds NaN or infinite samples.
    """
    samples, native = _decode(path, begin, end)
    if not np.isfinite(samples).all():
        raise InputError(f"{path} holds NaN or infinite samples; export it again, or leave it out")
    if (peak := max(samples.max(), -samples.min())) > LOUDEST:
        raise InputError(
            f"{path} holds samples up to {peak:.6g}, far above the full scale of 1; divide them by the full scale of "
            "the recorder (such as 32768) and export it again, or leave it out"
        )
    mono = samples.mean(axis=1)
    if len(mono) < SHORTEST * native:
        raise InputError(
            f"{path} lasts {len(mono) / native:.3g} s{_where(begin, end)}, less than {SHORTEST} s; "
            "correct the annotation, or leave it out"
        )
    if samples.shape[1] > 1 and mono.std() < CANCELED * samples.std(axis=0).max():
        raise InputError(
            f"{path}: its channels cancel{_where(begin, end)}, since one is the inverse of the other; export one of "
            "them, or leave it out"
        )
    if np.ptp(mono) == 0:
        raise InputError(f"{path} is silent{_where(begin, end)} (every sample is the same); leave it out")
    if native != rate:
        mono = soxr.resample(mono, native, rate, quality="VHQ")
    return np.ascontiguousarray(mono, dtype=np.float32)[None, :]


def _decode(path: Path, begin: float, end: float | None) -> tuple[NDArray[np.float64], int]:
    """Decode to samples (frames, channels) in float64, and the native rate in Hz."""
    try:
        with soundfile.SoundFile(openable(path)) as file:
            _check_header(path, file)
            native: int = file.samplerate
            first = round(begin * native)
            last = file.frames if end is None else round(end * native)
            if first >= file.frames or last > file.frames + OVERSHOOT * native:
                reach = f"begins at {begin} s" if end is None else f"reaches from {begin} to {end} s"
                raise InputError(
                    f"{path} lasts {file.frames / native:.3f} s, but an annotation {reach}; correct the annotation"
                )
            last = min(last, file.frames)
            if last <= first:
                raise InputError(f"{path}: an annotation ends at {end} s, before it begins at {begin} s; correct it")
            _refuse_bomb(path, (last - first if file.seekable() else last) * file.channels)
            if file.seekable():
                file.seek(first)
                samples = file.read(last - first, dtype="float64", always_2d=True)
            else:  # of GSM and some kinds of ADPCM, libsndfile can't start in the middle
                samples = file.read(last, dtype="float64", always_2d=True)[first:]
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; restore it, or leave it out") from error
    except OSError as error:
        raise InputError(f"{path} can't be read ({error.strerror}); check its permissions") from error
    except ValueError as error:
        raise InputError(f"{path} can't be the path of a file ({error}); correct it") from error
    except soundfile.SoundFileError as error:
        raise InputError(
            f"{path} is not audio, is damaged or cut short ({_reason(error)}); copy or export it again, or leave it out"
        ) from error
    except MemoryError as error:
        raise InputError(
            f"{path} claims to last {(last - first) / native:.3g} s, more than fits into memory; if it doesn't, its "
            "header is damaged: export it again, or leave it out"
        ) from error
    if len(samples) < last - first:
        raise InputError(f"{path} is truncated: {len(samples)} of {last - first} samples; copy it again")
    return samples, native


def _check_header(path: Path, file: soundfile.SoundFile) -> None:
    """Refuse what makes a file unusable as a whole."""
    if file.format not in CHECKED:
        raise InputError(
            f"{path} is in the format {file.format}, of which a file that was cut short looks like a whole one; export "
            "it as wav or flac"
        )
    if not RATES[0] <= file.samplerate <= RATES[1]:
        raise InputError(
            f"{path} has a sampling rate of {file.samplerate} Hz in its header, outside {RATES[0]} to {RATES[1]} Hz; "
            "export it again, or leave it out"
        )
    if file.frames == _UNKNOWN_FRAMES:
        raise InputError(f"{path} has no length in its header, as if streamed; export it again")
    if file.frames == 0:
        raise InputError(f"{path} holds no samples; record or export it again, or leave it out")


def _refuse_bomb(path: Path, samples: int) -> None:
    """Raise InputError before a small file fills the memory: flac shrinks silence to almost nothing."""
    if samples > MOST_SAMPLES:
        raise InputError(
            f"{path} would take {8 * samples / 1e9:.1f} GB to decode; cut the recording into clips, or leave it out"
        )


def _where(begin: float, end: float | None) -> str:
    return "" if end is None else f" from {begin} to {end} s"


def _reason(error: Exception) -> str:
    return str(error).rstrip(".").rpartition(": ")[2]
