"""The corpora by name: `open_corpus` is the entry point of every command."""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from corpora.choices import CORPORA, RECORDING_TASKS
from corpora.download.verify import part_here
from corpora.joined import Joined, join
from corpora.prepare import Prepared, Progress, prepare_clips, prepare_files
from corpora.problems import InputError
from corpora.readers.icbhi import read_icbhi
from corpora.readers.kauh import read_kauh
from corpora.readers.manifest import read_manifest
from corpora.readers.reading import Reading
from corpora.readers.sprsound import read_sprsound
from corpora.simulated.simulation import Simulation, simulate
from corpora.unlabeled import Recordings, add_unlabeled

PROJECT = Path(__file__).resolve().parents[1]
CACHE = Path(os.environ.get("RESPBENCH_CACHE", PROJECT / "cache"))
"""Prepared corpora and features: derived data, safe to delete (`make clean`)."""

ICBHI_FOLDER = PROJECT / "data" / "ICBHI_final_database"
"""Where `make data` puts the database."""

RATE = 4000
"""Hz. Lung sounds lie below 2 kHz (Sovijärvi et al. 2000), and part of ICBHI was recorded at 4 kHz: above its Nyquist
frequency the spectrum of a clip would reveal the device, and so the patient."""

RATES = (4000, 16000)
"""Hz: the lowest and the highest analysis rate available."""

NEEDED = {
    "sprsound": "<folder of the SPRSound database>; it is at github.com/SJTU-YONGFU-RESEARCH-GRP/SPRSound",
    "kauh": "<folder of the KAUH recordings>; they are at doi.org/10.17632/jwyy9np4gv.3",
    "manifest": "<csv file>; its columns are path, patient, label",
}
"""The path that a corpus needs if `make data` doesn't fetch it, and where to get it."""


def open_corpus(
    corpus: str,
    data: Path | None = None,
    *,
    task: str = "abnormal",
    rate: int = RATE,
    simulation: Simulation | None = None,
    leave_out_bad: bool = False,
    cache: Path | None = None,
    progress: Progress = lambda what, done, of: None,
) -> Prepared:
    """Prepare a corpus, or find it prepared.

    Args:
        corpus: one of ``CORPORA``.
        data: the folder of the recordings (icbhi; default: where `make data` puts it; sprsound, kauh) or the CSV file
            (manifest).
        task: decides whether clips are parts of recordings or, for `corpora.choices.RECORDING_TASKS`, whole recordings.
        rate: analysis rate in Hz.
        simulation: parameters of the simulated corpus.
        leave_out_bad: see `corpora.prepare.prepare_files`.
        cache: where prepared corpora lie; default: ``CACHE``.
        progress: see `corpora.prepare.Progress`.

    Raises:
        InputError: the corpus is unknown, absent, has problems, or has no labels of whole recordings for the task.
    """
    if not RATES[0] <= rate <= RATES[1]:
        raise InputError(f"an analysis rate of {rate} Hz is not available; choose one from {RATES[0]} to {RATES[1]} Hz")
    if corpus not in CORPORA:
        raise InputError(f"unknown corpus {corpus!r}; choose from {', '.join(CORPORA)}")
    if task in RECORDING_TASKS and corpus != "sprsound":
        raise InputError(
            f"the corpus {corpus} has no labels of whole recordings, which the task {task} needs; choose the corpus "
            "sprsound, or another task"
        )
    if corpus == "simulated":
        if data is not None:
            raise InputError(f"the simulated corpus takes no DATA; set CORPUS={'|'.join(CORPORA[1:])} to use your own")
        return _simulated(simulation or Simulation(), rate, cache or CACHE)
    reading, name, description = _recorded(corpus, data, task)
    return prepare_files(
        reading.cycles,
        name,
        rate,
        cache or CACHE,
        description=description + _stated(reading),
        classes=reading.classes,
        skipped=reading.skipped,
        problems=reading.problems,
        leave_out_bad=leave_out_bad,
        progress=progress,
    )


def open_joined(corpora: Sequence[Prepared], cache: Path | None = None) -> tuple[Joined, ...]:
    """Join corpora; see `corpora.joined.join`."""
    return join(corpora, cache or CACHE)


def open_with_unlabeled(
    corpus: Prepared,
    recordings: Recordings,
    *,
    leave_out_bad: bool = False,
    cache: Path | None = None,
    progress: Progress = lambda what, done, of: None,
) -> Prepared:
    """Prepare the user's unlabeled recordings, and put them beside a corpus; see `corpora.unlabeled.add_unlabeled`.

    Raises:
        InputError: recordings can't be used, or hold a sound of the corpus, unless ``leave_out_bad``.
    """
    own = prepare_files(
        recordings.cycles,
        f"unlabeled-{recordings.name}",
        corpus.facts().rate,
        cache or CACHE,
        description="",
        leave_out_bad=leave_out_bad,
        progress=progress,
    )
    return add_unlabeled(corpus, recordings, own, cache or CACHE, leave_out_bad)


def _simulated(parameters: Simulation, rate: int, cache: Path) -> Prepared:
    description = (
        f"SIMULATED sounds, no patient was recorded: {parameters.patients} simulated patients with "
        f"{parameters.clips_per_patient} clips each, difficulty {parameters.difficulty:g}, seed {parameters.seed}"
    )
    return prepare_clips(
        lambda: simulate(parameters, rate),
        "simulated",
        rate,
        f"{parameters!r} {rate}",
        "corpora.simulated.simulation:simulate",
        cache,
        description,
    )


def _recorded(corpus: str, data: Path | None, task: str) -> tuple[Reading, str, str]:
    """Read a recorded corpus: what its folder holds, its name and description."""
    if corpus == "icbhi":
        folder = data or ICBHI_FOLDER
        if data is None and not folder.is_dir():
            raise InputError(f"{folder} does not exist; fetch it with `make data`, or set DATA to your copy")
        cycles = read_icbhi(folder)
        whole = "ICBHI 2017 Respiratory Sound Database (Rocha et al. 2019), breathing cycles"
        return Reading(cycles=cycles), corpus, "; ".join(filter(None, (whole, part_here(cycles))))
    if data is None:
        raise InputError(f"CORPUS={corpus} needs DATA={NEEDED[corpus]}")
    if corpus == "sprsound":
        recordings = task in RECORDING_TASKS
        units = "whole recordings (those of poor quality count as abnormal, too)"
        units = units if recordings else "annotated respiratory events"
        return read_sprsound(data, recordings), corpus, f"SPRSound, children (Zhang et al. 2022), {units}"
    if corpus == "kauh":
        clips, other = read_kauh(data)
        description = "KAUH (Fraiwan et al. 2021), each recording in up to three filterings"
        return Reading(cycles=clips, skipped=other), corpus, description
    name = data.stem
    if name in set(CORPORA) - {"manifest"}:
        raise InputError(f"{data} has the name of the corpus {name}, which its results would then have, too; rename it")
    return Reading(cycles=read_manifest(data)), name, f"clips listed in {data.name}"


def _stated(reading: Reading) -> str:
    """Describe what the folder holds besides the clips: how many recordings yield none and why, and other files."""
    reasons = [f"{count} {reason}" for reason, count in sorted(Counter(reading.skipped.values()).items())]
    others = [f"{count} {kind}" for kind, count in sorted(reading.others.items())]
    stated = [
        reading.note,
        f"recordings that yield no clip: {', '.join(reasons)}" if reasons else "",
        f"other files that were not read: {', '.join(others)}" if others else "",
    ]
    return "".join(f"; {what}" for what in stated if what)
