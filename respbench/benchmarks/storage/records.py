"""The records that a run stores beside its predictions, as typed, versioned dataclasses."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from respbench.corpora.facts import CorpusFacts

SCHEMA_VERSION = 2
"""Version of the JSON that a `FitRecord` is stored as; a file of another version is never read as one."""

CLIP_METADATA = ("corpus", "recording", "device", "location", "mode")
"""The metadata that models get with test and unlabeled clips. A part of every fit's identity."""

SUBGROUP_METADATA = ("age", "sex", "native_rate")
"""Years, text, Hz: further metadata by which a report may divide patients, where the corpus has them. They are hidden
with the label, and a diagnosis is never stored."""

CurveRow = dict[str, int | float]
"""One epoch of a learning curve: ``epoch``, ``train_loss``, ``kept`` (0 or 1) and whatever else the model reports."""


@dataclass(frozen=True, order=True)
class FitKey:
    """Identify one fit in a results folder: one model, fitted once.

    Attributes:
        model: name in the registry, with ``-tuned`` for a tuned model.
        seed: number of the repeat, which decides folds and initial weights.
        fold: number of the fold.
    """

    model: str
    seed: int
    fold: int

    @property
    def stem(self) -> str:
        """Name of its files, without suffix: ``seed<k>-fold<j>``."""
        return f"seed{self.seed}-fold{self.fold}"


class TrialState(StrEnum):
    """How a trial ended."""

    COMPLETE = "complete"
    PRUNED = "pruned"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class TrialRecord:
    """One trial of a tuning study, or its confirmation: the same parameters on further inner folds.

    Attributes:
        number: of the trial; 0 has the default parameters.
        state: how it ended.
        value: AUROC on the inner test patients, the mean over inner folds; None unless complete.
        inner_values: AUROC on each inner fold; of a pruned or failed trial, on those that were finished. Empty in
            records of versions that stored the mean alone.
        parameters: those that differ from the defaults.
        suggested: what Optuna drew, by Optuna's names.
        distributions: what it was drawn from, as Optuna's JSON.
        curve: AUROC by epoch, where training is watched.
        patients: everyone whose clips the trial used.
        error: why it failed; empty otherwise.
        seconds: it took.
        key: identifies the trial, its study and the earlier trials that it followed (the confirmation, its study and
            parameters); only while the study goes on.
        retryable: whether circumstances (a killed worker, a timeout) ended it, so that the next run tries it again.
    """

    number: int
    state: TrialState = TrialState.COMPLETE
    value: float | None = None
    inner_values: tuple[float, ...] = ()
    parameters: dict[str, Any] = field(default_factory=dict)
    suggested: dict[str, Any] = field(default_factory=dict)
    distributions: dict[str, str] = field(default_factory=dict)
    curve: tuple[float, ...] = ()
    patients: tuple[str, ...] = ()
    error: str = ""
    seconds: float = 0.0
    key: str = ""
    retryable: bool = False


@dataclass(frozen=True, kw_only=True)
class FitRecord:
    """Everything stored about one fit besides its predictions.

    Attributes:
        schema_version: of the JSON; see `SCHEMA_VERSION`.
        fingerprint: identity of the fit; see `benchmarks.storage.identity`.
        model: name; with ``-tuned`` for a tuned model.
        kind: of the model, a value of `models.spec.ModelKind`.
        supervised_baseline: of a semi-supervised model, the same model without its unsupervised loss; else empty.
        source: paper or method that the model comes from.
        corpus: facts of the corpus.
        task: one of `corpora.choices.TASKS`.
        protocol: name.
        classes: names of the classes, in the order of the probability columns.
        seed: number of the repeat.
        fold: number of the fold.
        train_patients: whose clips were trained on with labels.
        valid_patients: whose clips chose epochs and the like.
        test_patients: whose clips were predicted.
        unlabeled_patients: whose clips were offered without labels.
        train_clips: number of clips of each part.
        versions: of Python and the numerical libraries.
        hardware: processor, cores, GPU.
        threads: of the fit.
        parameters: all parameters of the model.
        curve: learning curve, one row per epoch; empty for models without epochs.
        fit_seconds: s of the fit.
        tune_seconds: s of all trials and confirmations of the study together.
        predict_seconds: s of predicting the test clips.
        n_parameters: numbers that the fitted model keeps.
        peak_mb: MB, peak resident memory of the process during the fit.
        trials: of a tuned fit, its study.
        confirmations: of a tuned fit, the defaults and the best other trials on further inner folds, by which one of
            them was chosen; empty in records of versions that chose by the trials' values.
        chosen_trial: of a tuned fit, the number of the trial whose parameters it has; 0 = the defaults.
        untuned: of a tuned fit, the name of the same model with default parameters; else empty.
        members: of an ensemble, the digest of each member's predictions.
        folds_assumed: of predictions from outside, whether their file states no folds, so that those of the protocol
            were assumed. Of these predictions, patients and clips of training are unknown: those fields are empty.
        predictions_digest: digest of the file of predictions beside it.
    """

    schema_version: int = SCHEMA_VERSION
    fingerprint: str
    model: str
    kind: str
    supervised_baseline: str = ""
    source: str
    corpus: CorpusFacts
    task: str
    protocol: str
    classes: tuple[str, ...]
    seed: int
    fold: int
    train_patients: tuple[str, ...]
    valid_patients: tuple[str, ...]
    test_patients: tuple[str, ...]
    unlabeled_patients: tuple[str, ...]
    train_clips: int
    valid_clips: int
    test_clips: int
    unlabeled_clips: int
    versions: dict[str, str]
    hardware: str
    threads: int
    parameters: dict[str, Any]
    curve: tuple[CurveRow, ...]
    fit_seconds: float
    tune_seconds: float
    predict_seconds: float
    n_parameters: int
    peak_mb: float
    trials: tuple[TrialRecord, ...] = ()
    confirmations: tuple[TrialRecord, ...] = ()
    chosen_trial: int | None = None
    untuned: str = ""
    members: dict[str, str] = field(default_factory=dict)
    folds_assumed: bool = False
    predictions_digest: str = ""

    @property
    def seen_patients(self) -> frozenset[str]:
        """Everyone whose clips the fit used, with or without labels."""
        return frozenset((*self.train_patients, *self.valid_patients, *self.unlabeled_patients))
