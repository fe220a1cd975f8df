"""What changed between two results folders of the same benchmark, and whether it is beyond noise."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from respbench.benchmarks.statistics.intervals import Difference, Estimate
from respbench.benchmarks.statistics.metrics import LEADING
from respbench.benchmarks.statistics.multiplicity import ALPHA, holm
from respbench.benchmarks.statistics.results import ModelResults, Results
from respbench.benchmarks.storage.store import StoredFit

ROUNDING = 1e-6
"""Probabilities that differ by less differ by the order of summation, or by how they were written."""


@dataclass(frozen=True, kw_only=True)
class Predicted:
    """How the predictions of a model changed, over the fits that both folders have.

    Attributes:
        fits: number of these fits.
        same_bytes: how many of them have the same bytes.
        refolded: how many of them tested other clips.
        largest: largest change of a probability, over the clips that both tested.
        decided: share of these clips that are given another class.
        only_before: number of fits that the first folder alone has.
        only_after: number of fits that the second folder alone has.
    """

    fits: int
    same_bytes: int
    refolded: int
    largest: float
    decided: float
    only_before: int
    only_after: int

    @property
    def identical(self) -> bool:
        """Whether every shared fit has the same bytes."""
        return 0 < self.fits == self.same_bytes

    @property
    def changed(self) -> bool:
        """Whether some shared fit tested other clips, or predicts more than rounding can explain."""
        return bool(self.refolded) or self.largest > ROUNDING


@dataclass(frozen=True, kw_only=True)
class ModelChange:
    """One model in both folders.

    Attributes:
        model: its name.
        predicted: how its predictions changed.
        same_code: whether code, data, parameters and libraries of its fits have one identity.
        parameters: those that differ, before and after.
        repeats: number of repeats that both folders have in full; the metrics are over these.
        before: each metric in the first folder; empty unless both are complete.
        after: each metric in the second folder.
        gain: after minus before, on the same patients and repeats.
        p_values: of the gains in `LEADING`, adjusted by Holm over the models whose predictions changed.
        incomplete: why there are no metrics; empty if nothing is lacking.
    """

    model: str
    predicted: Predicted
    same_code: bool
    parameters: Mapping[str, tuple[object, object]]
    repeats: int = 0
    before: Mapping[str, Estimate] = field(default_factory=dict)
    after: Mapping[str, Estimate] = field(default_factory=dict)
    gain: Mapping[str, Difference] = field(default_factory=dict)
    p_values: Mapping[str, float] = field(default_factory=dict)
    incomplete: str = ""

    @property
    def beyond_noise(self) -> dict[str, Difference]:
        """The gains in `LEADING` that are beyond noise."""
        return {metric: self.gain[metric] for metric, p in self.p_values.items() if p < ALPHA}


@dataclass(frozen=True, kw_only=True)
class Changes:
    """Two results folders side by side.

    Attributes:
        obstacles: why their numbers can't be compared, one clause each; then ``models`` have no metrics.
        models: those that both folders have, in the order of the second.
        only_before: models of the first folder alone.
        only_after: models of the second folder alone.
        circumstances: what else differs: name, before, after.
    """

    obstacles: tuple[str, ...]
    models: tuple[ModelChange, ...]
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]
    circumstances: tuple[tuple[str, str, str], ...]


def changes(before: Results, after: Results) -> Changes:
    """Compare two results folders, model by model."""
    obstacles = tuple(_obstacles(before, after))
    first = {model.name: model for model in before.models}
    second = {model.name: model for model in after.models}
    models = [_change(first[name], second[name], comparable=not obstacles) for name in second if name in first]
    return Changes(
        obstacles=obstacles,
        models=tuple(_with_p_values(models)),
        only_before=tuple(name for name in first if name not in second),
        only_after=tuple(name for name in second if name not in first),
        circumstances=tuple(_circumstances(before, after)),
    )


def _obstacles(before: Results, after: Results) -> Iterator[str]:
    """Why the numbers of two folders can't be compared."""
    for what, one, other in (
        ("corpus", before.corpus.name, after.corpus.name),
        ("task", before.task, after.task),
        ("protocol", before.protocol.name, after.protocol.name),
    ):
        if one != other:
            yield f"the {what} is {one} before and {other} after"
    if before.corpus.name == after.corpus.name and before.corpus.fingerprint != after.corpus.fingerprint:
        yield f"the contents of the corpus {before.corpus.name} differ"
    elif before.patients != after.patients:
        yield f"{len(set(before.patients) ^ set(after.patients))} patients were tested on one side only"


