"""The corpora by name: `open_corpus` is the entry point of every command."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from respbench.corpora import places
from respbench.corpora.choices import CORPORA, MOTION_CORPORA, PUBLISHED_WINDOWS, RECORDING_TASKS, SOUND
from respbench.corpora.download.verify import part_here
from respbench.corpora.joined import Joined, join
from respbench.corpora.patients import without_doubtful
from respbench.corpora.prepared.decoding import Progress
from respbench.corpora.prepared.prepare import Prepared, prepare_clips, prepare_files
from respbench.corpora.problems import InputError
from respbench.corpora.readers.hmp import read_hmp
from respbench.corpora.readers.icbhi import read_icbhi
from respbench.corpora.readers.kauh import read_kauh
from respbench.corpora.readers.manifest import read_manifest
from respbench.corpora.readers.motionsense import read_motionsense
from respbench.corpora.readers.pamap2 import read_pamap2
from respbench.corpora.readers.reading import Reading
from respbench.corpora.readers.series import read_series_manifest
from respbench.corpora.readers.sprsound import read_sprsound
from respbench.corpora.readers.uci_har import read_uci_har
from respbench.corpora.readers.wisdm import read_wisdm
from respbench.corpora.simulated.simulation import Simulation, simulate
from respbench.corpora.unlabeled import Recordings, add_unlabeled
from respbench.corpora.windows import WHOLE, Windows

CACHE, ICBHI_FOLDER = places.CACHE, places.ICBHI_FOLDER

RATE = 4000
"""Hz. Lung sounds lie below 2 kHz (Sovijärvi et al. 2000), and part of ICBHI was recorded at 4 kHz: above its Nyquist
frequency the spectrum of a clip would reveal the device, and so the patient."""

RATES = (4000, 16000)
"""Hz: the lowest and the highest analysis rate available."""

NEEDED = {
    "sprsound": "<folder of the SPRSound database>; it is at github.com/SJTU-YONGFU-RESEARCH-GRP/SPRSound",
    "kauh": "<folder of the KAUH recordings>; they are at doi.org/10.17632/jwyy9np4gv.3",
    "hmp": "<folder of the HMP dataset>; it is at archive.ics.uci.edu/dataset/283",
    "uci-har": "<folder 'UCI HAR Dataset'>; it is at archive.ics.uci.edu/dataset/240",
    "wisdm": "<folder WISDM_ar_v1.1>; it is at www.cis.fordham.edu/wisdm/dataset.php",
    "pamap2": "<folder PAMAP2_Dataset>; it is at archive.ics.uci.edu/dataset/231",
    "motionsense": "<folder with A_DeviceMotion_data>; it is at github.com/mmalekzadeh/motion-sense",
    "manifest": "<csv file>; its columns are path, patient, label",
    "series": "<csv file>; its columns are path, subject, label, rate",
}
"""The path that a corpus needs if `make data` doesn't fetch it, and where to get it."""

MOVEMENTS: dict[str, tuple[Callable[[Path], Reading], str]] = {
    "hmp": (read_hmp, "HMP (Bruno et al. 2013), trials of daily activities, accelerometer at the wrist"),
    "uci-har": (read_uci_har, "UCI-HAR (Anguita et al. 2013), windows of 2.56 s, phone at the waist"),
    "wisdm": (read_wisdm, "WISDM 1.1 (Kwapisz et al. 2010), trials, phone in the front pocket"),
    "pamap2": (read_pamap2, "PAMAP2 (Reiss & Stricker 2012), trials of the protocol, sensors at hand, chest and ankle"),
    "motionsense": (read_motionsense, "MotionSense (Malekzadeh et al. 2019), trials, phone in the front pocket"),
}
"""The readers of published corpora of movements, and what these are."""


