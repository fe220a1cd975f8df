"""Nested tuning: a study for each model, repeat and outer fold, whose trials see only its training patients.

Optuna proposes (tree-structured Parzen estimator, Bergstra et al. 2011, NeurIPS 24). Trial 0 has the registry's default
parameters. Trials come in batches that run side by side; what one proposes depends on its number and on the trials of
earlier batches alone. So a study is the same whatever the number of workers, wherever it was interrupted, and however
many more trials it is given later. `benchmarks.tuning.choice` chooses among them.
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
from sklearn.metrics import roc_auc_score

from respbench.benchmarks.execution.evaluate import evaluate, hide_labels
from respbench.benchmarks.execution.timeout import OutOfTime
from respbench.benchmarks.storage.files import CannotWrite
from respbench.benchmarks.storage.records import TrialRecord, TrialState
from respbench.benchmarks.tuning.folds import inner_folds
from respbench.benchmarks.tuning.quiet import quiet_optuna
from respbench.corpora.clips import Clips
from respbench.corpora.digests import digest
from respbench.corpora.splits.folds import Fold, may_lack_classes
from respbench.models.spec import Model, ModelKind, ModelSpec, TrainedByEpoch

TUNED = "-tuned"
"""Ending of a tuned model's name; its record has the name without it, as ``untuned``."""

BATCH = 4
"""Trials of a study side by side, after trial 0."""

RANDOM = 5
"""Trials before the estimator is asked; until then parameters are drawn at random."""

WARM_UP = 4
"""Epochs in which no network is pruned."""


CIRCUMSTANCES = (OSError, MemoryError, CannotWrite, OutOfTime)
"""Exceptions that are not the fault of a trial, which may be tried again."""


REPEATS = 2
"""Shuffles of the inner folds in a confirmation, beside the one of the trials."""

REPEATS_BY_EPOCH = 1
"""The same for networks, whose training takes minutes."""


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
    """Whether a model has parameters to tune, and is not fixed as a published recipe."""
    return not spec.fixed and spec.kind != ModelKind.ENSEMBLE and hasattr(spec.module(), "space")


def batches(trials: int) -> Iterator[range]:
    """The numbers of the trials that run side by side."""
    if trials:
        yield range(1)
    for start in range(1, trials, BATCH):
        yield range(start, min(start + BATCH, trials))


def history_of(number: int, records: Sequence[TrialRecord]) -> tuple[TrialRecord, ...]:
    """Select the trials of earlier batches, which trial ``number`` follows."""
    known = 0 if number == 0 else 1 + (number - 1) // BATCH * BATCH
    return tuple(records[:known])


def key_of(study: Study, number: int, history: Sequence[TrialRecord]) -> str:
    """Identify a trial by its study, its number and the earlier trials that it followed."""
    known = [[record.state, record.parameters, record.value, record.curve] for record in history]
    return digest(
        [study.fingerprint, study.spec.name, str(study.seed), str(study.fold), str(number), json.dumps(known)]
    )


def run_trial(study: Study, number: int, history: Sequence[TrialRecord], clips: Clips, fold: Fold) -> TrialRecord:
    """Draw parameters and evaluate them on inner folds.

    Args:
        study: what it is part of.
        number: of the trial; 0 has the default parameters.
        history: the trials of earlier batches.
        clips: the task's, with labels.
        fold: the outer fold.

    Returns:
        The record, without ``key`` and ``seconds``; a trial that fails is recorded as failed.

    Raises:
        OSError, MemoryError, CannotWrite, OutOfTime: one of `CIRCUMSTANCES`.
    """
    drawn: dict[str, Any] = {}
    curve: list[float] = []
    values: list[float] = []
    seen: set[str] = set()
    state, value, error = TrialState.COMPLETE, None, ""
    try:
        trial = _ask(study, number, history)
        drawn = proposal(study.spec, number, trial)
        for inner in inner_folds(clips, fold, study.seed):
            seen |= patients_of(clips, inner)
            model = study.spec.build(study.seed, drawn["parameters"])
            if isinstance(model, TrainedByEpoch):
                model.on_epoch = _Watch(trial, clips.take(inner.test), curve)
            values.append(judge(study.spec, model, clips, inner))
            if isinstance(model, TrainedByEpoch):  # training takes minutes: one inner fold, the same in every trial
                break
        value = float(np.mean(values))
    except optuna.TrialPruned:
        state = TrialState.PRUNED
    except CIRCUMSTANCES:
        raise
    except Exception as failure:
        state, error = TrialState.FAILED, f"{type(failure).__name__}: {failure}"
    return TrialRecord(
        number=number,
        state=state,
        value=value,
        inner_values=tuple(values),
        curve=tuple(curve),
        patients=tuple(sorted(seen)),
        error=error,
        **drawn,
    )


