"""The opening of a report: which model leads, by how much, and whether these patients can show it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from respbench.benchmarks.statistics.effective import EffectiveSize, effective_sizes
from respbench.benchmarks.statistics.intervals import UNKNOWN_DIFFERENCE, Difference, Estimate
from respbench.benchmarks.statistics.metadata_control import gain_of
from respbench.benchmarks.statistics.metrics import COMPARED, LEADING, METRICS
from respbench.benchmarks.statistics.pairwise import Pairwise, Rank, ranks
from respbench.benchmarks.statistics.results import METADATA, ModelResults, Results

METRIC = LEADING[0]
"""By which the table is sorted and the leader is found."""


@dataclass(frozen=True, kw_only=True)
class Gap:
    """The leader minus another model on the same patients, by metric of `LEADING`.

    Attributes:
        other: the other model.
        fewer_repeats: whether one of the two has repeats that the other lacks.
        differences: with intervals, each for this pair alone.
    """

    other: str
    fewer_repeats: bool
    differences: dict[str, Difference]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the opening shows.

    Attributes:
        leader: the model with the highest score; None if no model is complete.
        models: number of complete models that were fitted here.
        next: the leader beside the second model of the table.
        control: the leader beside `metadata`, which gets no audio; None if that leads or is not complete.
        gain: what the leader adds to `metadata`, see `gain_over_metadata`; NaN where ``control`` is None.
        above: models that the leader is shown to exceed in score, adjusted for all pairs.
        not_separated: the others.
        pairs: number of pairs.
        clips: how the tested clips are spread over patients.
        headers: of the table.
        table: one row per model.
        flattering: whether it has columns of what models would report after a mistake.
    """

    leader: ModelResults | None
    models: int
    next: Gap | None
    control: Gap | None
    gain: Difference
    above: tuple[str, ...]
    not_separated: tuple[str, ...]
    pairs: int
    clips: EffectiveSize | None
    headers: list[str]
    table: list[list[object]]
    flattering: bool


@dataclass(frozen=True, kw_only=True)
class Flattery:
    """A metric, by model, that the same models would report after a mistake of much published work, where measured.

    Attributes:
        metric: AUROC; the score where no class is ``normal``, on which known people tell more.
        leaky: with patients in training and test alike.
        picked: with the epoch picked on the test patients.
    """

    metric: str = "auroc"
    leaky: Mapping[str, Estimate] = field(default_factory=dict)
    picked: Mapping[str, Estimate] = field(default_factory=dict)


def answer(results: Results, flattery: Flattery) -> Answer:
    """Compare the leader with the next model, with the control without audio, and with all others.

    What comes from outside is in the table, but doesn't lead: it may have been trained on the patients it predicts.

    Args:
        results: of the folder.
        flattery: what is shown beside the models' own numbers.
    """
    leader, *others = [model for model in results.complete if not model.from_outside] or (None,)
    pairs = Pairwise.of(results, METRIC)
    metadata = next((model for model in others if model.name == METADATA), None)
    columns: dict[str, Mapping[str, Estimate]] = {
        f"*LEAKY: {METRICS[flattery.metric]}*": flattery.leaky,
        f"*PICKED ON TEST: {METRICS[flattery.metric]}*": flattery.picked,
    }
    measured = {header: values for header, values in columns.items() if values}
    headers = ["model", "kind", "repeats", *(METRICS[metric] for metric in COMPARED), "rank", *measured]
    incomplete = len(results.complete) < len(results.models)
    above = tuple(model.name for model in others if leader and pairs.better(leader.name, model.name))
    return Answer(
        leader=leader,
        models=len(others) + 1 if leader else 0,
        next=_gap(leader, others[0]) if leader and others else None,
        control=_gap(leader, metadata) if leader and metadata else None,
        gain=gain_of(leader, metadata, len(results.patients)) if leader and results.has_normal else UNKNOWN_DIFFERENCE,
        above=above,
        not_separated=tuple(model.name for model in others if model.name not in above),
        pairs=pairs.family,
        clips=_spread(leader, results) if leader else None,
        headers=[*headers, *(["status"] * incomplete)],
        table=[_row(model, ranks(pairs), list(measured.values()), incomplete) for model in results.models],
        flattering=bool(measured),
    )


def _gap(leader: ModelResults, other: ModelResults) -> Gap:
    differences = {metric: leader.minus(other, metric) for metric in LEADING}
    return Gap(other=other.name, fewer_repeats=leader.seeds != other.seeds, differences=differences)


def _spread(leader: ModelResults, results: Results) -> EffectiveSize:
    return effective_sizes(next(iter(leader.predictions.values())), len(results.patients))["clips"]


def _row(
    model: ModelResults, found: Mapping[str, Rank], beside: list[Mapping[str, Estimate]], incomplete: bool
) -> list[object]:
    flattering = [f"*{value.value:.3f}*" if (value := values.get(model.name)) else "" for values in beside]
    estimates = [model.estimate(metric) for metric in COMPARED]
    status = [model.status] * incomplete
    return [
        model.name,
        model.kind or "",
        model.repeats or "",
        *estimates,
        found.get(model.name, ""),
        *flattering,
        *status,
    ]
