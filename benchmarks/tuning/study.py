"""Nested tuning: a study for each model, seed and outer fold, whose trials see that fold's training patients alone.

Optuna proposes (tree-structured Parzen estimator, Bergstra et al. 2011, NeurIPS 24). Trial 0 has the registry's default
parameters, so that what is chosen is never worse than they are where it was chosen. Trials come in batches that run
side by side; what one proposes depends on its number and on the trials of earlier batches alone. So a study is the same
whatever the number of workers, wherever it was interrupted, and however many more trials it is given later.
"""

import json
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, distribution_to_json, json_to_distribution
from optuna.trial import FrozenTrial, create_trial

from benchmarks.execution.evaluate import evaluate, hide_labels
from benchmarks.execution.timeout import OutOfTime
from benchmarks.statistics.metrics import Predictions, auroc_over_folds
from benchmarks.storage.files import CannotWrite
from benchmarks.storage.records import TrialRecord, TrialState
from corpora.clips import Clips
from corpora.digests import digest
from corpora.splits.folds import Fold
from corpora.splits.leave_patients_out import LeavePatientsOut
from models.spec import Model, ModelKind, ModelSpec, TrainedByEpoch

TUNED = "-tuned"
"""What the name of a tuned model ends in; without it, the name is that of the model with its default parameters."""

INNER = LeavePatientsOut(4)
BATCH = 4
"""Trials of a study side by side, after trial 0."""

RANDOM = 5
"""Trials before the estimator is asked; until then parameters are drawn at random."""

WARM_UP = 4
"""Epochs in which no network is given up."""


@dataclass(frozen=True)
class Study:
    """What a trial is part of.

    Attributes:
        spec: the model.
        fingerprint: of everything that all its fits depend on.
        seed: of the outer folds.
        fold: the outer fold.
    """

    spec: ModelSpec
    fingerprint: str
    seed: int
    fold: int


def tuned_name(model: str) -> str:
    """Name the tuned variant of a model."""
    return model + TUNED


def tunable(spec: ModelSpec) -> bool:
    """Whether a model has parameters to tune, and may: some stand for what they are as they are."""
    return not spec.fixed and spec.kind != ModelKind.ENSEMBLE and hasattr(spec.module(), "space")


def batches(trials: int) -> Iterator[range]:
    """The numbers of the trials that run side by side."""
    if trials:
        yield range(1)
    for start in range(1, trials, BATCH):
        yield range(start, min(start + BATCH, trials))


def history_of(number: int, records: Sequence[TrialRecord]) -> tuple[TrialRecord, ...]:
    """What trial ``number`` knows: the trials of earlier batches, of those with numbers 0 to n."""
    known = 0 if number == 0 else 1 + (number - 1) // BATCH * BATCH
    return tuple(records[:known])


def key_of(study: Study, number: int, history: Sequence[TrialRecord]) -> str:
    """Tells a trial from the same one of another study, or after other trials."""
    known = [[record.state, record.parameters, record.value, record.curve] for record in history]
    return digest(
        [study.fingerprint, study.spec.name, str(study.seed), str(study.fold), str(number), json.dumps(known)]
    )


def inner_folds(clips: Clips, fold: Fold, seed: int) -> Iterator[Fold]:
    """An outer fold's training and validation patients, divided again, as rows of ``clips``; no test patient.

    ``test`` is the part by which trials are judged. Unlabeled clips stay what they are.
    """
    training = np.sort(np.concatenate([fold.train, fold.valid]))
    for inner in INNER.split(clips.take(training), seed):
        yield Fold(
            train=training[inner.train],
            valid=training[inner.valid],
            test=training[inner.test],
            unlabeled=fold.unlabeled,
        )


def run_trial(study: Study, number: int, history: Sequence[TrialRecord], clips: Clips, fold: Fold) -> TrialRecord:
    """One trial.

    Args:
        study: what it is part of.
        number: of the trial; 0 has the default parameters.
        history: the trials of earlier batches.
        clips: the task's, with labels.
        fold: the outer fold.

    Returns:
        number, state (``complete``, ``pruned`` or ``failed``), value (AUROC on the inner test patients), parameters
        (that differ from the defaults), suggested (what Optuna drew or knows, by its names), distributions (theirs),
        curve (AUROC by epoch, where training can be watched), patients (all that it met) and error (why it failed).
    """
    drawn: dict[str, Any] = {}
    curve: list[float] = []
    seen: set[str] = set()
    state, value, error = TrialState.COMPLETE, None, ""
    try:
        trial = _ask(study, number, history)
        drawn = proposal(study.spec, number, trial)
        values = []
        for inner in inner_folds(clips, fold, study.seed):
            seen |= {str(name) for rows in _parts(inner) for name in clips.patient[rows]}
            model = study.spec.build(study.seed, drawn["parameters"])
            if isinstance(model, TrainedByEpoch):
                model.on_epoch = _Watch(trial, clips.take(inner.test), curve)
            values.append(judge(study.spec, model, clips, inner))
            if isinstance(model, TrainedByEpoch):  # training takes minutes: one inner fold, the same in every trial
                break
        value = float(np.mean(values))
    except optuna.TrialPruned:
        state = TrialState.PRUNED
    except (OSError, MemoryError, CannotWrite, OutOfTime):  # not the trial's fault: it may be done again
        raise
    except Exception as failure:
        state, error = TrialState.FAILED, f"{type(failure).__name__}: {failure}"
    patients = tuple(sorted(seen))
    return TrialRecord(
        number=number, state=state, value=value, curve=tuple(curve), patients=patients, error=error, **drawn
    )


