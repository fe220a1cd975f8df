"""What networks would report had their epochs been picked on the test patients, as in much published code.

Never a row of its own: it measures by how much that choice flatters, beside the network's row.
"""

from dataclasses import dataclass, replace

import numpy as np

from respbench.benchmarks.statistics.intervals import Difference, Estimate, interval, leave_one_out
from respbench.benchmarks.statistics.metrics import LEADING, Predictions, evaluate
from respbench.benchmarks.statistics.results import ModelResults, Results
from respbench.benchmarks.storage.picks import Picks, StoredPick
from respbench.benchmarks.storage.store import Store


@dataclass(frozen=True, kw_only=True)
class PickedOnTest:
    """A network beside itself with its epochs picked on the test patients.

    Attributes:
        honest: the network as its row shows it.
        flattered: the same fits with the predictions of the picked epochs; only repeats with a pick for each fold.
        kept: of each fit with a pick, the epoch that was kept without the test patients.
        picked: of each, the epoch that is best on them.
        gains: of each, balanced accuracy on the fold's test clips, picked epoch minus the one kept; never negative,
            since that one is among those to pick from.
    """

    honest: ModelResults
    flattered: ModelResults
    kept: tuple[int, ...]
    picked: tuple[int, ...]
    gains: tuple[float, ...]

    @property
    def same_epoch(self) -> int:
        """Number of fits in which both epochs are the same."""
        return sum(kept == picked for kept, picked in zip(self.kept, self.picked, strict=True))

    def estimate(self, metric: str) -> Estimate:
        """What would be reported, with the interval that it would get; one of ``LEADING``."""
        return interval(self.flattered.values[metric], "logit", self.flattered.draws)

    def gain(self, metric: str) -> Difference:
        """By how much that is above the network's row, on the same patients and repeats."""
        rows = [self.honest.seeds.index(seed) for seed in self.flattered.seeds]
        values = self.flattered.values[metric] - self.honest.values[metric][rows]
        return Difference(**vars(interval(values, "plain", self.honest.draws)))


def picked_on_test(store: Store, results: Results) -> tuple[PickedOnTest, ...]:
    """Evaluate the picks of a results folder, in the order of its table; models without any are left out.

    Args:
        store: the results folder.
        results: loaded from it.
    """
    return tuple(found for model in results.complete if (found := _picked(store, model, len(results.patients))))


def _picked(store: Store, model: ModelResults, patients: int) -> PickedOnTest | None:
    picks = {fit.key: pick for fit in model.fits if (pick := Picks(store).read(fit.key)) is not None}
    seeds = [seed for seed in model.seeds if all(fit.key in picks for fit in model.fits if fit.key.seed == seed)]
    fits = [fit for fit in model.fits if fit.key.seed in seeds]
    if not fits:
        return None
    predictions = {
        seed: _with_picks(model.predictions[seed], [picks[fit.key] for fit in fits if fit.key.seed == seed])
        for seed in seeds
    }
    found = [evaluate(one, leave_one_out(patients)) for one in predictions.values()]
    values = {metric: np.array([one[metric] for one in found]) for metric in LEADING}
    kept = tuple(int(row["epoch"]) for fit in fits for row in fit.record.curve if row.get("kept"))
    records = [picks[fit.key].record for fit in fits]
    if len(kept) < len(fits):  # a model of the user's may record no epoch that it kept
        return None
    return PickedOnTest(
        honest=model,
        flattered=replace(model, fits=tuple(fits), predictions=predictions, values=values),
        kept=kept,
        picked=tuple(record.epoch for record in records),
        gains=tuple(max(one.scores) - one.scores[epoch] for one, epoch in zip(records, kept, strict=True)),
    )


def _with_picks(predictions: Predictions, picks: list[StoredPick]) -> Predictions:
    """The same clips in the same order, with the probabilities of the picked epochs; one pick per fold, by fold."""
    classes = list(predictions.classes)
    tables = [pick.predictions[classes].to_numpy(np.float64) for pick in picks]
    return replace(predictions, probabilities=np.concatenate(tables))
