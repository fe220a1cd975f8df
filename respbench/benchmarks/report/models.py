"""The folded section of each model: where it comes from, its studies, what it confuses, what it costs, what failed."""

from dataclasses import dataclass

import numpy as np

from respbench.benchmarks.report.costs import formatted_costs
from respbench.benchmarks.statistics.confusion import class_shares, classification_report, mean_confusion
from respbench.benchmarks.statistics.formatting import UNDEFINED
from respbench.benchmarks.statistics.results import ModelResults, Results
from respbench.benchmarks.storage.records import TrialRecord
from respbench.benchmarks.storage.store import StoredFit
from respbench.benchmarks.tuning.analysis import ENOUGH, chosen, importances, largest_confirmed_gain, trials_of
from respbench.models.registry import REGISTRY


@dataclass(frozen=True, kw_only=True)
class Studies:
    """What the studies of a tuned model chose, and which parameters mattered if trials were ``enough``."""

    names: list[str]
    chosen: list[list[object]]
    importances: list[list[object]]
    enough: int
    unknown: list[str]


@dataclass(frozen=True, kw_only=True)
class ModelSection:
    """What the section of one model shows; parts are empty where its fits are missing."""

    results: ModelResults
    tuned_as: list[str]
    parameters: str
    without_effect: list[str]
    studies: Studies | None
    costs: dict[str, str]
    report: list[list[object]]
    confusion: list[list[object]]


def model_sections(results: Results) -> list[ModelSection]:
    """Collect the sections of all models, in the order of the leaderboard."""
    return [model_section(results, model) for model in results.models]


def model_section(results: Results, model: ModelResults) -> ModelSection:
    """Collect everything about one model that the tables of the page have no room for."""
    parameters = model.fits[0].record.parameters if model.fits else {}
    spec = REGISTRY.get(model.untuned or model.name)
    without_effect = spec.idle_parameters(results.corpus) if spec else ()
    return ModelSection(
        results=model,
        tuned_as=[other.name for other in results.models if other.untuned == model.name],
        parameters=", ".join(f"{name} = {value}" for name, value in parameters.items() if name not in without_effect),
        without_effect=[name for name in parameters if name in without_effect],
        studies=studies(model) if model.untuned else None,
        costs=formatted_costs(model) if model.fits else {},
        report=_report(model, results.classes) if model.complete else [],
        confusion=_confusion(model, results.classes) if model.complete else [],
    )


def studies(model: ModelResults) -> Studies:
    """Describe the studies of a tuned model."""
    names = list(dict.fromkeys(name for trial in trials_of(model) for name in trial.suggested))
    shares = importances(model)
    return Studies(
        names=names,
        chosen=[[fit.key.seed, fit.key.fold, *_gain(fit), *_chosen(chosen(fit), names)] for fit in model.fits],
        importances=[
            [name, f"{np.mean(each):.2f}", f"{min(each):.2f} to {max(each):.2f}", f"{len(each)} of {len(model.fits)}"]
            for name, each in shares.items()
        ],
        enough=ENOUGH,
        unknown=[name for name in names if name not in shares],
    )


def _gain(fit: StoredFit) -> list[object]:
    """Number, gain and standard error of the challenger that gained most on fresh inner folds."""
    gain = largest_confirmed_gain(fit)
    return [gain.number, f"{gain.mean:+.3f}", f"{gain.error:.3f}"] if gain else ["none", UNDEFINED, UNDEFINED]


def _chosen(trial: TrialRecord, names: list[str]) -> list[object]:
    """Trial, inner AUROC where it was tried, and parameters of a row."""
    if trial.number == 0:
        return ["defaults", f"{trial.value:.3f}", *("default" for _ in names)]
    values = (trial.suggested.get(name, "") for name in names)
    return [
        trial.number,
        f"{trial.value:.3f}",
        *(f"{value:.3g}" if isinstance(value, float) else value for value in values),
    ]


def _report(model: ModelResults, classes: tuple[str, ...]) -> list[list[object]]:
    report = classification_report(model)
    mean = [*report[:, :3].mean(axis=0), report[:, 3].sum()]
    return [
        [name, *(f"{value:.3f}" for value in row[:3]), f"{row[3]:.0f}"]
        for name, row in zip((*classes, "mean"), [*report, mean], strict=True)
    ]


def _confusion(model: ModelResults, classes: tuple[str, ...]) -> list[list[object]]:
    confusion = mean_confusion(model)
    return [
        [name, *(f"{n:.1f} ({100 * share:.0f} %)" for n, share in zip(row, shares, strict=True))]
        for name, row, shares in zip(classes, confusion, class_shares(confusion), strict=True)
    ]
