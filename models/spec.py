"""What a model is to the suite: the interface every entry has, and the entry of the registry that builds it."""

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, Self

import numpy as np
import optuna
from numpy.typing import NDArray

from corpora.clips import Clips
from corpora.fingerprint import code_fingerprint, digest, source_fingerprint
from corpora.problems import InputError

Parameters = Mapping[str, Any]


class Model(Protocol):
    """What every entry builds: the same interface for a scikit-learn pipeline and for a network."""

    def fit(self, train: Clips, valid: Clips, unlabeled: Clips | None = None) -> Self:
        """Learn from ``train``; choose epochs and the like on ``valid``; ``unlabeled`` has its labels hidden."""
        ...

    def predict_proba(self, clips: Clips) -> NDArray[np.float64]:
        """(clips, classes), rows sum to 1, columns in the order of ``clips.classes``; labels arrive hidden."""
        ...

    @property
    def n_parameters(self) -> int:
        """How many numbers the fitted model keeps."""
        ...


@dataclass(frozen=True)
class ModelSpec:
    """One entry of the registry.

    Attributes:
        name: unique; the leaderboard's row.
        target: ``"package.module:build"``, imported when the model is first built; or a file's path with ``:build``.
        source: the paper or method it comes from.
        kind: ``control`` (hears nothing), ``baseline`` (classical), ``network``, ``semi-supervised``, ``ensemble``, or
            ``own`` (a file of a user's).
        overrides: parameters that differ from the defaults of ``build``.
        unlabeled: whether it learns from unlabeled clips.
        optional: whether it runs only when it is named.
        fixed: whether it stands for what it is, with the parameters that it has, and is never tuned.
        twin: of a semi-supervised model, the entry that is the same but for the unlabeled clips; runs along with it.
    """

    name: str
    target: str
    source: str
    kind: str
    overrides: Parameters = field(default_factory=dict)
    unlabeled: bool = False
    optional: bool = False
    twin: str = ""
    fixed: bool = False

    def module(self) -> ModuleType:
        """The module that holds ``build``."""
        place = self.target.rpartition(":")[0]
        return module_at(Path(place)) if place.endswith(".py") else importlib.import_module(place)

    def parameters(self) -> dict[str, Any]:
        """The default parameters: the keyword defaults of ``build``, then this entry's overrides."""
        signature = inspect.signature(getattr(self.module(), self.target.rpartition(":")[2]))
        defaults = {name: p.default for name, p in signature.parameters.items() if name != "seed"}
        return {**defaults, **self.overrides}

    def build(self, seed: int, parameters: Parameters | None = None) -> Model:
        """A fresh, unfitted model.

        Args:
            seed: decides everything random in it.
            parameters: instead of the default ones, as far as given.
        """
        build = getattr(self.module(), self.target.rpartition(":")[2])
        model: Model = build(seed=seed, **{**self.parameters(), **(parameters or {})})
        return model

    def space(self, trial: optuna.Trial) -> dict[str, Any]:
        """Parameters for a tuning trial; empty when the model file declares no space."""
        space = getattr(self.module(), "space", None)
        return dict(space(trial)) if space else {}

    def parts(self) -> list["ModelSpec"]:
        """The entries whose predictions this one averages; none, unless it is an ensemble."""
        return list(self.module().parts(self.parameters())) if self.kind == "ensemble" else []

    def fingerprint(self) -> str:
        """Changes when the model's code, the code it calls, its parts, or its default parameters change."""
        place = self.target.rpartition(":")[0]
        code = source_fingerprint(Path(place)) if place.endswith(".py") else code_fingerprint(place)
        inside = [part.fingerprint() for part in self.parts()]
        return digest([code, repr(sorted(self.parameters().items())), str(self.unlabeled), *inside])


def module_at(path: Path) -> ModuleType:
    """Import the model file at ``path``."""
    spec = importlib.util.spec_from_file_location(f"respbench_model_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise InputError(f"{path} is no Python file; give the path of a model file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and inspect look a class's module up there
    spec.loader.exec_module(module)
    return module
