"""The corpora by name: `open_corpus` is where every command gets its clips."""

import os
from pathlib import Path

from corpora.icbhi import read_icbhi
from corpora.manifest import read_manifest
from corpora.prepare import Prepared, Progress, prepare_clips, prepare_files
from corpora.problems import InputError
from corpora.simulated import Simulation, simulate

PROJECT = Path(__file__).resolve().parents[1]
CACHE = Path(os.environ.get("RESPBENCH_CACHE", PROJECT / "cache"))
"""Prepared corpora and features: derived data, safe to delete (`make clean`)."""

ICBHI_FOLDER = PROJECT / "data" / "ICBHI_final_database"
"""Where `make data` puts the database."""

CORPORA = ("simulated", "icbhi", "manifest")

RATE = 4000
"""Hz. Lung sounds lie below 2 kHz (Sovijärvi et al. 2000), and part of ICBHI was recorded at 4 kHz: above its Nyquist
frequency a clip would tell the device, and so the patient, apart."""

RATES = (4000, 16000)
"""Hz: the lowest and the highest analysis rate on offer."""


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
        corpus: ``simulated``, ``icbhi`` or ``manifest``.
        data: the folder (icbhi; default: where `make data` puts it) or the CSV file (manifest).
        rate: analysis rate in Hz.
        simulation: parameters of the simulated corpus.
        leave_out_bad: see `corpora.prepare.prepare_files`.
        cache: where prepared corpora lie; default: ``CACHE``.
        progress: see `corpora.prepare.Progress`.

    Raises:
        InputError: the corpus is unknown, absent or has problems.
    """
    if not RATES[0] <= rate <= RATES[1]:
        raise InputError(f"an analysis rate of {rate} Hz is not on offer; choose one from {RATES[0]} to {RATES[1]} Hz")
    cache = cache or CACHE
    if corpus == "simulated":
        if data is not None:
            raise InputError("the simulated corpus takes no DATA; set CORPUS=icbhi or CORPUS=manifest to use your own")
        parameters = simulation or Simulation()
        description = (
            f"SIMULATED sounds, no patient was recorded: {parameters.patients} made-up patients with "
            f"{parameters.clips_per_patient} clips each, difficulty {parameters.difficulty:g}, seed {parameters.seed}"
        )
        return prepare_clips(
            lambda: simulate(parameters, rate),
            corpus,
            f"{parameters!r} {rate}",
            "corpora.simulated",
            cache,
            description,
        )
    if corpus == "icbhi":
        folder = data or ICBHI_FOLDER
        if data is None and not folder.is_dir():
            raise InputError(f"{folder} does not exist; fetch it with `make data`, or set DATA to your copy")
        cycles = read_icbhi(folder)
        description = "ICBHI 2017 Respiratory Sound Database (Rocha et al. 2019), breathing cycles"
    elif corpus == "manifest":
        if data is None:
            raise InputError("CORPUS=manifest needs DATA=<csv file>; its columns are path, patient, label")
        cycles = read_manifest(data)
        corpus = data.stem
        if corpus in {"simulated", "icbhi"}:
            raise InputError(f"{data} is called like the corpus {corpus}, and so would its results be; rename it")
        description = f"clips listed in {data.name}"
    else:
        raise InputError(f"unknown corpus {corpus!r}; choose from {', '.join(CORPORA)}")
    return prepare_files(
        cycles, corpus, rate, cache, description=description, leave_out_bad=leave_out_bad, progress=progress
    )
