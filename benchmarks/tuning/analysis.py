"""Analyze the stored studies of a tuned model: what was chosen, where in its space, and which parameters matter."""

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution, json_to_distribution
from optuna.importance import FanovaImportanceEvaluator
from optuna.trial import create_trial

from benchmarks.statistics.metrics import Floats
from benchmarks.statistics.results import ModelResults
from benchmarks.storage.records import TrialRecord, TrialState
from benchmarks.storage.store import StoredFit
from benchmarks.tuning.quiet import quiet_optuna

EDGE = 0.05
"""Of the width of a space: the best value may lie beyond an end that is as near."""

ENOUGH = 10
"""Completed trials of a study; too few don't determine the importance of several parameters."""

TREES = 16
"""Of the forest that importance is read from; a quarter of Optuna's number, since many studies are averaged."""


def trials_of(model: ModelResults) -> list[TrialRecord]:
    """The trials of all studies of a tuned model."""
    return [record for fit in model.fits for record in fit.record.trials]


def chosen(fit: StoredFit) -> TrialRecord:
    """The trial with the parameters of a tuned fit."""
    records = fit.record.trials
    return next(record for record in records if record.number == fit.record.chosen_trial)


def defaults_chosen(model: ModelResults) -> int:
    """In how many studies no trial was better than the defaults."""
    return sum(fit.record.chosen_trial == 0 for fit in model.fits)


def inner_auroc(model: ModelResults) -> tuple[float, float]:
    """AUROC on inner test patients of the defaults and of the chosen trials: means over studies with both.

    NaN where no study has them: the defaults may have failed.
    """
    pairs = [(fit.record.trials[0].value, chosen(fit).value) for fit in model.fits]
    known = np.array([pair for pair in pairs if pair[0] is not None])
    before, after = known.mean(axis=0).tolist() if len(known) else (np.nan, np.nan)
    return before, after


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


def _position(value: float, space: BaseDistribution) -> float:
    """Where a number lies between the ends of its space, 0 to 1; NaN for what is no number or has no choice."""
    if not isinstance(space, FloatDistribution | IntDistribution) or space.single():
        return np.nan
    value, low, high = np.log([value, space.low, space.high]) if space.log else (value, space.low, space.high)
    return float((value - low) / (high - low))
