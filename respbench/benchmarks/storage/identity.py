"""Identify a stored fit or study by all that it depends on: data, parameters, code and numerical libraries.

A stored fit is used only if its identity is the one of today. What counts as code: `corpora.code_identity.identity`.
"""

import platform
from importlib.metadata import version

from respbench.corpora.code_identity.identity import code_identity, target_of
from respbench.corpora.digests import digest
from respbench.corpora.prepared.prepare import Prepared
from respbench.corpora.problems import InputError
from respbench.corpora.protocol import Protocol
from respbench.corpora.splits.folds import Splitter
from respbench.models.spec import ModelSpec

LIBRARIES = ("numpy", "scipy", "scikit-learn", "torch", "xgboost-cpu" if platform.system() != "Darwin" else "xgboost")
"""The libraries that predictions are computed with."""

EVALUATION = ("respbench.benchmarks.execution.evaluate:evaluate", "respbench.corpora.tasks:for_task")
"""Targets of what every fit goes through."""

STUDY = (
    "respbench.benchmarks.tuning.study:run_trial",
    "respbench.benchmarks.tuning.study:history_of",
    "respbench.benchmarks.tuning.study:confirm",
)
"""Targets of what every trial and every confirmation goes through."""

CHOICE = ("respbench.benchmarks.tuning.choice:candidates", "respbench.benchmarks.tuning.choice:choose")
"""Targets of what decides between the trials of a study."""


def library_versions() -> dict[str, str]:
    """The installed versions of the numerical libraries."""
    return {name: version(name) for name in LIBRARIES}


def model_identity(spec: ModelSpec) -> str:
    """Hash a model: the code of its ``build``, its default parameters, its members, and what else it depends on.

    Members are those of an ensemble; what else there is, such as weights of an encoder, is `ModelSpec.state`.
    """
    members = [model_identity(part) for part in spec.parts()]
    code = code_identity(spec.target, *spec.components)
    return digest([code, repr(sorted(spec.parameters().items())), str(spec.unlabeled), *members, *_states(spec)])


def _states(spec: ModelSpec) -> list[str]:
    """The state of a model that depends on more than its code; of one whose weights are missing, that they are."""
    try:
        return [spec.state()] if spec.depends else []
    except InputError:
        return ["missing"]


def fit_identity(prepared: Prepared, task: str, protocol: Protocol, spec: ModelSpec) -> str:
    """Hash everything that the predictions of a fit with default parameters depend on, but the seed and the fold."""
    return digest(
        [
            prepared.facts().fingerprint,
            task,
            repr(protocol.splitter),
            code_identity(*splitter_targets(protocol.splitter), target_of(type(prepared)), *EVALUATION),
            model_identity(spec),
            *(f"{name} {installed}" for name, installed in library_versions().items()),
        ]
    )


def study_identity(fit: str, spec: ModelSpec) -> str:
    """Hash everything that a trial or confirmation depends on, but the seed, the fold, and the trials before it.

    Args:
        fit: identity of the fit with default parameters.
        spec: the model; it has a ``space``.
    """
    space = spec.target.rpartition(":")[0] + ":space"
    return digest([fit, code_identity(space, *STUDY), f"optuna {version('optuna')}"])


def tuned_identity(study: str, trials: int) -> str:
    """Hash everything that a tuned fit depends on, but the seed and the fold.

    Args:
        study: identity of its study.
        trials: of the study.
    """
    return digest([study, code_identity(*CHOICE), str(trials)])


def splitter_targets(splitter: Splitter) -> list[str]:
    """Targets of the classes of a splitter and of the one inside it."""
    inside = getattr(splitter, "splitter", None)
    return [target_of(type(splitter)), *(splitter_targets(inside) if inside else [])]
