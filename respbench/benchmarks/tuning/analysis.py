"""Analyze the stored studies of a tuned model: what was chosen, where in its space, and which parameters matter."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution, json_to_distribution
from optuna.importance import FanovaImportanceEvaluator
from optuna.trial import create_trial

from respbench.benchmarks.statistics.metrics import Floats, Predictions, auroc_over_folds
from respbench.benchmarks.statistics.results import ModelResults
from respbench.benchmarks.storage.records import TrialRecord, TrialState
from respbench.benchmarks.storage.store import StoredFit
from respbench.benchmarks.tuning.choice import ConfirmedGain, confirmed_gains
from respbench.benchmarks.tuning.quiet import quiet_optuna

EDGE = 0.05
"""Of the width of a space: the best value may lie beyond an end that is as near."""

ENOUGH = 10
"""Completed trials of a study; too few don't determine the importance of several parameters."""

TREES = 16
"""Of the forest that importance is read from; a quarter of Optuna's number, since many studies are averaged."""


def trials_of(model: ModelResults) -> list[TrialRecord]:
    """The trials of all studies of a tuned model."""
    return [record for fit in model.fits for record in fit.record.trials]


def confirmations_of(model: ModelResults) -> list[TrialRecord]:
    """The confirmations of all studies of a tuned model."""
    return [record for fit in model.fits for record in fit.record.confirmations]


def chosen(fit: StoredFit) -> TrialRecord:
    """The trial with the parameters of a tuned fit."""
    records = fit.record.trials
    return next(record for record in records if record.number == fit.record.chosen_trial)


def defaults_chosen(model: ModelResults) -> int:
    """In how many studies the defaults were kept."""
    return sum(fit.record.chosen_trial == 0 for fit in model.fits)


@dataclass(frozen=True, kw_only=True)
class InnerGain:
    """By how much the best trial of a study beside the defaults is above them in inner AUROC; means over studies.

    Attributes:
        found: on the inner folds on which it was the best of all trials. NaN where no study has both.
        fresh: of the same trial, on the inner folds of its confirmation. NaN where there are no confirmations.
        error: standard error of ``fresh`` in one study, see `corrected_error`; NaN where there are none.
    """

    found: float
    fresh: float
    error: float


def inner_gain(model: ModelResults) -> InnerGain:
    """Compare the best trial of each study with the defaults, where it was found and on fresh inner folds."""
    found, fresh = [], []
    for fit in model.fits:
        defaults, *others = fit.record.trials
        best = max((trial for trial in others if trial.value is not None), key=_value, default=None)
        if best is None or defaults.value is None:
            continue
        found.append(_value(best) - defaults.value)
        gains = {gain.number: gain for gain in confirmed_gains(fit.record.confirmations)}
        if best.number in gains:
            fresh.append((gains[best.number].mean, gains[best.number].error))
    mean, error = np.mean(fresh, axis=0).tolist() if fresh else (np.nan, np.nan)
    return InnerGain(found=float(np.mean(found)) if found else np.nan, fresh=mean, error=error)


def largest_confirmed_gain(fit: StoredFit) -> ConfirmedGain | None:
    """Of the confirmed challengers of a study the one with the largest mean gain; None where there is none."""
    return max(confirmed_gains(fit.record.confirmations), key=lambda gain: (gain.mean, -gain.number), default=None)


def outer_gains(model: ModelResults, reference: ModelResults) -> dict[tuple[int, int], float]:
    """AUROC of a complete model minus that of another in each outer fold, by repeat and fold; NaN where undefined."""
    gains: dict[tuple[int, int], float] = {}
    for seed in sorted(set(model.predictions) & set(reference.predictions)):
        one, other = (_auroc_by_fold(each.predictions[seed]) for each in (model, reference))
        gains |= {(seed, fold): value - other[fold] for fold, value in one.items()}
    return gains


def without_extreme(gains: Sequence[float]) -> float:
    """Mean of the defined gains without the one farthest from their median; NaN for fewer than two."""
    known = np.array([gain for gain in gains if np.isfinite(gain)])
    if len(known) < 2:
        return np.nan
    extreme = np.abs(known - np.median(known)).argmax()
    return float(np.delete(known, extreme).mean())


