"""The sections about what was measured and with what: corpus, folds, patients, repeats, machines."""

from dataclasses import dataclass

import numpy as np

from respbench.benchmarks.statistics.effective import LARGEST, EffectiveSize, effective_sizes
from respbench.benchmarks.statistics.formatting import span
from respbench.benchmarks.statistics.results import Results

PARTS = {"train": "training", "valid": "validation", "test": "test"}


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What was tested, on whom, how they were divided (clips and patients as ``1 to 3``), and on what machines.

    ``reshuffled`` is what a repeat with another seed changes beside initial weights, ``effective`` how clips are spread
    over patients; empty if no model is complete.
    """

    clips: dict[str, int]
    folds: int
    reshuffled: str
    repeats: str
    parts: dict[str, tuple[str, str]]
    unlabeled: tuple[str, str] | None
    versions: list[str]
    hardware: list[str]
    threads: list[int]
    effective: dict[str, EffectiveSize]
    largest: int = LARGEST


def measured(results: Results) -> Measured:
    """Count clips, patients and folds."""
    records = [fit.record for fit in results.own_fits]
    first = {fit.key.fold: fit for fit in results.fits if fit.key.seed == results.seeds[0]}
    labels = [label for fit in first.values() for label in fit.predictions["label"]]
    unlabeled = [len(record.unlabeled_patients) for record in records]
    return Measured(
        clips={name: labels.count(name) for name in results.classes},
        folds=len({fit.key.fold for fit in results.fits}),
        repeats=span([model.repeats for model in results.models]),
        reshuffled="other folds" if results.protocol.reshuffles_tests else "other validation patients",
        parts={
            name: (
                span([getattr(record, f"{part}_clips") for record in records]),
                span([len(getattr(record, f"{part}_patients")) for record in records]),
            )
            for part, name in PARTS.items()
        },
        unlabeled=(span([record.unlabeled_clips for record in records]), span(unlabeled)) if any(unlabeled) else None,
        versions=sorted({f"{name} {number}" for record in records for name, number in record.versions.items()}),
        hardware=sorted({record.hardware for record in records}),
        threads=sorted({record.threads for record in records}),
        effective=_effective(results),
    )


def _effective(results: Results) -> dict[str, EffectiveSize]:
    for model in results.complete[:1]:
        return effective_sizes(next(iter(model.predictions.values())), len(results.patients))
    return {}


def repeat_rows(results: Results) -> list[list[object]]:
    """How much score and AUROC change from repeat to repeat: rows of a table, of models with several."""
    rows: list[list[object]] = []
    for model in results.complete:
        if model.repeats < 2:
            continue
        row: list[object] = [model.name, model.repeats]
        for metric in ("score", "auroc"):
            values = model.values[metric][:, 0]
            row += [f"{np.std(values, ddof=1):.3f}", f"{min(values):.3f} to {max(values):.3f}"]
        rows.append(row)
    return rows
