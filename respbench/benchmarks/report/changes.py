"""What changed between two results folders, for the terminal and as a page."""

from pathlib import Path

from tabulate import tabulate

from respbench.benchmarks.report.markdown import render
from respbench.benchmarks.statistics.changes import Changes, ModelChange, Predicted, changes
from respbench.benchmarks.statistics.formatting import cell
from respbench.benchmarks.statistics.intervals import LEVEL
from respbench.benchmarks.statistics.loading import load_results
from respbench.benchmarks.statistics.metrics import LEADING, METRICS
from respbench.benchmarks.statistics.multiplicity import ALPHA
from respbench.benchmarks.storage.store import Store
from respbench.corpora.problems import InputError


def changes_between(before: Path, after: Path) -> Changes:
    """Load and compare two results folders; nothing is written.

    Raises:
        InputError: one of them holds no stored fits, or can't be loaded.
    """
    for folder in (before, after):
        if not Store(folder).fits():
            raise InputError(
                f"{folder.absolute()} holds no stored fits; name the folder of one report, such as "
                "results/icbhi/abnormal/patients-5fold"
            )
    return changes(load_results(Store(before)), load_results(Store(after)))


def summary(found: Changes) -> str:
    """Format the changes for the terminal; what is unchanged has no numbers."""
    lines = [f"Nothing can be compared: {obstacle}." for obstacle in found.obstacles]
    rows = [
        [
            change.model,
            predictions(change.predicted),
            *(cell(change.gain.get(metric), 2) if change.predicted.changed else "" for metric in LEADING),
            verdict(change),
        ]
        for change in found.models
    ]
    if rows and not found.obstacles:
        headers = ["after minus before", "predictions", *(METRICS[metric] for metric in LEADING), "verdict"]
        note = (
            f"{LEVEL} % intervals over the same patients and repeats; beyond noise: p below {ALPHA:g}, adjusted by "
            "Holm over the models whose predictions changed"
        )
        lines += ["", tabulate(rows, headers, tablefmt="simple", disable_numparse=True), "", note]
    elif not found.obstacles:
        lines.append("The two folders have no model in common.")
    for where, names in (("before", found.only_before), ("after", found.only_after)):
        if names:
            lines.append(f"only {where}: {', '.join(names)}")
    lines += [f"{what}: {one} before, {other} after" for what, one, other in found.circumstances]
    return "\n".join(lines).strip()


def page(found: Changes, before: Path, after: Path) -> str:
    """Render the changes as Markdown; the paths are shown as given."""
    return render(
        "changes.md.j2",
        changes=found,
        before=before,
        after=after,
        rows=[
            [change.model, predictions(change.predicted), code(change), parameters(change), verdict(change)]
            for change in found.models
        ],
        metrics={
            metric: [
                [change.model, change.repeats, *(side[metric] for side in (change.before, change.after, change.gain))]
                for change in found.models
                if change.gain and change.predicted.changed
            ]
            for metric in next((list(change.gain) for change in found.models if change.p_values), [])
        },
        alpha=f"{ALPHA:g}",
    )


def predictions(predicted: Predicted) -> str:
    """Describe how the predictions of a model changed."""
    parts = []
    if predicted.identical:
        parts.append("the same bytes")
    elif predicted.fits:
        parts.append(f"up to {predicted.largest:.1g}" if predicted.changed else "equal but for rounding")
    if predicted.refolded:
        parts.append(f"other clips in {predicted.refolded} of {predicted.fits} fits")
    if predicted.decided:
        parts.append(f"{100 * predicted.decided:.1f} % of the decisions")
    for where, count in (("before", predicted.only_before), ("after", predicted.only_after)):
        if count:
            parts.append(f"{count} fits only {where}")
    return ", ".join(parts) or "not compared"


def code(change: ModelChange) -> str:
    """Say whether the identity of a model's fits changed."""
    return "the same identity" if change.same_code else "another identity"


def parameters(change: ModelChange) -> str:
    """List the parameters that differ."""
    return ", ".join(f"{name}: {one} → {other}" for name, (one, other) in change.parameters.items()) or "the same"


def verdict(change: ModelChange) -> str:
    """Say in words what the change of a model's numbers shows."""
    if change.incomplete:
        return change.incomplete
    if not change.gain:
        return "not compared"
    if not change.predicted.changed:
        return (
            "unchanged on the shared fits"
            if change.predicted.only_before or change.predicted.only_after
            else "unchanged"
        )
    shown = [
        f"{METRICS[metric]} {'higher' if gain.value > 0 else 'lower'}" for metric, gain in change.beyond_noise.items()
    ]
    return f"{' and '.join(shown)}, beyond noise" if shown else "not beyond noise"
