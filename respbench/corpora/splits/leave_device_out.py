"""`LeaveDeviceOut`: every stethoscope is tested by models that were trained on patients recorded with other ones."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from respbench.corpora.clips import Clips
from respbench.corpora.problems import InputError
from respbench.corpora.splits.balance import count_by_patient, validation_patients
from respbench.corpora.splits.folds import Fold, Index

DEVICE = "device"
"""The metadata column that folds are made of."""


@dataclass(frozen=True)
class LeaveDeviceOut:
    """One fold per device, in the order of their names: its clips are the test part.

    Every clip is in the test part of exactly one fold. Patients who have any clip of the tested device leave the
    training part altogether, so that a patient recorded with two devices is never on both sides; such a patient's other
    clips are in no part of the fold. Validation patients are cut from the training patients as `LeavePatientsOut` cuts
    them; the seed decides nothing else. A device without clips of some class stays a fold.

    Attributes:
        folds: None, since the corpus decides their number.
        divided_by: the column that decides it.

    Raises:
        InputError: the devices are unknown, there is only one, or what is left to train on lacks a class, or a patient
            to spare for validation.
    """

    folds: ClassVar[None] = None
    divided_by: ClassVar[str] = DEVICE

    def split(self, clips: Clips, seed: int) -> Iterator[Fold]:
        """Yield one fold per device of ``clips``."""
        device = _devices(clips)
        for number, name in enumerate(np.unique(device)):
            test = np.flatnonzero(device == name)
            training = np.flatnonzero(~np.isin(clips.patient, clips.patient[test]))
            held_out = _validation(clips, training, str(name), np.random.default_rng([seed, number, 1]))
            is_valid = np.isin(clips.patient[training], held_out)
            yield Fold(train=training[~is_valid], valid=training[is_valid], test=test)


def _devices(clips: Clips) -> NDArray[np.str_]:
    """The device of each clip."""
    if DEVICE not in clips.meta:
        raise InputError(
            f"the corpus states no device, so that none can be left out; add a column {DEVICE!r} to its manifest, or "
            "choose the protocol patients-5fold"
        )
    device = clips.meta[DEVICE]
    unknown = np.flatnonzero(device.isna() | (device.astype(str).str.strip() == ""))
    if len(unknown):
        raise InputError(
            f"clip {clips.clip_id[unknown[0]]} states no device, as do {len(unknown) - 1} others; state it in the "
            f"column {DEVICE!r}, or choose the protocol patients-5fold"
        )
    names = device.astype(str).to_numpy(np.str_)
    if len(np.unique(names)) < 2:
        raise InputError(
            f"all clips were recorded with one device, {names[0] if len(names) else 'none'}, so that none is left to "
            "train on; choose the protocol patients-5fold"
        )
    return names


def _validation(clips: Clips, training: Index, device: str, rng: np.random.Generator) -> NDArray[np.str_]:
    """Choose the validation patients of the fold that tests ``device``."""
    patients, counts = count_by_patient(clips.take(training))
    remedy = "add patients recorded with other devices, or choose the protocol patients-5fold"
    if len(patients) < 2:
        raise InputError(
            f"without the patients of the device {device}, {len(patients)} patient{'s' * (len(patients) != 1)} "
            f"{'are' if len(patients) != 1 else 'is'} left to train and validate on; {remedy}"
        )
    absent = np.flatnonzero(counts.sum(axis=0) == 0)
    if len(absent):
        raise InputError(
            f"without the patients of the device {device}, no clip of {clips.classes[absent[0]]!r} is left to train "
            f"on; {remedy}"
        )
    return patients[validation_patients(counts, rng)]
