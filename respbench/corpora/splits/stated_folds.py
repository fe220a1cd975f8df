"""`StatedFolds`: the folds that a file states, such as those of a published comparison."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from respbench.corpora.clips import Clips
from respbench.corpora.problems import InputError
from respbench.corpora.readers.folds_file import PATIENT, RECORDING, FoldsFile
from respbench.corpora.splits.balance import count_by_patient, validation_patients
from respbench.corpora.splits.folds import Fold, Index
from respbench.corpora.splits.leave_device_out import DEVICE

NAMED = 3
"""How many recordings or patients a message names as examples."""

_ENDING = re.compile(r"\.(wave?|flac|ogg|mp3|txt|json|csv)$", re.IGNORECASE)


@dataclass(frozen=True)
class StatedFolds:
    """Group k-fold whose groups a file states: each fold is tested once, by models fitted to the others.

    Validation patients are cut from the training patients as `LeavePatientsOut` cuts them; the seed decides nothing
    else. Folds are numbered in the order of their labels. A fold may lack a class, as on a part of the corpus that the
    file was made for; its training part may not.

    Attributes:
        name: of the file, without its ending.
        folds: how many.
        content: digest of what the file states; empty where stored results alone are read.
        file: what it states; None where stored results alone are read.

    Raises:
        InputError: a clip has no fold, a patient is in two, or a class is in one fold alone.
    """

    name: str
    folds: int
    content: str = ""
    file: FoldsFile | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of(cls, file: FoldsFile) -> "StatedFolds":
        """Take the folds of a file."""
        return cls(file.path.stem, len(file.labels), file.content, file)

    def split(self, clips: Clips, seed: int) -> Iterator[Fold]:
        """Yield the k folds of ``clips``."""
        part = _fold_numbers(clips, self._stated)
        _check(clips, part, self._stated)
        for number in range(self.folds):
            training = np.flatnonzero(part != number)
            patients, counts = count_by_patient(clips.take(training))
            held_out = patients[validation_patients(counts, np.random.default_rng([seed, number, 1]))]
            is_valid = np.isin(clips.patient[training], held_out)
            yield Fold(train=training[~is_valid], valid=training[is_valid], test=np.flatnonzero(part == number))

    def remark(self, clips: Clips) -> str:
        """State what the file names and the corpus lacks, and which folds lack a class; empty if nothing is lacking."""
        known = set(_matches(clips, self._stated).values())
        unknown = [name for name in self._stated.fold if name not in known]
        said = [
            f"{self._stated.path} states folds of {len(unknown)} {self._stated.column}s that are not in the corpus "
            f"({_some(unknown)}) beside those of {len(known)} that are; the former change nothing."
        ] * bool(unknown)
        part = _fold_numbers(clips, self._stated)
        for number, label in enumerate(self._stated.labels):
            if absent := _absent(clips, part == number):
                said.append(f"Fold {label} tests no clip of {' or '.join(absent)}, and is left out of the AUROC.")
        return " ".join(said)

    @property
    def _stated(self) -> FoldsFile:
        if self.file is None:
            raise InputError(f"the file of the folds {self.name} is not given; set --protocol folds and --folds <file>")
        return self.file


def _fold_numbers(clips: Clips, file: FoldsFile) -> Index:
    """(clips,) the number of the fold that tests each clip."""
    matches = _matches(clips, file)
    keys = _keys(clips, file.column)
    absent = sorted(set(keys) - matches.keys())
    if absent:
        raise InputError(
            f"{file.path} states no fold for {len(absent)} of the {len(set(keys))} {file.column}s of the corpus "
            f"({_some(absent)}); add a line for each, or leave them out of the corpus"
        )
    number = {label: i for i, label in enumerate(file.labels)}
    return np.array([number[file.fold[matches[key]]] for key in keys], dtype=np.int64)


def _keys(clips: Clips, column: str) -> list[str]:
    """What a file's names are compared with: the patient or the recording of each clip.

    Without a column of recordings, as in a manifest, the recording is the clip's name without its span.
    """
    if column == PATIENT:
        return [str(name) for name in clips.patient]
    if RECORDING in clips.meta:
        return clips.meta[RECORDING].astype(str).tolist()
    return [re.sub(r"@[\d.]+-([\d.]+|end)$", "", name) for name in clips.clip_id.tolist()]


def _matches(clips: Clips, file: FoldsFile) -> dict[str, str]:
    """Find the name in the file for each patient or recording of the corpus.

    Recordings are compared as they are called; what is left, without folder and ending; what is left then, without the
    device at the end of a name, on which ICBHI's files disagree.

    Raises:
        InputError: a name may mean several recordings, or a recording has several folds.
    """
    keys = _keys(clips, file.column)
    if file.column == PATIENT:
        return {key: key for key in set(keys) if key in file.fold}
    device = dict(zip(keys, clips.meta[DEVICE].astype(str), strict=True)) if DEVICE in clips.meta else {}

    def short(recording: str) -> str:
        return _plain(recording).removesuffix(f"_{device.get(recording, '')}")

    found: dict[str, str] = {}
    for of_recording, of_name in ((str, str), (_plain, _plain), (short, _plain), (short, _without_last_part)):
        recordings = defaultdict(list)
        for recording in sorted(set(keys) - found.keys()):
            recordings[of_recording(recording)].append(recording)
        left = sorted(file.fold.keys() - found.values())
        found |= _matched({name: recordings[of_name(name)] for name in left}, file)
    return found


def _matched(candidates: Mapping[str, list[str]], file: FoldsFile) -> dict[str, str]:
    """Turn names with the recordings that they may mean into recordings with their names."""
    found: dict[str, str] = {}
    for name, recordings in candidates.items():
        if len(recordings) > 1:
            raise InputError(
                f"{file.path}: {name} may be any of {len(recordings)} recordings of the corpus ({_some(recordings)}); "
                "write the whole name"
            )
        for recording in recordings:
            other = found.setdefault(recording, name)
            if file.fold[other] != file.fold[name]:
                raise InputError(
                    f"{file.path} puts recording {recording} into fold {file.fold[other]} as {other} and into fold "
                    f"{file.fold[name]} as {name}; keep one of the lines"
                )
    return found


def _plain(name: str) -> str:
    """Return the name of a recording without folder and ending."""
    return _ENDING.sub("", name.replace("\\", "/").rpartition("/")[2])


def _without_last_part(name: str) -> str:
    """Return the plain name of a recording without its last part."""
    return _plain(name).rpartition("_")[0]


def _check(clips: Clips, part: Index, file: FoldsFile) -> None:
    """Refuse folds that share a patient, or of which one has all clips of a class."""
    folds_of: dict[str, set[int]] = defaultdict(set)
    for patient, number in zip(clips.patient.tolist(), part.tolist(), strict=True):
        folds_of[patient].add(number)
    mixed = sorted(patient for patient, numbers in folds_of.items() if len(numbers) > 1)
    if mixed:
        raise InputError(
            f"{file.path} has recordings of {len(mixed)} patient{'s' * (len(mixed) > 1)} in several folds "
            f"({_some(mixed)}), who would be trained on and tested; put all recordings of a patient into one fold, or "
            "measure what such a leak is worth with the protocol random-5fold"
        )
    for number, label in enumerate(file.labels):
        if absent := _absent(clips, part != number):
            raise InputError(
                f"fold {label} of {file.path} holds all clips of {absent[0]!r} in this corpus, so that none is left to "
                "train on; use the whole corpus, another task, or folds that share every class"
            )


def _absent(clips: Clips, rows: NDArray[np.bool_]) -> list[str]:
    """The classes of which these clips have none."""
    present = set(clips.label[rows].tolist())
    return [name for i, name in enumerate(clips.classes) if i not in present]


def _some(names: list[str]) -> str:
    """Name the first few."""
    return ", ".join(names[:NAMED]) + ", …" * (len(names) > NAMED)
