"""A model beside the one that it differs from in one thing: its supervised twin, or itself with default parameters."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.report.markdown import listed
from benchmarks.statistics.bootstrap import Estimate
from benchmarks.statistics.results import COMPLETE, Entry, difference


@dataclass(frozen=True)
class Pair:
    """A model and its reference.

    Attributes:
        model: the one that is judged.
        reference: the one it is set against; None if it isn't in the folder.
        absent: the words for that.
    """

    model: Entry
    reference: Entry | None
    absent: str

    @property
    def status(self) -> str:
        """``complete``, or why the two can't be compared."""
        if self.reference is None:
            return self.absent
        lacking = [f"`{entry.model}` {entry.status}" for entry in (self.model, self.reference) if not entry.complete]
        return "; ".join(lacking) or COMPLETE

    def gain(self, metric: str) -> Estimate:
        """The model minus its reference, on the same resampled patients; NaN where they can't be compared."""
        if self.reference is None or self.status != COMPLETE:
            return Estimate(np.nan, np.nan, np.nan)
        return difference(self.model, self.reference, metric)


def words_on(what: str, gains: Mapping[str, Estimate], outcomes: tuple[str, str, str]) -> str:
    """Which models gain, lose, or are not shown to differ, in a sentence.

    Args:
        what: is compared, for readers: a metric.
        gains: by model, the model minus its reference.
        outcomes: what those are that gain, lose, or are not shown to differ.
    """
    better, worse, neither = outcomes
    known = {model: gain for model, gain in gains.items() if np.isfinite(gain.value)}
    groups: dict[str, list[str]] = {
        better: [model for model, gain in known.items() if gain.low > 0],
        worse: [model for model, gain in known.items() if gain.high < 0],
        neither: [model for model, gain in known.items() if not gain.excludes_zero],
    }
    if len(known) < len(gains):
        groups["undefined"] = [model for model in gains if model not in known]
    said = [f"{group}: {listed(models)}" for group, models in groups.items()]
    return f"On {what}, {'; '.join(said)}."
