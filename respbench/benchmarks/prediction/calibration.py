"""Calibrate class probabilities on out-of-fold predictions, and show how far the calibrated ones hold.

The calibrated probability of a class is proportional to ``exp(bias) * p ** slope``, with one slope and a bias per
class: Platt scaling (1999) for two classes, bias-corrected temperature scaling for more (Alexandari et al. 2020, ICML).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from respbench.benchmarks.statistics.intervals import interval, leave_one_out

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BINS = 10
"""Of the reliability figure, with equal numbers of clips."""

SMALLEST = 1e-6
"""Probabilities are kept this far from 0 and 1, which have no logit."""

RIDGE = 1e-6
"""Penalty on the parameters, so that they are finite where a model separates the classes completely."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """A map from the probabilities of a model to calibrated ones.

    Attributes:
        slope: at least 0; 0 = the model is of no use, and every clip gets the base rate.
        bias: (classes,) the first one is 0.
    """

    slope: float
    bias: Floats

    def __call__(self, probabilities: Floats) -> Floats:
        """(clips, classes) to the same shape; rows sum to 1."""
        calibrated: Floats = softmax(self.slope * _logs(probabilities) + self.bias, axis=1)
        return calibrated


@dataclass(frozen=True, kw_only=True)
class OutOfFold:
    """Predictions of the clips of a corpus by models that were not fitted to their patients.

    Attributes:
        probabilities: (clips, classes).
        label: (clips,).
        patient: (clips,) number of each clip's patient, from 0 on.
        fold: (clips,).
    """

    probabilities: Floats
    label: Ints
    patient: Ints
    fold: Ints

    @property
    def patients(self) -> int:
        """Number of patients."""
        return int(self.patient.max()) + 1

    @property
    def base_rates(self) -> Floats:
        """(classes,) share of each class."""
        shares: Floats = np.bincount(self.label, minlength=self.probabilities.shape[1]) / len(self.label)
        return shares

    def calibration(self) -> Calibration:
        """Fit the map to all folds."""
        return calibrate(self.probabilities, self.label)

    def cross_calibrated(self) -> Floats:
        """(clips, classes): each fold calibrated on the other ones, so that no patient calibrates his own clips."""
        calibrated = np.empty_like(self.probabilities)
        for fold in np.unique(self.fold):
            own = self.fold == fold
            calibrated[own] = calibrate(self.probabilities[~own], self.label[~own])(self.probabilities[own])
        return calibrated


def calibrate(probabilities: Floats, label: Ints) -> Calibration:
    """Fit the map by maximum likelihood.

    Args:
        probabilities: (clips, classes).
        label: (clips,).
    """
    logs, classes = _logs(probabilities), probabilities.shape[1]
    truth = np.eye(classes)[label]

    def loss(parameters: Floats) -> tuple[float, Floats]:
        slope, bias = parameters[0], np.concatenate([[0.0], parameters[1:]])
        scores = slope * logs + bias
        residual = (softmax(scores, axis=1) - truth) / len(label)
        value = -(log_softmax(scores, axis=1) * truth).sum() / len(label) + RIDGE * parameters @ parameters
        gradient = np.concatenate([[(residual * logs).sum()], residual.sum(axis=0)[1:]])
        return float(value), gradient + 2 * RIDGE * parameters

    start = np.concatenate([[1.0], np.zeros(classes - 1)])
    bounds = [(0.0, None), *[(None, None)] * (classes - 1)]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-14, "gtol": 1e-9})
    return Calibration(slope=float(found.x[0]), bias=np.concatenate([[0.0], found.x[1:]]))


def reliability(probability: Floats, event: NDArray[np.bool_], patient: Ints) -> Floats:
    """Compare stated and observed shares, in bins of equal numbers of clips.

    Args:
        probability: (clips,) of an event.
        event: (clips,) whether it is so.
        patient: (clips,) number of each clip's patient.

    Returns:
        (bins, 5): mean probability, observed share, lower and upper end of its 95 % interval over patients (see
        `benchmarks.statistics.intervals`; NaN where fewer than two patients can be left out), clips.
    """
    edges = np.unique(np.quantile(probability, np.arange(1, BINS) / BINS, method="inverted_cdf"))
    place = np.unique(np.searchsorted(edges, probability, side="left"), return_inverse=True)[1]
    bins, patients = int(place.max()) + 1, int(patient.max()) + 1
    clips, events = np.zeros((2, patients, bins))
    np.add.at(clips, (patient, place), 1)
    np.add.at(events, (patient, place), event)
    weights = leave_one_out(patients)
    with np.errstate(invalid="ignore"):  # of a bin with clips of one patient alone, nothing is left without it
        shares = (weights @ events) / (weights @ clips)
    found = [interval(shares[None, :, number], "logit") for number in range(bins)]
    stated = np.bincount(place, probability) / clips.sum(axis=0)
    return np.array(
        [
            (mean, one.value, one.low, one.high, count)
            for mean, one, count in zip(stated, found, clips.sum(axis=0), strict=True)
        ]
    )


def brier(probabilities: Floats, label: Ints) -> float:
    """Mean over clips of the squared error, over two classes that of one of them (Brier 1950)."""
    truth = np.eye(probabilities.shape[1])[label]
    return float(((probabilities - truth) ** 2).sum(axis=1).mean() / 2)


def _logs(probabilities: Floats) -> Floats:
    logs: Floats = np.log(np.clip(probabilities, SMALLEST, 1 - SMALLEST))
    return logs
