"""What the suite requires of a model, and the entry of the registry that builds it.

Imports nothing heavy: ``respbench list`` reads the registry without loading numpy or torch.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

from respbench.corpora.choices import SOUND
from respbench.corpora.problems import InputError
from respbench.models.exits import refusing_exits

if TYPE_CHECKING:
    import numpy as np
    import optuna
    from numpy.typing import NDArray

    from respbench.corpora.clips import Clips
    from respbench.corpora.facts import CorpusFacts

    OnEpoch = Callable[[int, Callable[[Clips], NDArray[np.float64]]], None]
    """Called with an epoch's number and a function from clips to the probabilities of the network as it is then."""

Parameters = Mapping[str, Any]


class Model(Protocol):
    """What every entry builds: one interface for scikit-learn pipelines and networks."""

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


@runtime_checkable
class TrainedByEpoch(Protocol):
    """A model that can be watched while it is fitted.

    Attributes:
        on_epoch: set before `fit`, called after each epoch; what it raises ends `fit`. Tuning prunes trials by it.
    """

    on_epoch: OnEpoch | None


@runtime_checkable
class HasLearningCurve(Protocol):
    """A model that records its training.

    Attributes:
        curve: after `fit`, one row per epoch.
    """

    curve: Sequence[Mapping[str, float]]


@runtime_checkable
class HasPseudoLabels(Protocol):
    """A semi-supervised model that records which classes it assigned to the unlabeled clips.

    Attributes:
        pseudo_labels: after `fit`, for each epoch (unlabeled clips,) int64: the class predicted with confidence; -1 =
            none. Empty if there were no unlabeled clips.
    """

    pseudo_labels: Sequence[NDArray[np.int64]]


class ModelKind(StrEnum):
    """Group of models, as stored with every fit and shown in the tables."""

    CONTROL = "control"
    """Makes no use of the sound."""
    BASELINE = "baseline"
    """A classical model on handcrafted features."""
    NETWORK = "network"
    SEMI_SUPERVISED = "semi-supervised"
    ENSEMBLE = "ensemble"
    OWN = "own"
    """A file of the user's, outside the registry."""
    OUTSIDE = "from outside"
    """Predictions that were made elsewhere, of which nothing but the predictions is known."""


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """One entry of the registry.

    Attributes:
        name: unique; the leaderboard's row.
        target: ``"package.module:build"``, imported when the model is first built; or a file's path with ``:build``.
        source: the paper or method it comes from.
        kind: its group.
        overrides: parameters that differ from the defaults of ``build``.
        components: targets ``"package.module:symbol"`` that ``build`` looks up by a parameter's value, such as a
            backbone. Their code is part of the entry's identity.
        depends: target of a function that states what predictions depend on beside parameters and code, such as the
            weights of an encoder, and raises `InputError` where that is missing; called with the parameters. Empty =
            nothing.
        unlabeled: whether it learns from unlabeled clips.
        optional: whether it runs only when it is named.
        fixed: whether it is never tuned.
        slow: of a control or baseline, whether a fit takes so long that it is repeated as seldom as a network's.
        modalities: what it takes, of `corpora.choices.MODALITIES`.
        sources: ``source`` by modality, where it differs.
        without_effect: by modality, the parameters that change nothing there.
        optional_on: modalities on which it runs only when it is named, though it takes them.
        supervised_baseline: of a semi-supervised model, the entry that differs from it in the unlabeled clips alone
            (its "twin" in reports); runs along with it.
    """

    name: str
    target: str
    source: str
    kind: ModelKind
    overrides: Parameters = field(default_factory=dict)
    components: tuple[str, ...] = ()
    depends: str = ""
    unlabeled: bool = False
    optional: bool = False
    fixed: bool = False
    slow: bool = False
    modalities: tuple[str, ...] = (SOUND,)
    sources: Mapping[str, str] = field(default_factory=dict)
    without_effect: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    optional_on: tuple[str, ...] = ()
    supervised_baseline: str = ""

    def module(self) -> ModuleType:
        """The module that holds ``build``."""
        place = self.target.rpartition(":")[0]
        return module_at(Path(place)) if place.endswith(".py") else importlib.import_module(place)

    def source_for(self, clips: Clips) -> str:
        """The paper or method that it is on these clips: ``source``, unless ``sources`` has their modality."""
        return self.sources.get(clips.modality, self.source)

    def idle_parameters(self, facts: CorpusFacts) -> tuple[str, ...]:
        """Names of the parameters that change nothing on a corpus."""
        return self.without_effect.get(facts.modality, ())

    def parameters(self) -> dict[str, Any]:
        """The default parameters: the keyword defaults of ``build``, then this entry's overrides."""
        signature = inspect.signature(getattr(self.module(), self.target.rpartition(":")[2]))
        defaults = {name: p.default for name, p in signature.parameters.items() if name != "seed"}
        return {**defaults, **self.overrides}

    def state(self) -> str:
        """What predictions depend on beside parameters and code, see ``depends``.

        Raises:
            InputError: it is missing.
        """
        if not self.depends:
            return ""
        module, _, symbol = self.depends.partition(":")
        return str(getattr(importlib.import_module(module), symbol)(**self.parameters()))

    def build(self, seed: int, parameters: Parameters | None = None) -> Model:
        """A fresh, unfitted model.

        Args:
            seed: determines all randomness of the model.
            parameters: replace default ones of the same name.
        """
        given = {**self.parameters(), **(parameters or {})}
        model: Model = getattr(self.module(), self.target.rpartition(":")[2])(seed=seed, **given)
        return model

    def space(self, trial: optuna.Trial) -> dict[str, Any]:
        """Parameters for a tuning trial; empty when the model file declares no space."""
        space = getattr(self.module(), "space", None)
        return dict(space(trial)) if space else {}

    def parts(self) -> list[ModelSpec]:
        """The entries whose predictions this one averages; empty unless it is an ensemble."""
        return list(self.module().parts(self.parameters())) if self.kind == ModelKind.ENSEMBLE else []


