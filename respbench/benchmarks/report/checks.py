"""Numbered checks of the results themselves: what a careful reader would ask before believing a table."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from respbench.benchmarks.report.devices import FEW_PATIENTS as FEW_PATIENTS_OF_DEVICE
from respbench.benchmarks.report.devices import tested_devices
from respbench.benchmarks.statistics.comparisons import difference
from respbench.benchmarks.statistics.formatting import cell, listed
from respbench.benchmarks.statistics.intervals import Estimate
from respbench.benchmarks.statistics.metrics import LEADING, METRICS
from respbench.benchmarks.statistics.results import PRIOR, Results, chooses_epoch
from respbench.benchmarks.storage.store import StoredFit
from respbench.benchmarks.tuning.analysis import at_the_edge
from respbench.models.registry import REGISTRY
from respbench.models.spec import ModelKind

OFTEN = 0.25
"""Share of a model's fits from which on an epoch or a tuned value at the edge is a finding: a few occur by chance."""

TOO_GOOD = 0.85
"""AUROC that honest work on real lung sounds of unseen patients has not reached; a leak reaches it easily."""

FEW_PATIENTS = 20
"""Below, far fewer patients were tested than in any simulated study of the intervals."""

FEW_SEEDS = 3

Finding = dict[str, Any]
"""What was found, by the names in the sentence of the check."""


@dataclass(frozen=True)
class Check:
    """One question.

    Attributes:
        title: what should be true.
        sentence: about one finding, with its values in braces.
        find: yields the findings.
        needs_normal: whether it makes sense only where a class is ``normal``.
    """

    title: str
    sentence: str
    find: Callable[[Results], Iterator[Finding]]
    needs_normal: bool = False


@dataclass(frozen=True)
class CheckResult:
    """The answer to one check: its number, its title, and its findings, also as sentences."""

    number: int
    title: str
    findings: tuple[Finding, ...]
    sentences: tuple[str, ...]


def not_above_prior(results: Results) -> Iterator[Finding]:
    """Find models that are not shown to be better than the class frequencies: they have learned nothing that holds.

    On four classes the score of `prior` is 0.5, hard to beat for a model that tries to name the abnormal class.
    """
    prior = results.find(PRIOR)
    if prior is None:
        yield {"model": PRIOR, "what": "missing or incomplete; run it"}
        return
    for model in results.complete:
        for metric in LEADING:
            if model is not prior and not (gain := difference(model, prior, metric)).low > 0:
                what = f"not shown to be above `prior` on {METRICS[metric]} ({cell(gain)})"
                yield {"model": model.name, "what": what}


def lacking_fits(results: Results) -> Iterator[Finding]:
    """Find incomplete models, which have no numbers in the table."""
    return ({"model": model.name, "status": model.status} for model in results.models if not model.complete)


def epoch_at_the_edge(results: Results) -> Iterator[Finding]:
    """Find models whose best epoch is the last one (cut short?) or the first (learned nothing, or too fast?)."""
    for model in filter(chooses_epoch, results.models):
        kept = [edge for fit in model.fits if (edge := _edge(fit))]
        for edge, advice in (("last", "more epochs may help"), ("first", "try a lower learning rate")):
            count = kept.count(edge)
            if count >= max(1, OFTEN * len(model.fits)):
                yield {"model": model.name, "edge": edge, "count": count, "of": len(model.fits), "advice": advice}


def class_without_clips(results: Results) -> Iterator[Finding]:
    """Find folds that lack a class and so have no AUROC: the mean is over fewer folds."""
    tests = {fit.key: set(fit.predictions["label"]) for fit in results.fits}
    device = {found.fold: f" (the device {found.name})" for found in tested_devices(results)}
    for stem, labels in sorted({key.stem + device.get(key.fold, ""): labels for key, labels in tests.items()}.items()):
        yield from ({"fold": stem, "label": name} for name in results.classes if name not in labels)