def best_of(records: Sequence[TrialRecord]) -> TrialRecord:
    """The complete trial with the highest value; of equal ones the first, which is the defaults' where they tie.

    Raises:
        ValueError: no trial was completed.
    """
    complete = [record for record in records if record.value is not None]
    if not complete:
        reasons = [record.error for record in records if record.error]
        raise ValueError(f"no trial of {len(records)} was completed; the first failed: {next(iter(reasons), 'pruned')}")
    return max(complete, key=lambda record: (record.value, -record.number))


def judge(spec: ModelSpec, model: Model, clips: Clips, fold: Fold) -> float:
    """AUROC of a model on the test part of an inner fold, fitted on its training and validation parts."""
    return auroc_of(clips.take(fold.test), evaluate(model, clips, fold, unlabeled=spec.unlabeled).probabilities)


def auroc_of(clips: Clips, probabilities: NDArray[np.float64]) -> float:
    """AUROC (for more than two classes, the mean of one against the rest) of the classes that are there.

    Raises:
        ValueError: it can't be told, since the probabilities aren't finite or a class has no clip.
    """
    zeros = np.zeros(len(clips), dtype=np.int64)
    predictions = Predictions(clips.label, np.asarray(probabilities, np.float64), zeros, zeros, clips.classes)
    value = float(auroc_over_folds(predictions, np.ones((1, 1)))[0])
    if not (np.isfinite(probabilities).all() and np.isfinite(value)):
        raise ValueError("the probabilities are not finite, or the inner test patients lack a class")
    return value


def proposal(spec: ModelSpec, number: int, trial: optuna.Trial) -> dict[str, Any]:
    """What a trial tries: parameters, suggested and distributions of its record.

    Of trial 0, the defaults, Optuna is told what lies inside the space.
    """
    drawn = json.loads(json.dumps(spec.space(trial)))  # as they are read back from the disk
    suggested, distributions = dict(trial.params), dict(trial.distributions)
    if number == 0:
        drawn, defaults = {}, spec.parameters()
        inside = [name for name in suggested if name in defaults and _lies_inside(defaults[name], distributions[name])]
        suggested = {name: defaults[name] for name in inside}
    texts = {name: distribution_to_json(distributions[name]) for name in suggested}
    return {"parameters": drawn, "suggested": suggested, "distributions": texts}


class _Watch:
    """Notes a network's AUROC after every epoch, and ends a trial that falls behind the median of those before it."""

    def __init__(self, trial: optuna.Trial, judged: Clips, curve: list[float]) -> None:
        self.trial, self.judged, self.curve = trial, judged, curve

    def __call__(self, epoch: int, probabilities: Any) -> None:
        self.curve.append(auroc_of(self.judged, probabilities(hide_labels(self.judged))))
        self.trial.report(self.curve[-1], epoch)
        if self.trial.should_prune():
            raise optuna.TrialPruned


def _parts(fold: Fold) -> tuple[NDArray[np.int64], ...]:
    return fold.train, fold.valid, fold.test, fold.unlabeled


def _ask(study: Study, number: int, history: Sequence[TrialRecord]) -> optuna.Trial:
    """A trial of an Optuna study that knows the history."""
    seed = int(digest([str(study.seed), str(study.fold), str(number)]), 16) % 2**32
    sampler = optuna.samplers.TPESampler(n_startup_trials=RANDOM, seed=seed)
    pruner = optuna.pruners.MedianPruner(n_startup_trials=1, n_warmup_steps=WARM_UP)
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        known = optuna.create_study(direction="maximize", sampler=sampler, pruner=pruner)
        known.add_trials([_frozen(record) for record in history])
        return known.ask()
    finally:
        optuna.logging.set_verbosity(level)


def _frozen(record: TrialRecord) -> FrozenTrial:
    """A stored trial as Optuna has it; of one that failed, that it is the worst, or it would be proposed again."""
    complete = record.state == TrialState.COMPLETE
    return create_trial(
        state=optuna.trial.TrialState.COMPLETE if complete else optuna.trial.TrialState.PRUNED,
        value=record.value,
        params=record.suggested,
        distributions={name: json_to_distribution(text) for name, text in record.distributions.items()},
        intermediate_values={} if record.state == TrialState.FAILED else dict(enumerate(record.curve)),
    )


def _lies_inside(value: Any, distribution: BaseDistribution) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            create_trial(value=0.0, params={"it": value}, distributions={"it": distribution})
        except (ValueError, TypeError):
            return False
    return True
