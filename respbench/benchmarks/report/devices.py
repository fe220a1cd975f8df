"""The page about devices left out: each model on each stethoscope, trained on patients recorded with others."""

from dataclasses import dataclass, replace

import numpy as np

from respbench.benchmarks.statistics.intervals import FEWEST, Estimate, estimate_of
from respbench.benchmarks.statistics.metrics import Predictions, auroc_over_folds
from respbench.benchmarks.statistics.results import ModelResults, Results
from respbench.corpora.protocol import Kind
from respbench.corpora.splits.leave_device_out import DEVICE

FEW_PATIENTS = 10
"""Below, one patient more or less may change the AUROC of a device altogether."""


@dataclass(frozen=True, kw_only=True)
class Device:
    """One device: its fold, whom it recorded, and what is lacking.

    Attributes:
        name: of the device.
        fold: number of the fold that tests it.
        patients: number of patients with a clip of it.
        clips: number of clips by class.
        training: number of training patients, without validation, by the first fit of its fold.
    """

    name: str
    fold: int
    patients: int
    clips: dict[str, int]
    training: int

    @property
    def lacking(self) -> tuple[str, ...]:
        """Classes without a clip: there is no AUROC then."""
        return tuple(name for name, count in self.clips.items() if not count)


@dataclass(frozen=True, kw_only=True)
class Devices:
    """What the page shows: the devices in the order of their folds, and one row per model."""

    devices: tuple[Device, ...]
    rows: list[list[object]]
    few_patients: int = FEW_PATIENTS

    @property
    def few(self) -> tuple[str, ...]:
        """The devices of fewer than ``few_patients`` patients."""
        return tuple(device.name for device in self.devices if device.patients < self.few_patients)


def devices(results: Results) -> Devices | None:
    """Compute the AUROC of each model on each device; None under another protocol, or if no clips are stored."""
    found = tested_devices(results)
    if not found:
        return None
    rows: list[list[object]] = [
        [model.name, *(auroc_on(model, device.fold) for device in found), model.estimate("auroc")]
        for model in results.complete
    ]
    return Devices(devices=found, rows=rows)


def tested_devices(results: Results) -> tuple[Device, ...]:
    """Find the device that each fold tests; empty under another protocol, or if no clips are stored."""
    if results.protocol.kind is not Kind.DEVICES or results.clips is None:
        return ()
    device_of = dict(zip(results.clips["clip_id"], results.clips[DEVICE], strict=True))
    found: dict[int, Device] = {}
    for fit in results.fits:
        if fit.key.fold not in found or not found[fit.key.fold].training:
            labels = fit.predictions["label"].tolist()
            found[fit.key.fold] = Device(
                name=str(device_of[fit.predictions["clip_id"].iloc[0]]),
                fold=fit.key.fold,
                patients=fit.predictions["patient"].nunique(),
                clips={name: labels.count(name) for name in results.classes},
                training=len(fit.record.train_patients),
            )
    return tuple(found[fold] for fold in sorted(found))


def auroc_on(model: ModelResults, fold: int) -> Estimate:
    """Compute the AUROC of a complete model on the clips of one fold, with its interval over the fold's patients.

    Without an interval where fewer than `FEWEST` patients have clips of a class.
    """
    parts = [_of_fold(predictions, fold) for predictions in model.predictions.values()]
    first = parts[0]
    found = estimate_of(parts, auroc_over_folds, 1 + int(first.patient.max()), draws=model.draws)
    having = [len(np.unique(first.patient[first.label == label])) for label in range(len(first.classes))]
    return replace(found, low=np.nan, high=np.nan) if min(having) < FEWEST else found


def _of_fold(predictions: Predictions, fold: int) -> Predictions:
    """The clips of one fold, with its patients numbered anew: who isn't in it is no evidence about it."""
    rows = predictions.fold == fold
    return replace(
        predictions,
        label=predictions.label[rows],
        probabilities=predictions.probabilities[rows],
        patient=np.unique(predictions.patient[rows], return_inverse=True)[1],
        fold=predictions.fold[rows],
        clip=None,
        groups={},
    )
