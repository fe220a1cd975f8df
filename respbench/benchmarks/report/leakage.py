"""The page about leakage: models tested on patients they were trained on, beside models tested on new ones."""

from dataclasses import dataclass
from pathlib import Path

from respbench.benchmarks.statistics.intervals import Difference, Estimate
from respbench.benchmarks.statistics.loading import load_results
from respbench.benchmarks.statistics.metrics import LEADING, evaluate_leading
from respbench.benchmarks.statistics.results import ModelResults, Results
from respbench.benchmarks.storage.store import Store
from respbench.corpora.protocol import Kind


@dataclass(frozen=True, kw_only=True)
class Leak:
    """One model under both protocols, by metric of `LEADING`, on the repeats that both have.

    Attributes:
        model: its name.
        repeats: number of those repeats.
        apart: tested on patients who are not in training.
        mixed: tested on patients who are.
        gap: mixed minus apart, on the same patients with equal weight on both sides.
    """

    model: str
    repeats: int
    apart: dict[str, Estimate]
    mixed: dict[str, Estimate]
    gap: dict[str, Difference]


@dataclass(frozen=True, kw_only=True)
class Leakage:
    """What the page shows: the two protocols, the models in the order of the table, and who lacks one side."""

    apart: str
    mixed: str
    leaks: tuple[Leak, ...]
    absent: tuple[str, ...]

    def rows(self, metric: str) -> list[list[object]]:
        """Model, repeats, value on new and on known patients, and gap: rows of a table."""
        return [
            [leak.model, leak.repeats, leak.apart[metric], leak.mixed[metric], leak.gap[metric]] for leak in self.leaks
        ]

    def lowest(self, metric: str) -> Leak:
        """The model with the smallest gap."""
        return min(self.leaks, key=lambda leak: leak.gap[metric].value)

    def highest(self, metric: str) -> Leak:
        """The model with the largest gap."""
        return max(self.leaks, key=lambda leak: leak.gap[metric].value)


def leakage(results: Results, folder: Path) -> Leakage | None:
    """Compare a folder with that of its counterpart beside it.

    Args:
        results: of ``folder``.
        folder: of a protocol that keeps patients apart, or of its counterpart that mixes them.

    Returns:
        None if there is no counterpart, or its folder is missing or holds other patients, or other models and repeats.
    """
    beside = Store(folder.parent / results.protocol.counterpart)
    if not results.protocol.counterpart or beside.corpus_fingerprint() != results.corpus.fingerprint:
        return None
    shared = {key.seed for key in set(beside.fits()) - set(beside.failures())} & set(results.seeds)
    if not shared:
        return None
    other = load_results(beside, measure=evaluate_leading, seeds=shared)
    if other.patients != results.patients or other.task != results.task:
        return None
    apart, mixed = (results, other) if results.protocol.kind is Kind.PATIENTS else (other, results)
    pairs = [
        (model, same)
        for model in results.complete
        if (same := other.find(model.name)) and same.shared_seeds(model) and not model.from_outside
    ]
    if not pairs:
        return None
    ordered = pairs if apart is results else [(same, model) for model, same in pairs]
    found = {model.name for model, _ in pairs}
    names = [model.name for one in (apart, mixed) for model in one.models if not model.from_outside]
    return Leakage(
        apart=apart.protocol.name,
        mixed=mixed.protocol.name,
        leaks=tuple(_leak(*pair) for pair in ordered),
        absent=tuple(dict.fromkeys(name for name in names if name not in found)),
    )


def _leak(apart: ModelResults, mixed: ModelResults) -> Leak:
    shared = apart.shared_seeds(mixed)
    return Leak(
        model=apart.name,
        repeats=len(shared),
        apart={metric: apart.estimate_on(shared, metric) for metric in LEADING},
        mixed={metric: mixed.estimate_on(shared, metric) for metric in LEADING},
        gap={metric: mixed.minus(apart, metric) for metric in LEADING},
    )
