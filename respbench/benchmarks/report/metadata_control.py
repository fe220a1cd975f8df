"""The section about what models add to metadata."""

import math
from dataclasses import dataclass

from respbench.benchmarks.statistics.formatting import p_text
from respbench.benchmarks.statistics.intervals import Difference, Estimate
from respbench.benchmarks.statistics.metadata_control import WITHIN, metadata_control
from respbench.benchmarks.statistics.multiplicity import ALPHA
from respbench.benchmarks.statistics.results import METADATA, Results


@dataclass(frozen=True, kw_only=True)
class Added:
    """What the section shows.

    Attributes:
        rows: of the table, one per model that is no control.
        gains: of the models that are shown to add to `metadata`, by model.
        within: by metric of `WITHIN`, the models that are shown to be above chance, with their values.
        open: names of the models that are shown to add something by none of these.
        undefined: names of the models without a gain.
        has_metadata: whether `metadata` is complete.
    """

    rows: list[list[object]]
    gains: dict[str, Difference]
    within: dict[str, dict[str, Estimate]]
    open: tuple[str, ...]
    undefined: tuple[str, ...]
    has_metadata: bool


def added(results: Results) -> Added:
    """Judge what each model adds to `metadata`."""
    found = metadata_control(results)
    gains = {one.model: one.gain for one in found if one.gain.value > 0 and one.gain_p < ALPHA}
    within: dict[str, dict[str, Estimate]] = {
        metric: {
            one.model: value
            for one in found
            if (value := one.within[metric]) and value.value > 0.5 and one.within_p[metric] < ALPHA
        }
        for metric in WITHIN
    }
    shown = gains.keys() | within["auroc_within_strata"].keys() | within["auroc_within_recordings"].keys()
    rows: list[list[object]] = [
        [
            one.model,
            one.gain,
            p_text(one.gain_p),
            *(part for metric in WITHIN for part in (one.within[metric], p_text(one.within_p[metric]))),
        ]
        for one in found
    ]
    return Added(
        rows=rows,
        gains=gains,
        within=within,
        open=tuple(one.model for one in found if one.model not in shown),
        undefined=tuple(one.model for one in found if math.isnan(one.gain.value)),
        has_metadata=results.find(METADATA) is not None,
    )
