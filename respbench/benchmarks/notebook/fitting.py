"""Fit a model on a fold and evaluate it, as a run of the benchmark does."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from respbench.benchmarks.execution import evaluate as execution
from respbench.benchmarks.notebook.evaluation import Evaluation
from respbench.corpora.clips import HIDDEN, Clips
from respbench.corpora.problems import InputError
from respbench.corpora.splits.folds import Fold, shared_patients
from respbench.corpora.splits.seen_classes import SeenClasses
from respbench.features.threads import one_thread
from respbench.models.selection import find, from_file
from respbench.models.spec import Model, ModelSpec

MEMBERS = ("fit", "predict_proba", "n_parameters")
"""What a model of the user's own needs, see `models.spec.Model`."""


@dataclass(frozen=True, eq=False)
class FittedModel:
    """A model that was fitted on a fold.

    Attributes:
        name: of the model.
        model: the fitted model itself, such as a network in its attribute ``network``.
        clips: that it was fitted to, of which ``fold`` gives the rows.
        fold: the fold.
        curve: learning curve, one row per epoch; empty for models without epochs.
        fit_seconds: s of fitting.
        n_parameters: numbers that the fitted model keeps.
    """

    name: str
    model: Model = field(repr=False)
    clips: Clips = field(repr=False)
    fold: Fold = field(repr=False)
    curve: pd.DataFrame = field(repr=False)
    fit_seconds: float
    n_parameters: int
    _tested: NDArray[np.float64] = field(repr=False)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the columns of `predict_proba`."""
        return self.clips.classes

    def predict_proba(self, clips: Clips) -> NDArray[np.float64]:
        """Predict clips, whose labels are hidden from the model.

        Returns:
            (clips, classes) float64, rows sum to 1.

        Raises:
            InputError: the clips have other classes or another sampling rate than those that the model was fitted to.
        """
        if (clips.classes, clips.rate) != (self.clips.classes, self.clips.rate):
            raise InputError(
                f"{self.name} was fitted to the classes {', '.join(self.classes)} at {self.clips.rate} Hz, and can't "
                f"predict {', '.join(clips.classes)} at {clips.rate} Hz; open the corpus for the same task and rate"
            )
        seen = SeenClasses.of(self.clips, self.fold.train)
        with one_thread():
            hidden = seen.restrict(execution.hide_labels(clips))
            return seen.expand(np.asarray(self.model.predict_proba(hidden), dtype=np.float64))


def fit(
    model: str | Path | ModelSpec | Model,
    clips: Clips,
    fold: Fold,
    *,
    seed: int = 0,
    **parameters: Any,
) -> FittedModel:
    """Fit a model on the training patients of a fold; its epoch, if it has any, is chosen on the validation patients.

    Args:
        model: the name of an entry of the registry (see ``respbench list``), the path of a model file, or an unfitted
            model of your own with ``fit``, ``predict_proba`` and ``n_parameters`` (see `models.spec.Model`), which gets
            the unlabeled clips if it has the attribute ``unlabeled = True``.
        clips: of a task, with labels.
        fold: rows of them, see `folds`.
        seed: decides everything random in the model, such as initial weights.
        parameters: those that differ from the defaults of the model's ``build``, such as ``epochs=2`` of a network.

    Raises:
        InputError: there is no such model, it has no such parameter, or it doesn't take such clips; or rows of the fold
            are not rows of the clips, or have no label.
        ValueError: what it predicts are not probabilities.

    Example:
        >>> model = respbench.fit("cnn", clips, folds[0], seed=0, epochs=2)
        >>> model.curve[["epoch", "train_loss", "valid_loss"]]
    """
    spec = _spec(model)
    _check(clips, fold)
    unfitted = (
        _unfitted(cast(Model, model), seed, parameters) if spec is None else _build(spec, clips, seed, parameters)
    )
    unlabeled = spec.unlabeled if spec else bool(getattr(model, "unlabeled", False))
    result = execution.evaluate(unfitted, clips, fold, unlabeled=unlabeled)
    return FittedModel(
        name=spec.name if spec else type(model).__name__,
        model=unfitted,
        clips=clips,
        fold=fold,
        curve=pd.DataFrame(list(result.curve)),
        fit_seconds=result.fit_seconds,
        n_parameters=result.n_parameters,
        _tested=result.probabilities,
    )


def evaluate(model: FittedModel, clips: Clips, fold: Fold) -> Evaluation:
    """Evaluate a fitted model on the test clips of a fold, of which it gets the labels of none.

    Args:
        model: fitted.
        clips: with labels.
        fold: rows of them; usually the fold that the model was fitted on.

    Raises:
        InputError: the model was fitted to some of the test clips, or some have no label.
    """
    test = clips.take(fold.test)
    if (test.label == HIDDEN).any():
        raise InputError("some test clips have no label, so that nothing can be evaluated on them; use predict_proba")
    seen = model.clips.take(np.concatenate([model.fold.train, model.fold.valid, model.fold.unlabeled]))
    known = np.intersect1d(seen.clip_id, test.clip_id)
    if len(known):
        raise InputError(
            f"{model.name} was fitted to {len(known)} of the test clips, such as {known[0]}; evaluate it on the fold "
            "that it was fitted on"
        )
    same = clips is model.clips and fold is model.fold
    return Evaluation(
        model=model.name,
        clips=test,
        by_repeat=(model._tested if same else model.predict_proba(test))[None],
        fold=np.zeros((1, len(test)), dtype=np.int64),
        warning=_warning(model, clips, fold),
    )


def _warning(model: FittedModel, clips: Clips, fold: Fold) -> str:
    """What is wrong with an evaluation, in a sentence."""
    if clips is not model.clips:
        return ""
    shared = shared_patients(clips, [replace(model.fold, test=fold.test)])
    return f"LEAKY: {len(shared)} of the tested patients were trained on, too." if shared else ""


def _check(clips: Clips, fold: Fold) -> None:
    """Refuse what is no fold, rows that are not there, or that nothing can be learned from."""
    if not isinstance(fold, Fold):
        raise InputError(f"a fold is needed, not a {type(fold).__name__}; give one of folds(), such as folds(clips)[0]")
    labeled = np.concatenate([fold.train, fold.valid])
    if max(rows.max(initial=-1) for rows in (labeled, fold.test, fold.unlabeled)) >= len(clips):
        raise InputError(f"the fold is of other clips: it has rows beyond the {len(clips)} given; make it with folds()")
    if not len(fold.train) or (clips.label[labeled] == HIDDEN).any():
        raise InputError("training or validation clips have no label, or there are none; make the fold with folds()")


def _build(spec: ModelSpec, clips: Clips, seed: int, parameters: dict[str, Any]) -> Model:
    if clips.modality not in spec.modalities:
        raise InputError(f"{spec.name} takes no clips of {clips.modality}; choose another model (see `respbench list`)")
    unknown = sorted(parameters.keys() - spec.parameters().keys())
    if unknown:
        raise InputError(f"{spec.name} has no parameter {unknown[0]!r}; it has {', '.join(spec.parameters())}")
    return spec.build(seed, parameters)


def _unfitted(model: Model, seed: int, parameters: dict[str, Any]) -> Model:
    if seed or parameters:
        raise InputError("a model that is built already takes neither seed nor parameters; set them when you build it")
    return model


def _spec(model: str | Path | ModelSpec | Model) -> ModelSpec | None:
    """The entry of a model; None if it is a model itself."""
    if isinstance(model, ModelSpec):
        return model
    if not isinstance(model, str | Path) and not all(hasattr(model, name) for name in MEMBERS):
        raise InputError(
            f"a model is named, like 'svm', or is a file, or an object with {', '.join(MEMBERS)}; got {model!r}"
        )
    if isinstance(model, Path) or (isinstance(model, str) and model.endswith(".py")):
        return from_file(Path(model))
    return find(model)[0] if isinstance(model, str) else None