def too_good(results: Results) -> Iterator[Finding]:
    """Find an AUROC so high on real, unseen patients that it is a leak until shown otherwise."""
    if results.corpus.simulated or not results.patient_disjoint:
        return
    for model in results.complete:
        if model.value("auroc") > TOO_GOOD:
            yield {"model": model.name, "auroc": model.value("auroc")}


def one_class_only(results: Results) -> Iterator[Finding]:
    """Find fits that give every test clip the same class. `prior` does so by design."""
    for model in results.models:
        same = sum(_decides_alike(fit, results.classes) for fit in model.fits)
        if same and model.name != PRIOR:
            yield {"model": model.name, "count": same, "of": len(model.fits)}


def shared_patients(results: Results) -> Iterator[Finding]:
    """Find patients who were tested by a fit that had seen them in training."""
    for model in results.models:
        count = sum(bool(fit.record.seen_patients & set(fit.predictions["patient"])) for fit in model.fits)
        if count:
            yield {"model": model.name, "count": count}


def below_chance(results: Results) -> Iterator[Finding]:
    """Find models that are reliably wrong: labels or columns may be swapped, or training and test patients differ."""
    for model in results.complete:
        if (value := model.estimate("auroc")) and value.high < 0.5:
            yield {"model": model.name, "auroc": value}


def only_between_patients(results: Results) -> Iterator[Finding]:
    """Find models with sound that are above chance over all patients, but not shown to be within them."""
    for model in (model for model in results.complete if model.kind is not ModelKind.CONTROL):
        overall, within = model.estimate("auroc"), model.estimate("auroc_within_patients")
        if overall and within and overall.low > 0.5 and np.isfinite(within.value) and not within.low > 0.5:
            yield {"model": model.name, "within": within}


def too_little_evidence(results: Results) -> Iterator[Finding]:
    """Find too few patients or seeds for the intervals to have their level."""
    if len(results.patients) < FEW_PATIENTS:
        yield {"count": len(results.patients), "what": "patients were tested", "so": "may be too narrow"}
    few = [model for model in results.complete if model.repeats < FEW_SEEDS]
    for count in sorted({model.repeats for model in few}):
        names = listed([model.name for model in few if model.repeats == count])
        so = f"of {names} rest on little of the variation between trainings"
        yield {"count": count, "what": f"repeat{'s' * (count > 1)} done", "so": so}


def unequal_machines(results: Results) -> Iterator[Finding]:
    """Find differences in hardware (seconds can't be compared), versions (nor quite the numbers) and budgets."""
    for what, name in (("hardware", "machines"), ("threads", "numbers of threads"), ("versions", "package versions")):
        values = {repr(getattr(fit.record, what)) for fit in results.own_fits}
        if len(values) > 1:
            yield {"count": len(values), "what": name}
    budgets = {len(model.fits[0].record.trials) for model in results.models if model.untuned}
    if len(budgets) > 1:
        yield {"count": len(budgets), "what": "numbers of tuning trials"}


def best_at_the_edge(results: Results) -> Iterator[Finding]:
    """Find tuned values that lie at an end of their space: better ones may lie beyond it."""
    for model in results.models:
        spec = REGISTRY.get(model.untuned)
        where = f"{spec.target.partition(':')[0].replace('.', '/')}.py" if spec else "its file"
        for (name, end), count in (at_the_edge(model) if model.untuned else Counter()).items():
            if count >= OFTEN * len(model.fits):
                values = {"parameter": name, "end": end, "count": count, "of": len(model.fits), "where": where}
                yield {"model": model.name, **values}


def trials_on_tested(results: Results) -> Iterator[Finding]:
    """Find trials that used the patients of the outer test part: then tuning is not nested."""
    for model in results.models:
        count = sum(
            any(
                set(trial.patients) & set(fit.predictions["patient"])
                for trial in (*fit.record.trials, *fit.record.confirmations)
            )
            for fit in model.fits
        )
        if count:
            yield {"model": model.name, "count": count, "of": len(model.fits)}


def devices_of_few_patients(results: Results) -> Iterator[Finding]:
    """Find left-out devices that recorded few patients: each counts as much in the AUROC as any other."""
    for device in tested_devices(results):
        if device.patients < FEW_PATIENTS_OF_DEVICE:
            yield {"device": device.name, "count": device.patients}


