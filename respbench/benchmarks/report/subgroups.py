"""The page about subgroups: the leading models and the controls by device, place, sex, age and cycle length."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from respbench.benchmarks.report.tables import Row
from respbench.benchmarks.statistics.forecasting import forecasts_by, leading_and_controls
from respbench.benchmarks.statistics.forecasts import Forecasts, Metric, Repeats, auroc_in_folds, sensitivity
from respbench.benchmarks.statistics.formatting import number
from respbench.benchmarks.statistics.intervals import FEWEST, Difference, Estimate, interval
from respbench.benchmarks.statistics.results import Results
from respbench.benchmarks.statistics.subgroups import (
    MeasuredSubgroup,
    Size,
    Subgroup,
    estimate_within,
    measured_subgroups,
    size,
    sounds,
    tested_clips,
)

MARK = "†"
"""On numbers of subgroups with few patients."""


@dataclass(frozen=True, kw_only=True)
class Subgroups:
    """What the page shows.

    Attributes:
        models: names of those in the tables of subgroups.
        rows: of the table of AUROC: column, value, patients, clips, share of abnormal clips, then the models.
        scores: of the table of score: column, value, then the models.
        sounds: clips and patients by kind of abnormal sound; empty where the corpus doesn't distinguish them.
        by_sound: per model, AUROC against normal clips by kind of sound, then sensitivity.
        macro: per model, score over clips, the mean over patients, and the second minus the first.
        probes: per model with features, columns of these, then how often device and patient are guessed from them.
        guessed: number of devices, and of patients with several recordings; empty without probes.
        absent: columns by which patients could be divided if the corpus had them.
        fewest: patients that a number needs.
        mark: on numbers without an interval.
    """

    models: tuple[str, ...]
    rows: list[list[object]]
    scores: list[list[object]]
    sounds: dict[str, tuple[int, int]]
    by_sound: list[list[object]]
    macro: list[list[object]]
    probes: list[list[object]]
    guessed: tuple[int, ...]
    absent: tuple[str, ...]
    fewest: int = FEWEST
    mark: str = MARK


def subgroup_page(results: Results, probed: Mapping[str, Row]) -> Subgroups | None:
    """Compute the page.

    Args:
        results: of the folder.
        probed: rows of `PROBES` by model; those of another corpus are not shown.

    Returns:
        None without complete models or a table of clips, or for an ablation.
    """
    if not results.complete or results.clips is None or results.protocol.ablation_of:
        return None
    clips, macro = results.clips, "patient_macro_score"
    models = {model.name: forecasts_by(results, model) for model in results.complete}
    shown = [model.name for model in leading_and_controls(results)]
    measured = measured_subgroups(clips, {name: models[name] for name in shown}) if shown else []
    first = next(iter(models.values()))
    kinds = sounds(clips, tested_clips(clips, first))
    rows = [row for row in probed.values() if row["corpus"] == results.corpus.fingerprint]
    ranking = {name: repeats for name, repeats in models.items() if not repeats.constant}
    return Subgroups(
        models=tuple(shown),
        rows=[[*_named(one), *_counted(one.size), *_marked(one.auroc, one.size)] for one in measured],
        scores=[[*_named(one), *_marked(one.score, one.size)] for one in measured],
        sounds={kind.value: _abnormal(first.take(kind.member).forecasts[0]) for kind in kinds},
        by_sound=[_by_sound(name, repeats, kinds) for name, repeats in ranking.items()] if kinds else [],
        macro=[
            [
                model.name,
                model.estimate("score"),
                model.estimate(macro),
                Difference(**vars(interval(model.values[macro] - model.values["score"], "plain", model.draws))),
            ]
            for model in results.complete
        ],
        probes=[[row["model"], row["columns"], row["device"], row["patient"]] for row in rows],
        guessed=tuple(max(row[what] or 0 for row in rows) for what in ("devices", "patients")) if rows else (),
        absent=tuple(
            name
            for name, column in (("sex", "sex"), ("age", "age"), ("native sampling rate", "native_rate"))
            if column not in clips
        ),
    )


def _by_sound(name: str, repeats: Repeats, kinds: Sequence[Subgroup]) -> list[object]:
    """One row: AUROC against normal clips by kind of abnormal sound, then the share that is called abnormal."""
    few = [size(repeats.take(kind.member).forecasts[0]).few for kind in kinds]
    metrics: tuple[Metric, ...] = (auroc_in_folds, sensitivity)
    found = [[estimate_within(repeats, kind, metric) for kind in kinds] for metric in metrics]
    return [name, *(_mark(one, small) for row in found for one, small in zip(row, few, strict=True))]


def _abnormal(forecasts: Forecasts) -> tuple[int, int]:
    """Number of abnormal clips, and of patients who have any."""
    return int(forecasts.abnormal.sum()), len(np.unique(forecasts.patient[forecasts.abnormal]))


def _named(one: MeasuredSubgroup) -> tuple[str, str]:
    return one.subgroup.by, one.subgroup.value


def _counted(found: Size) -> tuple[object, ...]:
    return found.patients, found.clips, f"{100 * found.abnormal:.0f} %"


def _marked(estimates: Mapping[str, Estimate], found: Size) -> list[object]:
    return [_mark(estimate, found.few) for estimate in estimates.values()]


def _mark(estimate: Estimate, few: bool) -> object:
    """The estimate for a table; without an interval and marked where it rests on few patients."""
    return f"{number(estimate.value)} {MARK}" if few and np.isfinite(estimate.value) else estimate
