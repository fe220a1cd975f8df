"""Write the signals of a corpus clip by clip into one flat file."""

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

import numpy as np

from respbench.corpora.clips import Signal, StoredSignals
from respbench.corpora.cycles import Cycle, Source
from respbench.corpora.problems import InputError


def write_kept_signals(
    folder: Path, rows: Iterable[tuple[Cycle, Signal]], withdrawn: Collection[Source]
) -> list[Cycle]:
    """Write the signals of a corpus, which may be larger than memory, as `corpora.clips.StoredSignals` reads them.

    Args:
        folder: gets ``signals.npy`` and ``offsets.npy``.
        rows: clips with their signals of shape (channels, samples), of one number of channels.
        withdrawn: sources of clips among the rows that are not kept; complete when ``rows`` is exhausted.

    Returns:
        The clips that are kept, in order.

    Raises:
        InputError: no clip is kept.
    """
    cycles: list[Cycle] = []

    def signals_of_rows() -> Iterator[Signal]:
        for cycle, signal in rows:
            cycles.append(cycle)
            yield signal

    write_signals(folder, signals_of_rows())
    kept = [i for i, cycle in enumerate(cycles) if cycle.source not in withdrawn]
    if not kept:
        raise InputError("no clip of the corpus can be used; correct the files, or choose another folder")
    if len(kept) == len(cycles):
        return cycles
    with TemporaryDirectory(dir=folder) as everything:
        for name in ("signals.npy", "offsets.npy"):
            (folder / name).rename(Path(everything, name))
        write_signals(folder, StoredSignals(Path(everything), np.array(kept, dtype=np.int64)))
    return [cycles[i] for i in kept]


def write_signals(folder: Path, signals: Iterable[Signal]) -> None:
    """Append signals, which may be more than memory holds, to the flat file that `StoredSignals` reads.

    Args:
        folder: gets ``signals.npy`` and ``offsets.npy``.
        signals: of shape (channels, samples), of one number of channels.
    """
    offsets, channels = [0], 1
    with (folder / "signals.npy").open("wb") as file:
        _write_header(file, 0, channels)  # replaced below
        for signal in signals:
            file.write(signal.T.tobytes())
            channels = len(signal)
            offsets.append(offsets[-1] + signal.shape[1])
        file.seek(0)
        _write_header(file, offsets[-1], channels)
    np.save(folder / "offsets.npy", np.array(offsets, dtype=np.int64))


def _write_header(file: BinaryIO, samples: int, channels: int) -> None:
    """Write the header of a .npy file, padded so that the number of samples can be filled in afterwards."""
    shape = (samples,) if channels == 1 else (samples, channels)
    np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
