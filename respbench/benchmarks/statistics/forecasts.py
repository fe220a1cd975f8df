"""Predictions as forecasts of one event, abnormal against normal, whatever the classes; what all pages about it share.

Functions take weights (rows, patients) as those of `benchmarks.statistics.metrics` do.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from respbench.benchmarks.statistics.intervals import (
    UNKNOWN_DIFFERENCE,
    Difference,
    Estimate,
    Scale,
    interval,
    leave_one_out,
)
from respbench.benchmarks.statistics.metrics import Floats, Ints, Predictions, auroc

Bools = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Forecasts:
    """Forecasts of one model and repeat, pooled over the folds.

    Attributes:
        probability: (clips,) of being abnormal.
        abnormal: (clips,) what was observed.
        called: (clips,) whether the most probable class is not ``normal``.
        right: (clips,) whether the most probable class is the clip's own.
        patient: (clips,) index into the columns of weights.
        fold: (clips,) which fold tested the clip.
        clip: (clips,) row in the table of the corpus' clips; empty = there is no such table.
        patients: number of patients.
    """

    probability: Floats
    abnormal: Bools
    called: Bools
    right: Bools
    patient: Ints
    fold: Ints
    clip: Ints
    patients: int

    @property
    def constant(self) -> bool:
        """Whether every fold has one probability for all of its clips, as `prior` has: nothing is ranked."""
        return all(np.ptp(self.probability[self.fold == fold]) == 0 for fold in np.unique(self.fold))

    def take(self, rows: Bools) -> "Forecasts":
        """Keep some clips and number their patients anew, so that an interval depends on these patients alone.

        Args:
            rows: (clips,) which to keep.
        """
        people, patient = np.unique(self.patient[rows], return_inverse=True)
        return Forecasts(
            probability=self.probability[rows],
            abnormal=self.abnormal[rows],
            called=self.called[rows],
            right=self.right[rows],
            patient=patient.astype(np.int64),
            fold=self.fold[rows],
            clip=self.clip[rows] if len(self.clip) else self.clip,
            patients=len(people),
        )

    def mean(self, values: Floats | Bools, weights: Floats, rows: Bools | None = None) -> Floats:
        """(rows of weights,) weighted mean of (clips,) values over ``rows`` of the clips, by default all.

        NaN where these have no weight.
        """
        kept = slice(None) if rows is None else rows
        owner = self.patient[kept]
        sums, counts = (np.bincount(owner, x, self.patients) for x in (values[kept], np.ones(len(owner))))
        with np.errstate(invalid="ignore"):
            mean: Floats = (weights @ sums) / (weights @ counts)
        return mean


Metric = Callable[[Forecasts, Floats], Floats]
"""From forecasts and weights (rows, patients) to values (rows,)."""


@dataclass(frozen=True, kw_only=True)
class Repeats:
    """The forecasts of one model in all its repeats.

    Attributes:
        seeds: of the repeats.
        forecasts: one per seed, of the same clips.
        draws: whether each repeat has drawn anew what is trained on, see `interval`.
    """

    seeds: tuple[int, ...]
    forecasts: tuple[Forecasts, ...]
    draws: bool = False

    @property
    def constant(self) -> bool:
        """Whether no repeat ranks anything."""
        return all(forecasts.constant for forecasts in self.forecasts)

    @property
    def weights(self) -> Floats:
        """(1 + patients, patients) of `leave_one_out`."""
        return leave_one_out(self.forecasts[0].patients)

    @property
    def pooled(self) -> Forecasts:
        """The forecasts of all repeats as if they were of one, each clip once per repeat."""
        names = ("probability", "abnormal", "called", "right", "patient", "fold", "clip")
        pooled = {name: np.concatenate([getattr(one, name) for one in self.forecasts]) for name in names}
        return Forecasts(**pooled, patients=self.forecasts[0].patients)

    def take(self, member: Bools) -> "Repeats":
        """Keep some clips of each repeat.

        Args:
            member: (rows of the table of clips,) which to keep.
        """
        return replace(self, forecasts=tuple(one.take(member[one.clip]) for one in self.forecasts))

    def estimate(self, metric: Metric, scale: Scale = "logit") -> Estimate:
        """Estimate a metric, averaged over the repeats, with its interval."""
        return self.interval([metric(forecasts, self.weights) for forecasts in self.forecasts], scale)

    def gain(self, reference: "Repeats", metric: Metric) -> Difference:
        """Estimate a metric minus that of a reference, on the repeats that both have; NaN where they share none."""
        pairs = [
            (own, reference.forecasts[reference.seeds.index(seed)])
            for seed, own in zip(self.seeds, self.forecasts, strict=True)
            if seed in reference.seeds
        ]
        if not pairs:
            return UNKNOWN_DIFFERENCE
        values = [metric(own, self.weights) - metric(other, self.weights) for own, other in pairs]
        return Difference(**vars(self.interval(values, "plain")))

    def interval(self, values: Sequence[Floats], scale: Scale) -> Estimate:
        """Estimate a metric from its values under `weights`, one array per repeat."""
        return interval(np.array(values), scale, self.draws)


def repeats_of(predictions: Mapping[int, Predictions], patients: int, draws: bool = False) -> Repeats:
    """See the predictions of a complete model, by seed, as forecasts of `abnormal`."""
    forecasts = tuple(forecasts_of(own, patients) for own in predictions.values())
    return Repeats(seeds=tuple(predictions), forecasts=forecasts, draws=draws)


def forecasts_of(predictions: Predictions, patients: int) -> Forecasts:
    """See the predictions of a model and repeat as forecasts of `abnormal`, the complement of ``normal``."""
    return Forecasts(
        probability=1 - predictions.probabilities[:, predictions.normal],
        abnormal=predictions.label != predictions.normal,
        called=predictions.decision != predictions.normal,
        right=predictions.decision == predictions.label,
        patient=predictions.patient,
        fold=predictions.fold,
        clip=np.empty(0, dtype=np.int64) if predictions.clip is None else predictions.clip,
        patients=patients,
    )


def auroc_in_folds(forecasts: Forecasts, weights: Floats) -> Floats:
    """(rows,) over all pairs of an abnormal and a normal clip of one fold; unlike a mean over folds, a fold in which a
    subgroup has few pairs counts little.
    """
    right, pairs = np.zeros((2, len(weights)))
    for fold in np.unique(forecasts.fold):
        rows = forecasts.fold == fold
        abnormal, patient = forecasts.abnormal[rows], forecasts.patient[rows]
        sides = (np.bincount(patient[side], minlength=forecasts.patients) for side in (abnormal, ~abnormal))
        count = np.prod([weights @ clips for clips in sides], axis=0)
        right += count * np.nan_to_num(auroc(forecasts.probability[rows], abnormal, patient, weights))
        pairs += count
    with np.errstate(invalid="ignore"):
        area: Floats = right / pairs
    return area


def score(forecasts: Forecasts, weights: Floats) -> Floats:
    """(rows,) mean of specificity and sensitivity, that is, the share of abnormal clips given their own class."""
    sides = (forecasts.abnormal, ~forecasts.abnormal)
    mean: Floats = np.mean([forecasts.mean(forecasts.right, weights, side) for side in sides], axis=0)
    return mean


def sensitivity(forecasts: Forecasts, weights: Floats) -> Floats:
    """(rows,) share of the abnormal clips that are called abnormal, of whatever class."""
    return forecasts.mean(forecasts.called, weights, forecasts.abnormal)