def confirmation_key(study: Study, trial: TrialRecord) -> str:
    """Identify a confirmation by its study and the trial's parameters."""
    parts = (study.spec.name, study.seed, study.fold, "confirmation", trial.number, json.dumps(trial.parameters))
    return digest([study.fingerprint, *map(str, parts)])


def confirm(study: Study, trial: TrialRecord, clips: Clips, fold: Fold) -> TrialRecord:
    """Evaluate the parameters of a trial on fresh inner folds, the same for all trials of the study.

    Args:
        study: what the trial is part of.
        trial: completed.
        clips: the task's, with labels.
        fold: the outer fold, whose test patients stay out.

    Returns:
        A record with the number and parameters of the trial, without ``key`` and ``seconds``.

    Raises:
        OSError, MemoryError, CannotWrite, OutOfTime: one of `CIRCUMSTANCES`.
    """
    values: list[float] = []
    seen: set[str] = set()
    state, value, error = TrialState.COMPLETE, None, ""
    try:
        for repeat in range(1, REPEATS + 1):
            for inner in inner_folds(clips, fold, shuffle_of(study, repeat)):
                seen |= patients_of(clips, inner)
                model = study.spec.build(study.seed, trial.parameters)
                values.append(judge(study.spec, model, clips, inner))
            if isinstance(model, TrainedByEpoch) and repeat == REPEATS_BY_EPOCH:
                break
        value = float(np.mean(values))
    except CIRCUMSTANCES:
        raise
    except Exception as failure:
        state, error = TrialState.FAILED, f"{type(failure).__name__}: {failure}"
    return TrialRecord(
        number=trial.number,
        state=state,
        value=value,
        inner_values=tuple(values),
        parameters=trial.parameters,
        patients=tuple(sorted(seen)),
        error=error,
    )


def shuffle_of(study: Study, repeat: int) -> int:
    """Seed of the inner folds of a repeat; those of the trials, repeat 0, have the study's own seed."""
    return int(digest(["inner folds", str(study.seed), str(study.fold), str(repeat)]), 16) % 2**32


def patients_of(clips: Clips, fold: Fold) -> set[str]:
    """Everyone whose clips a fold uses."""
    parts = (fold.train, fold.valid, fold.test, fold.unlabeled)
    return {str(name) for rows in parts for name in clips.patient[rows]}


def judge(spec: ModelSpec, model: Model, clips: Clips, fold: Fold) -> float:
    """AUROC of a model on the test part of an inner fold, fitted on its training and validation parts."""
    return auroc_of(clips.take(fold.test), evaluate(model, clips, fold, unlabeled=spec.unlabeled).probabilities)


def auroc_of(clips: Clips, probabilities: NDArray[np.float64]) -> float:
    """AUROC; with more than two classes, the mean of one-versus-rest over the classes, or over those that are present.

    Raises:
        ValueError: the probabilities aren't finite, or a class lacks that may not, or all clips have the same class.
    """
    present, classes = np.unique(clips.label), len(clips.classes)
    if not np.isfinite(probabilities).all() or len(present) < (2 if may_lack_classes(clips) else classes):
        raise ValueError("the probabilities are not finite, or the inner test patients lack a class")
    positive = present if classes > 2 else [1]
    return float(np.mean([roc_auc_score(clips.label == one, probabilities[:, one]) for one in positive]))


def proposal(spec: ModelSpec, number: int, trial: optuna.Trial) -> dict[str, Any]:
    """Draw what a trial tries: parameters, suggested and distributions of its record.

    Trial 0 has the defaults; Optuna is given those that lie inside the space.
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
    """Records a network's AUROC after each epoch, and prunes a trial below the median of the earlier trials."""

    def __init__(self, trial: optuna.Trial, judged: Clips, curve: list[float]) -> None:
        self.trial, self.judged, self.curve = trial, judged, curve

    def __call__(self, epoch: int, probabilities: Any) -> None:
        self.curve.append(auroc_of(self.judged, probabilities(hide_labels(self.judged))))
        self.trial.report(self.curve[-1], epoch)
        if self.trial.should_prune():
            raise optuna.TrialPruned


def _ask(study: Study, number: int, history: Sequence[TrialRecord]) -> optuna.Trial:
    """Ask an Optuna study that holds the history for a trial."""
    seed = int(digest([str(study.seed), str(study.fold), str(number)]), 16) % 2**32
    sampler = optuna.samplers.TPESampler(n_startup_trials=RANDOM, seed=seed)
    pruner = optuna.pruners.MedianPruner(n_startup_trials=1, n_warmup_steps=WARM_UP)
    with quiet_optuna():
        known = optuna.create_study(direction="maximize", sampler=sampler, pruner=pruner)
        known.add_trials([_frozen(record) for record in history])
        return known.ask()


def _frozen(record: TrialRecord) -> FrozenTrial:
    """Convert a stored trial to Optuna's; a failed one counts as pruned before its first epoch."""
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
