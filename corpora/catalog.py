"""The corpora by name: `open_corpus` is the entry point of every command."""

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from corpora.choices import CORPORA
from corpora.cycles import Cycle
from corpora.joined import Joined, join
from corpora.prepare import Prepared, Progress, prepare_clips, prepare_files
from corpora.problems import InputError
from corpora.readers.icbhi import read_icbhi
from corpora.readers.kauh import read_kauh
from corpora.readers.manifest import read_manifest
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
        rate: analysis rate in Hz.
        simulation: parameters of the simulated corpus.
        leave_out_bad: see `corpora.prepare.prepare_files`.
        cache: where prepared corpora lie; default: ``CACHE``.
        progress: see `corpora.prepare.Progress`.

    Raises:
        InputError: the corpus is unknown, absent or has problems.
    """
    if not RATES[0] <= rate <= RATES[1]:
        raise InputError(f"an analysis rate of {rate} Hz is not available; choose one from {RATES[0]} to {RATES[1]} Hz")
    if corpus not in CORPORA:
        raise InputError(f"unknown corpus {corpus!r}; choose from {', '.join(CORPORA)}")
    if corpus == "simulated":
        if data is not None:
            raise InputError(f"the simulated corpus takes no DATA; set CORPUS={'|'.join(CORPORA[1:])} to use your own")
        return _simulated(simulation or Simulation(), rate, cache or CACHE)
    cycles, name, description, skipped = _recorded(corpus, data)
    return prepare_files(
        cycles,
        name,
        rate,
        cache or CACHE,
        description=description + _stated(skipped),
        skipped=skipped,
        leave_out_bad=leave_out_bad,
        progress=progress,
    )


def open_both(one: Prepared, other: Prepared, cache: Path | None = None) -> tuple[Joined, Joined]:
    """Join two corpora; see `corpora.joined.join`."""
    return join(one, other, cache or CACHE)


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


def _recorded(corpus: str, data: Path | None) -> tuple[list[Cycle], str, str, Mapping[str, str]]:
    """Read a recorded corpus: its clips, name, description, and the recordings that yield no clip."""
    if corpus == "icbhi":
        folder = data or ICBHI_FOLDER
        if data is None and not folder.is_dir():
            raise InputError(f"{folder} does not exist; fetch it with `make data`, or set DATA to your copy")
        description = "ICBHI 2017 Respiratory Sound Database (Rocha et al. 2019), breathing cycles"
        return read_icbhi(folder), corpus, description, {}
    if data is None:
        raise InputError(f"CORPUS={corpus} needs DATA={NEEDED[corpus]}")
    if corpus == "sprsound":
        events, without = read_sprsound(data)
        return events, corpus, "SPRSound, children (Zhang et al. 2022), annotated respiratory events", without
    if corpus == "kauh":
        clips, other = read_kauh(data)
        return clips, corpus, "KAUH (Fraiwan et al. 2021), each recording in up to three filterings", other
    cycles, name = read_manifest(data), data.stem
    if name in set(CORPORA) - {"manifest"}:
        raise InputError(f"{data} has the name of the corpus {name}, which its results would then have, too; rename it")
    return cycles, name, f"clips listed in {data.name}", {}


def _stated(skipped: Mapping[str, str]) -> str:
    """Describe how many recordings yield no clip, and why."""
    counts = ", ".join(f"{count} {reason}" for reason, count in sorted(Counter(skipped.values()).items()))
    return f"; recordings that yield no clip: {counts}" if counts else ""