def module_at(path: Path) -> ModuleType:
    """Import the model file at ``path``, which may import files beside it.

    Raises:
        InputError: it is no Python file.
        EndsPython: it calls ``sys.exit`` or ``os._exit``.
        Exception: whatever else it raises.
    """
    _make_importable(path.resolve().parent)
    spec = importlib.util.spec_from_file_location(_name_of(path), path)
    if spec is None or spec.loader is None:
        raise InputError(f"{path} is no Python file; give the path of a model file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and inspect look a class's module up there
    with refusing_exits():
        spec.loader.exec_module(module)
    return module


_beside: dict[str, frozenset[str]] = {}
"""The folder of the model file that was imported last, and the modules that were loaded before it."""


def _make_importable(folder: Path) -> None:
    """Put the folder of a model file in the place of the last one's, whose modules are forgotten: names may recur."""
    if str(folder) in sys.path:
        return
    for last, known in _beside.items():
        if last in sys.path:
            sys.path.remove(last)
        tops = {Path(last, f"{top}.py"): top for top in sys.modules.keys() - known}
        tops |= {Path(last, top, "__init__.py"): top for top in tops.values()}
        forgotten = {top for path, top in tops.items() if getattr(sys.modules[top], "__file__", None) == str(path)}
        for name in [name for name in sys.modules if name.partition(".")[0] in forgotten]:
            del sys.modules[name]
    _beside.clear()
    _beside[str(folder)] = frozenset(sys.modules)
    sys.path.append(str(folder))  # behind the libraries: one of them may be used by a model file of its name


def _name_of(path: Path) -> str:
    """The name by which other processes can import a model file, such as those of a torch DataLoader, if it is free."""
    try:
        found = importlib.util.find_spec(path.stem)
    except (ImportError, ValueError):
        found = None
    ours = found is not None and found.origin == str(path.resolve())
    return path.stem if ours else f"respbench_model_{path.stem}"