def best_so_far(model: ModelResults) -> Floats:
    """(trials,) inner AUROC of the best trial up to each one, minus that of the defaults; the mean over studies.

    Empty where the defaults failed in every study.
    """
    values = [[record.value for record in fit.record.trials] for fit in model.fits]
    known = np.array([study for study in values if study[0] is not None], dtype=np.float64)  # None becomes NaN
    if not len(known):
        return np.empty(0)
    best: Floats = np.fmax.accumulate(known, axis=1) - known[:, :1]
    mean: Floats = best.mean(axis=0)
    return mean


def at_the_edge(model: ModelResults) -> Counter[tuple[str, str]]:
    """In how many studies a number that was chosen lies at an end of its space: (parameter, ``lower`` or ``upper``).

    The defaults don't count: they were not drawn from the space.
    """
    found: Counter[tuple[str, str]] = Counter()
    for record in (chosen(fit) for fit in model.fits):
        for name, value in record.suggested.items() if record.number else ():
            position = _position(value, json_to_distribution(record.distributions[name]))
            if position < EDGE or position > 1 - EDGE:
                found[name, "lower" if position < EDGE else "upper"] += 1
    return found


def importances(model: ModelResults) -> dict[str, list[float]]:
    """How much of what the inner AUROC varies by is due to each parameter alone, in every study with enough trials.

    Functional analysis of variance by a random forest (Hutter, Hoos & Leyton-Brown 2014, ICML), over the completed
    trials of a study, and of the parameters that all of them have. Studies with fewer than `ENOUGH` are left out. The
    shares of a study sum to less than 1: the rest is due to several parameters at once.
    """
    found = defaultdict(list)
    for fit in model.fits:
        for name, share in _importances(fit.record.trials).items():
            found[name].append(share)
    return dict(sorted(found.items(), key=lambda item: (-float(np.mean(item[1])), item[0])))


def _importances(records: Sequence[TrialRecord]) -> dict[str, float]:
    """Importances of one study, without the defaults, which may lie outside the space; empty if unknown."""
    complete = [record for record in records if record.state == TrialState.COMPLETE and record.number]
    shared = sorted(set.intersection(*(set(record.suggested) for record in complete))) if complete else []
    if len(complete) < ENOUGH or not shared or len({record.value for record in complete}) == 1:
        return {}
    with quiet_optuna():
        study = optuna.create_study(direction="maximize")
        for record in complete:
            texts = record.distributions
            spaces = {name: json_to_distribution(text) for name, text in texts.items()}
            study.add_trial(create_trial(value=record.value, params=record.suggested, distributions=spaces))
        shares = FanovaImportanceEvaluator(n_trees=TREES, seed=0).evaluate(study)
    return {name: float(share) for name, share in shares.items()}


def _value(record: TrialRecord) -> float:
    return np.nan if record.value is None else record.value


def _auroc_by_fold(predictions: Predictions) -> dict[int, float]:
    weights = np.ones((1, int(predictions.patient.max()) + 1))
    folds = {int(fold): predictions.fold == fold for fold in np.unique(predictions.fold)}
    return {fold: float(auroc_over_folds(_part(predictions, rows), weights)[0]) for fold, rows in folds.items()}


def _part(predictions: Predictions, rows: NDArray[np.bool_]) -> Predictions:
    return Predictions(
        predictions.label[rows],
        predictions.probabilities[rows],
        predictions.patient[rows],
        predictions.fold[rows],
        predictions.classes,
    )


def _position(value: float, space: BaseDistribution) -> float:
    """Where a number lies between the ends of its space, 0 to 1; NaN for what is no number or has no choice."""
    if not isinstance(space, FloatDistribution | IntDistribution) or space.single():
        return np.nan
    value, low, high = np.log([value, space.low, space.high]) if space.log else (value, space.low, space.high)
    return float((value - low) / (high - low))
