"""Where each model fails: its lowest AUROC among the subgroups, and the kind of sound that it misses most."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from respbench.benchmarks.statistics.forecasting import forecasts_by
from respbench.benchmarks.statistics.forecasts import Forecasts, Metric, Repeats, auroc_in_folds, sensitivity
from respbench.benchmarks.statistics.intervals import Estimate
from respbench.benchmarks.statistics.loading import load_results
from respbench.benchmarks.statistics.metrics import Floats, Predictions
from respbench.benchmarks.statistics.results import ModelResults, Results
from respbench.benchmarks.statistics.subgroups import Subgroup, estimate_within, size, sounds, subgroups, tested_clips
from respbench.benchmarks.storage.store import Store


@dataclass(frozen=True, kw_only=True)
class WeakSpot:
    """The part of the tested clips on which a model is worst.

    Attributes:
        by: what divides the clips, such as ``device`` or ``sound``.
        value: of these clips.
        patients: in the part; of a kind of sound, those who have it.
        estimate: AUROC there, or the share of the abnormal clips that is called abnormal.
        overall: the same over all tested clips.
    """

    by: str
    value: str
    patients: int
    estimate: Estimate
    overall: float


@dataclass(frozen=True, kw_only=True)
class WeakSpots:
    """The weak spots of one model; None where the corpus has no subgroups with enough patients."""

    ranked: WeakSpot | None
    missed: WeakSpot | None


def weak_spots(folder: Path) -> dict[str, WeakSpots]:
    """Find them for every complete model of a report's folder that ranks anything, by its name."""
    results = load_results(Store(folder), measure=_nothing)
    if results.clips is None or not results.has_normal:
        return {}
    return dict(_found(results))


def _found(results: Results) -> Iterator[tuple[str, WeakSpots]]:
    clips = results.clips
    if clips is None:
        return
    models: list[tuple[ModelResults, Repeats]] = [(model, forecasts_by(results, model)) for model in results.complete]
    first = models[0][1]
    tested = tested_clips(clips, first)
    parts = _large_enough(subgroups(clips, tested), first)
    kinds = _large_enough(sounds(clips, tested), first)
    for model, repeats in models:
        if not repeats.constant:
            ranked, missed = _worst(repeats, parts, auroc_in_folds), _worst(repeats, kinds, sensitivity)
            yield model.name, WeakSpots(ranked=ranked, missed=missed)


def _worst(repeats: Repeats, parts: list[Subgroup], metric: Metric) -> WeakSpot | None:
    """The part with the lowest value; the interval is computed for that one alone, which takes most of the time."""
    if not parts:
        return None
    values = [_value(repeats.take(part.member), metric) for part in parts]
    part = parts[int(np.nanargmin(values))]
    inside = repeats.take(part.member).forecasts[0]
    counted = inside.take(inside.abnormal) if metric is sensitivity else inside
    return WeakSpot(
        by=part.by,
        value=part.value,
        patients=counted.patients,
        estimate=estimate_within(repeats, part, metric),
        overall=_value(repeats, metric),
    )


def _value(repeats: Repeats, metric: Metric) -> float:
    """A metric over all patients, averaged over the repeats."""

    def over_all(forecasts: Forecasts) -> float:
        return float(metric(forecasts, np.ones((1, forecasts.patients)))[0])

    return float(np.mean([over_all(forecasts) for forecasts in repeats.forecasts]))


def _large_enough(parts: list[Subgroup], repeats: Repeats) -> list[Subgroup]:
    return [part for part in parts if not size(repeats.take(part.member).forecasts[0]).few]


def _nothing(predictions: Predictions, weights: Floats) -> dict[str, Floats]:
    """In place of all metrics, which are not needed here."""
    return {"score": np.zeros(len(weights))}
