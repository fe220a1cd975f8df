"""respbench: a benchmark of respiratory-sound classifiers, and of activities in movements, on unseen patients.

In a notebook, from a folder of recordings to an evaluated model:

    import respbench

    clips = respbench.clips_of(respbench.open_corpus("simulated"), task="abnormal")
    folds = respbench.folds(clips, "patients-5fold")
    model = respbench.fit("svm", clips, folds[0])
    evaluation = respbench.evaluate(model, clips, folds[0])
    print(evaluation.report())

Names are looked up when they are first used, so that ``import respbench`` loads neither numpy nor torch.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from respbench.benchmarks.notebook import figures as figures
    from respbench.benchmarks.notebook.corpus import clips_of as clips_of
    from respbench.benchmarks.notebook.corpus import folds as folds
    from respbench.benchmarks.notebook.corpus import table as table
    from respbench.benchmarks.notebook.cross_validation import cross_validate as cross_validate
    from respbench.benchmarks.notebook.evaluation import Evaluation as Evaluation
    from respbench.benchmarks.notebook.fitting import FittedModel as FittedModel
    from respbench.benchmarks.notebook.fitting import evaluate as evaluate
    from respbench.benchmarks.notebook.fitting import fit as fit
    from respbench.benchmarks.notebook.stored import predictions as predictions
    from respbench.benchmarks.notebook.stored import results as results
    from respbench.corpora.catalog import open_corpus as open_corpus
    from respbench.corpora.clips import Clips as Clips
    from respbench.corpora.problems import InputError as InputError
    from respbench.corpora.splits.folds import Fold as Fold
    from respbench.features.conversion import to_sklearn as to_sklearn
    from respbench.features.conversion import to_torch_dataset as to_torch_dataset

_NOTEBOOK = "respbench.benchmarks.notebook"

_PLACES = {
    "Clips": "respbench.corpora.clips",
    "Evaluation": f"{_NOTEBOOK}.evaluation",
    "FittedModel": f"{_NOTEBOOK}.fitting",
    "Fold": "respbench.corpora.splits.folds",
    "InputError": "respbench.corpora.problems",
    "clips_of": f"{_NOTEBOOK}.corpus",
    "cross_validate": f"{_NOTEBOOK}.cross_validation",
    "evaluate": f"{_NOTEBOOK}.fitting",
    "figures": _NOTEBOOK,
    "fit": f"{_NOTEBOOK}.fitting",
    "folds": f"{_NOTEBOOK}.corpus",
    "open_corpus": "respbench.corpora.catalog",
    "predictions": f"{_NOTEBOOK}.stored",
    "results": f"{_NOTEBOOK}.stored",
    "table": f"{_NOTEBOOK}.corpus",
    "to_sklearn": "respbench.features.conversion",
    "to_torch_dataset": "respbench.features.conversion",
}
"""The module of each name, imported when the name is first used (PEP 562)."""

__all__ = [
    "Clips",
    "Evaluation",
    "FittedModel",
    "Fold",
    "InputError",
    "clips_of",
    "cross_validate",
    "evaluate",
    "figures",
    "fit",
    "folds",
    "open_corpus",
    "predictions",
    "results",
    "table",
    "to_sklearn",
    "to_torch_dataset",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = importlib.import_module(f"{_NOTEBOOK}.figures") if name == "figures" else None
    found = found or getattr(importlib.import_module(_PLACES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_PLACES})