def from_outside(results: Results) -> Iterator[Finding]:
    """Find predictions that were made elsewhere: what they were trained on can't be checked."""
    for model in filter(lambda model: model.from_outside, results.models):
        assumed = any(fit.record.folds_assumed for fit in model.fits)
        yield {"model": model.name, "folds": "; its file states no folds, those of the protocol are assumed" * assumed}


CHECKS = (
    Check("Every model is above the class frequencies", "`{model}` is {what}", not_above_prior),
    Check("No fit is missing or failed", "`{model}` {status}", lacking_fits),
    Check(
        "The best epoch is neither the first nor the last one",
        "`{model}` kept its {edge} epoch in {count} of {of} fits; {advice}",
        epoch_at_the_edge,
    ),
    Check(
        "Every fold tests every class",
        "{fold} tests no clip of {label}, and is left out of the AUROC",
        class_without_clips,
        needs_normal=True,
    ),
    Check(
        f"No AUROC of real patients unseen in training is above {TOO_GOOD}",
        "`{model}` has AUROC {auroc:.3f}: treat as a leak until shown otherwise",
        too_good,
        needs_normal=True,
    ),
    Check(
        "No model gives every clip the same class",
        "`{model}` gives all clips one class in {count} of {of} fits",
        one_class_only,
    ),
    Check(
        "No fit was tested on patients seen in training",
        "`{model}` was tested on patients seen in training in {count} fits",
        shared_patients,
    ),
    Check("No model is below chance", "`{model}` has AUROC {auroc}, below chance", below_chance),
    Check(
        "What is above chance is so within patients, too",
        "`{model}` is above chance, but not shown to be within patients ({within}), where few patients count: "
        "whether it ranks patients or clips is open",
        only_between_patients,
    ),
    Check("There are enough patients and repeats", "only {count} {what}: the intervals {so}", too_little_evidence),
    Check("All fits were made on equal terms", "the fits were made with {count} different {what}", unequal_machines),
    Check(
        "No best value lies at the edge of its space",
        "`{model}`: {parameter} lies at the {end} edge in {count} of {of} studies; widen its space in {where}, if it "
        "can be wider",
        best_at_the_edge,
    ),
    Check(
        "No trial used a patient that its fit tests",
        "`{model}`: trials used patients whom their fit tests in {count} of {of} studies",
        trials_on_tested,
    ),
    Check(
        f"Every device that is left out recorded at least {FEW_PATIENTS_OF_DEVICE} patients",
        "{device} recorded {count} only, and counts as much in the AUROC as any other device",
        devices_of_few_patients,
    ),
    Check(
        "All predictions were made by this suite",
        "`{model}` comes from outside, and whether it was trained on patients it predicts can't be checked{folds}",
        from_outside,
    ),
)


def run_checks(results: Results) -> list[CheckResult]:
    """Run every check."""
    found = []
    for number, check in enumerate(CHECKS, 1):
        if check.needs_normal and not results.has_normal:
            continue
        findings = tuple(check.find(results))
        sentences = tuple(check.sentence.format(**_formatted(finding)) for finding in findings)
        found.append(CheckResult(number, check.title, findings, sentences))
    return found


def _formatted(finding: Finding) -> Finding:
    return {name: cell(value) if isinstance(value, Estimate) else value for name, value in finding.items()}


def _edge(fit: StoredFit) -> str | None:
    """Whether a fit kept its last epoch (of all it was allowed) or its first; None for one between."""
    curve = fit.record.curve
    if len(curve) < 2:
        return None
    kept = next((i for i, row in enumerate(curve) if row.get("kept")), None)
    return {len(curve) - 1: "last", 0: "first"}.get(kept) if kept is not None else None


def _decides_alike(fit: StoredFit, classes: tuple[str, ...]) -> bool:
    decision = fit.predictions[list(classes)].to_numpy(np.float64).argmax(axis=1)
    return len(set(decision.tolist())) == 1