def open_corpus(
    corpus: str,
    data: Path | str | None = None,
    *,
    task: str = "abnormal",
    rate: int | None = None,
    windows: Windows = WHOLE,
    simulation: Simulation | None = None,
    leave_out_bad: bool = False,
    cache: Path | None = None,
    progress: Progress = lambda what, done, of: None,
) -> Prepared:
    """Prepare a corpus, or find it prepared.

    Args:
        corpus: one of ``CORPORA``.
        data: the folder of the recordings (icbhi; default: where `make data` puts it) or, for ``manifest`` and
            ``series``, the CSV file.
        task: decides whether clips are parts of recordings or, for `corpora.choices.RECORDING_TASKS`, whole recordings.
        rate: analysis rate in Hz of a corpus of sounds; default: ``RATE``.
        windows: what the trials of a corpus of movements are cut into.
        simulation: parameters of the simulated corpus.
        leave_out_bad: see `corpora.prepared.prepare.prepare_files`.
        cache: where prepared corpora lie; default: ``CACHE``.
        progress: see `corpora.prepared.decoding.Progress`.

    Raises:
        InputError: the corpus is unknown, absent, has problems, or has no labels of whole recordings for the task.
    """
    if corpus not in CORPORA:
        raise InputError(f"unknown corpus {corpus!r}; choose from {', '.join(CORPORA)}")
    rate = _rate(corpus, rate, windows)
    if task in RECORDING_TASKS and corpus != "sprsound":
        raise InputError(
            f"the corpus {corpus} has no labels of whole recordings, which the task {task} needs; choose the corpus "
            "sprsound, or another task"
        )
    if corpus == "simulated":
        if data is not None:
            raise InputError(f"the simulated corpus takes no DATA; set CORPUS={'|'.join(CORPORA[1:])} to use your own")
        return _simulated(simulation or Simulation(), rate, cache or CACHE)
    reading, name, description = _recorded(corpus, None if data is None else Path(data).absolute(), task)
    reading = without_doubtful(reading)
    _require_samples(windows, reading.measurement.rate)
    return prepare_files(
        reading.cycles,
        name + windows.suffix,
        reading.measurement.rate or rate,
        cache or CACHE,
        description=description + f"; {windows}" * bool(windows.seconds) + _stated(reading),
        classes=reading.classes,
        skipped=reading.skipped,
        problems=reading.problems,
        leave_out_bad=leave_out_bad,
        measurement=reading.measurement,
        windows=windows,
        progress=progress,
    )


def _rate(corpus: str, rate: int | None, windows: Windows) -> int:
    """Return the analysis rate in Hz for sounds; refuse options that don't go with the corpus."""
    if corpus in MOTION_CORPORA:
        if rate is not None:
            raise InputError(f"the corpus {corpus} is used at its own sampling rate; leave out --rate (RATE for make)")
        if windows.seconds and corpus in PUBLISHED_WINDOWS:
            raise InputError(
                f"the corpus {corpus} is published as windows; leave out --window and --hop (WINDOW and HOP for make)"
            )
        return 0
    if windows.seconds:
        cut = " or ".join(name for name in MOTION_CORPORA if name not in PUBLISHED_WINDOWS)
        raise InputError(
            f"the clips of the corpus {corpus} are its annotated cycles, which windows would cut; leave out --window "
            f"and --hop (WINDOW and HOP for make), or choose {cut}"
        )
    chosen = RATE if rate is None else rate
    if not RATES[0] <= chosen <= RATES[1]:
        low, high = RATES
        raise InputError(f"an analysis rate of {chosen} Hz is not available; choose one from {low} to {high} Hz")
    return chosen


def _require_samples(windows: Windows, rate: int) -> None:
    """Refuse windows that are no more than a sample of a corpus with this rate in Hz, or begin more often than one."""
    if windows.seconds and (windows.seconds * rate < 2 or windows.step * rate < 1):
        raise InputError(
            f"at {rate} Hz, samples are {1 / rate:.3g} s apart, too far for {windows}; set WINDOW to two of them or "
            "more, and HOP to one or more"
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
    if corpus.facts().modality != SOUND:
        raise InputError(
            f"unlabeled recordings are sounds, which {corpus.facts().name} doesn't hold; leave out --unlabeled "
            "(UNLABELED for make)"
        )
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
        "respbench.corpora.simulated.simulation:simulate",
        cache,
        description,
    )


def _recorded(corpus: str, data: Path | None, task: str) -> tuple[Reading, str, str]:
    """Read a recorded corpus: what its folder holds, its name and description."""
    if corpus == "icbhi":
        folder = data or ICBHI_FOLDER
        if data is None and not folder.is_dir():
            raise InputError(f"{folder} does not exist; fetch it with `make data`, or set DATA to your copy")
        reading = read_icbhi(folder)
        whole = "ICBHI 2017 Respiratory Sound Database (Rocha et al. 2019), breathing cycles"
        return reading, corpus, "; ".join(filter(None, (whole, part_here(reading.cycles))))
    if data is None:
        raise InputError(f"CORPUS={corpus} needs DATA={NEEDED[corpus]}")
    if corpus == "sprsound":
        recordings = task in RECORDING_TASKS
        units = "whole recordings (those of poor quality count as abnormal, too)"
        units = units if recordings else "annotated respiratory events"
        return read_sprsound(data, recordings), corpus, f"SPRSound, children (Zhang et al. 2022), {units}"
    if corpus == "kauh":
        return read_kauh(data), corpus, "KAUH (Fraiwan et al. 2021), each recording in up to three filterings"
    if corpus in MOVEMENTS:
        read, description = MOVEMENTS[corpus]
        return read(data), corpus, description
    name = data.stem
    if name in set(CORPORA) - {"manifest", "series"}:
        raise InputError(f"{data} has the name of the corpus {name}, which its results would then have, too; rename it")
    if corpus == "series":
        reading = read_series_manifest(data)
        unit = f" in {reading.measurement.unit}" if reading.measurement.unit else ""
        return reading, name, f"trials listed in {data.name}: {', '.join(reading.measurement.channels)}{unit}"
    return read_manifest(data), name, f"clips listed in {data.name}"


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
