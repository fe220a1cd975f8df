"""Subgroups of clips by device, place, sex, age, rate and cycle length, and what a model reaches in each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from respbench.benchmarks.statistics.forecasts import Bools, Forecasts, Metric, Repeats, auroc_in_folds, score
from respbench.benchmarks.statistics.intervals import FEWEST, Estimate
from respbench.corpora.cycles import FOUR_CLASSES

MOST = 12
"""Values of a column beyond which it makes no subgroups: few of them would hold enough patients."""

AGES = {"under 6": 6.0, "6 to 17": 18.0, "18 to 64": 65.0, "65 and over": float("inf")}
"""Age groups, each with the age in years at which the next one begins."""

LENGTHS = 4
"""Cycle lengths are cut at quartiles of the tested clips."""

UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Subgroup:
    """The clips with one value of a column.

    Attributes:
        by: what divides the clips, for readers.
        value: of these clips, for readers.
        member: (rows of the table of clips,) which clips.
    """

    by: str
    value: str
    member: Bools


@dataclass(frozen=True, kw_only=True)
class Size:
    """Patients and clips of a subgroup, and the abnormal share of the clips.

    Attributes:
        few: whether fewer than `FEWEST` patients have abnormal clips, or normal ones.
    """

    patients: int
    clips: int
    abnormal: float
    few: bool


@dataclass(frozen=True, kw_only=True)
class MeasuredSubgroup:
    """A subgroup, and metrics of the models in it.

    Attributes:
        subgroup: which clips.
        size: how many clips and patients.
        auroc: of each model, abnormal against normal, over pairs within a fold.
        score: of each model.
    """

    subgroup: Subgroup
    size: Size
    auroc: Mapping[str, Estimate]
    score: Mapping[str, Estimate]


def subgroups(clips: pd.DataFrame, tested: Bools) -> list[Subgroup]:
    """Divide the tested clips by each column that has 2 to `MOST` values, in the order of a report.

    Args:
        clips: the table of the corpus' clips, see `benchmarks.storage.clip_table`.
        tested: (clips,) which of them count.
    """
    found = []
    for by, names in _columns(clips, tested):
        values = [value for value in names.cat.categories if (names[tested] == value).any()]
        if 2 <= len(values) <= MOST:
            found += [
                Subgroup(by=by, value=str(value), member=(names == value).to_numpy() & tested) for value in values
            ]
    return found


def sounds(clips: pd.DataFrame, tested: Bools) -> list[Subgroup]:
    """Divide the tested clips by their finest label: the normal clips beside those with crackles, wheezes, or both.

    Empty where the corpus doesn't distinguish them.
    """
    names = [name for name in FOUR_CLASSES[1:] if (clips["label"][tested] == name).any()]
    either = [clips["label"].isin([FOUR_CLASSES[0], name]).to_numpy() & tested for name in names]
    return [Subgroup(by="sound", value=name, member=member) for name, member in zip(names, either, strict=True)]


def size(forecasts: Forecasts) -> Size:
    """Count the patients and clips of a subgroup, whose forecasts are given."""
    sides = [len(np.unique(forecasts.patient[side])) for side in (forecasts.abnormal, ~forecasts.abnormal)]
    return Size(
        patients=forecasts.patients,
        clips=len(forecasts.abnormal),
        abnormal=float(forecasts.abnormal.mean()),
        few=min(sides) < FEWEST,
    )


def estimate_within(repeats: Repeats, subgroup: Subgroup, metric: Metric) -> Estimate:
    """Estimate a metric in a subgroup, averaged over repeats; without an interval where it has too few patients."""
    part = repeats.take(subgroup.member)
    found = part.estimate(metric)
    return replace(found, low=np.nan, high=np.nan) if size(part.forecasts[0]).few else found


def measured_subgroups(clips: pd.DataFrame, models: Mapping[str, Repeats]) -> list[MeasuredSubgroup]:
    """Measure models, at least one, in every subgroup of the tested clips.

    Args:
        clips: the table of the corpus' clips.
        models: by name.
    """
    first = next(iter(models.values()))
    return [
        MeasuredSubgroup(
            subgroup=subgroup,
            size=size(first.take(subgroup.member).forecasts[0]),
            auroc={name: estimate_within(repeats, subgroup, auroc_in_folds) for name, repeats in models.items()},
            score={name: estimate_within(repeats, subgroup, score) for name, repeats in models.items()},
        )
        for subgroup in subgroups(clips, tested_clips(clips, first))
    ]


def tested_clips(clips: pd.DataFrame, repeats: Repeats) -> Bools:
    """(clips of the table,) which were tested, by this model as by every other."""
    tested = np.zeros(len(clips), dtype=np.bool_)
    tested[repeats.forecasts[0].clip] = True
    return tested


def _columns(clips: pd.DataFrame, tested: Bools) -> Iterator[tuple[str, "pd.Series[str]"]]:
    """Yield the columns that divide clips: name for readers, and an ordered categorical of values for readers."""
    for column in ("device", "location", "sex"):
        if column in clips:
            values = clips[column].astype(str).replace("", UNKNOWN)
            yield column, _ordered(values, sorted(set(values) - {UNKNOWN}))
    if "age" in clips:
        edges = [-np.inf, *AGES.values()]
        yield "age (years)", _ordered(pd.cut(clips["age"], edges, right=False, labels=list(AGES)), list(AGES))
    if "native_rate" in clips:
        rates = [f"{rate:g} Hz" for rate in sorted(clips["native_rate"].dropna().unique())]
        yield "native rate", _ordered(clips["native_rate"].map("{:g} Hz".format, na_action="ignore"), rates)
    cuts = np.quantile(clips["seconds"][tested], np.linspace(0, 1, LENGTHS + 1)[1:-1])
    edges = [-np.inf, *np.unique([float(f"{cut:.2g}") for cut in cuts]), np.inf]
    names = [f"up to {high:g} s" for high in edges[1:-1]] + [f"over {edges[-2]:g} s"]
    yield "cycle length", _ordered(pd.cut(clips["seconds"], edges, labels=names), names)


def _ordered(values: "pd.Series[str]", names: Sequence[str]) -> "pd.Series[str]":
    """Make a categorical of values in the order of their names, unknown ones last."""
    return pd.Series(pd.Categorical(values.astype(object).fillna(UNKNOWN), [*names, UNKNOWN]))