def _change(before: ModelResults, after: ModelResults, *, comparable: bool) -> ModelChange:
    known = before.fits and after.fits
    records = [model.fits[0].record for model in (before, after)] if known else []
    parameters = [record.parameters for record in records] or [{}, {}]
    names = dict.fromkeys((*parameters[0], *parameters[1]))
    found = ModelChange(
        model=after.name,
        predicted=_predicted(before.fits, after.fits) if comparable else _predicted((), ()),
        same_code=len({record.fingerprint for record in records}) == 1,
        parameters={
            name: (parameters[0].get(name), parameters[1].get(name))
            for name in names
            if parameters[0].get(name) != parameters[1].get(name)
        },
        incomplete="; ".join(
            f"{where}: {model.status}" for where, model in (("before", before), ("after", after)) if not model.complete
        )
        or ("" if before.shared_seeds(after) else "no repeat is on both sides"),
    )
    if not comparable or found.incomplete:
        return found
    shared = after.shared_seeds(before)
    metrics = list(after.values)
    return replace(
        found,
        repeats=len(shared),
        before={metric: before.estimate_on(shared, metric) for metric in metrics},
        after={metric: after.estimate_on(shared, metric) for metric in metrics},
        gain={metric: after.minus(before, metric) for metric in metrics},
    )


def _predicted(before: Sequence[StoredFit], after: Sequence[StoredFit]) -> Predicted:
    """Compare the predictions of two models, fit by fit."""
    first = {(fit.key.seed, fit.key.fold): fit for fit in before}
    second = {(fit.key.seed, fit.key.fold): fit for fit in after}
    shared = sorted(first.keys() & second.keys())
    same = refolded = flipped = clips = 0
    largest = 0.0
    for key in shared:
        one, other = first[key], second[key]
        if one.record.predictions_digest == other.record.predictions_digest:
            same, clips = same + 1, clips + len(one.predictions)
            continue
        classes = list(other.record.classes)
        tables = [fit.predictions.set_index("clip_id")[classes] for fit in (one, other)]
        both = tables[0].index.intersection(tables[1].index)
        refolded += not len(both) == len(tables[0]) == len(tables[1])
        p, q = (table.loc[both].to_numpy(np.float64) for table in tables)
        largest = max(largest, float(np.abs(p - q).max(initial=0.0)))
        flipped += int((p.argmax(axis=1) != q.argmax(axis=1)).sum())
        clips += len(both)
    return Predicted(
        fits=len(shared),
        same_bytes=same,
        refolded=refolded,
        largest=largest,
        decided=flipped / clips if clips else 0.0,
        only_before=len(first) - len(shared),
        only_after=len(second) - len(shared),
    )


def _with_p_values(models: Sequence[ModelChange]) -> list[ModelChange]:
    """Adjust the p-values of each metric over the models whose predictions changed."""
    family = [model for model in models if model.gain and model.predicted.changed]
    adjusted = {metric: holm(np.array([model.gain[metric].p_value for model in family])) for metric in LEADING}
    found = {model.model: {metric: float(adjusted[metric][i]) for metric in LEADING} for i, model in enumerate(family)}
    return [replace(model, p_values=found.get(model.model, {})) for model in models]


def _circumstances(before: Results, after: Results) -> Iterator[tuple[str, str, str]]:
    """What the fits of two folders were made with, where that differs."""
    ways: dict[str, Callable[[StoredFit], Iterable[str]]] = {
        "versions": lambda fit: (f"{name} {version}" for name, version in fit.record.versions.items()),
        "hardware": lambda fit: (fit.record.hardware,),
        "threads per fit": lambda fit: (str(fit.record.threads),),
        "corpus fingerprint": lambda fit: (fit.record.corpus.fingerprint,),
    }
    for what, values in ways.items():
        one, other = ({value for fit in results.own_fits for value in values(fit)} for results in (before, after))
        if one != other:
            yield what, ", ".join(sorted(one - other)) or "as after", ", ".join(sorted(other - one)) or "as before"
