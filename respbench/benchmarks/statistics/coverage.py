"""How often the suite's intervals hold the truth, in simulated studies: what ``make coverage`` measures."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path
from zlib import crc32

import msgspec
import numpy as np

from respbench.benchmarks.statistics.intervals import LEVEL, interval, leave_one_out
from respbench.benchmarks.statistics.metrics import Floats
from respbench.benchmarks.statistics.studies import DIVISIONS, FOLDS, MEASURED, Scenario, Studies, simulate
from respbench.benchmarks.storage.files import write_atomically
from respbench.corpora.code_identity.identity import code_identity
from respbench.corpora.digests import digest
from respbench.corpora.protocol import Kind, Protocol

CHOSEN = {
    "strong": Scenario(effect=2.0),
    "weak": Scenario(patients=64, effect=0.8),
    "few patients": Scenario(patients=30, effect=1.5),
    "dominant patient": Scenario(patients=64, dominant=0.25),
    "four classes": Scenario(patients=64, classes=4, effect=2.0),
}
"""The scenarios by which the form of the interval was chosen."""

HELD_OUT = {
    "equal classifiers": Scenario(patients=50, equal=True),
    "frequent abnormal clips": Scenario(patients=40, effect=1.0, prevalence=(1.0, 1.0)),
    "rare abnormal clips": Scenario(patients=60, effect=1.8, prevalence=(0.4, 1.6)),
    "60 features": Scenario(patients=50, features=60),
    "five repeats, 15 % of one patient": Scenario(patients=36, dominant=0.15, repeats=5),
}
"""Those that the chosen form was only checked with."""

CHOSEN_BY, CHECKED_WITH = "chosen by", "checked with"

SCENARIOS = {**CHOSEN, **HELD_OUT}

LAYOUTS, SHARING = 50, 20
"""Layouts of a scenario, and studies that share one."""

DESIGNS = {"one repeat": ("patients", 1), "repeats": ("patients", None), "draws of labels": ("draws", None)}
"""A division of `studies.DIVISIONS` and how many of its repeats are averaged; None = all."""

DRAWN = list(DIVISIONS).index("draws")

QUANTITIES = ("model", "other model", "difference")

GOAL = 0.93, 0.97
"""Shares of the intervals that should hold the method's expected performance, in every cell."""

MEASUREMENTS = Path(__file__).with_suffix(".csv")
"""The committed measurements, for reports."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """Coverage in one scenario, design, metric and quantity.

    Attributes:
        scenario: name of it.
        block: `CHOSEN_BY`, or `CHECKED_WITH` where the scenario had no part in choosing the form of the interval.
        design: what was estimated, see `DESIGNS`.
        metric: name of it.
        quantity: the metric of one model, of the other, or their difference.
        studies: number of them.
        method: share of the intervals that hold the method's expected performance.
        fits: share that hold the performance of the very fits of the study.
        width: mean width of an interval.
        bootstrapped: number of studies with a percentile interval by bootstrap over patients.
        bootstrap_method: share of these that hold the method's expected performance.
        bootstrap_width: their mean width.
    """

    scenario: str
    block: str
    design: str
    metric: str
    quantity: str
    studies: int
    method: float
    fits: float
    width: float
    bootstrapped: int
    bootstrap_method: float
    bootstrap_width: float


@dataclass(frozen=True)
class Batch:
    """The studies that share a layout of a scenario.

    Attributes:
        scenario: name of it.
        number: of the layout, from 0.
        kept: folder of finished ones, so that a run that was stopped goes on.
    """

    scenario: str
    number: int
    kept: Path

    def studies(self) -> Studies:
        """Read the studies, or simulate and keep them."""
        scenario = SCENARIOS[self.scenario]
        code = code_identity(
            "respbench.benchmarks.statistics.studies:simulate",
            "respbench.benchmarks.statistics.intervals:leave_one_out",
        )
        version = digest([code, repr(scenario), f"{SHARING}"])
        path = self.kept / f"{version}-{self.number}.npz"
        if not path.exists():
            rng = np.random.default_rng([crc32(self.scenario.encode()), self.number])
            buffer = io.BytesIO()
            np.savez(buffer, **vars(simulate(scenario, leave_one_out(scenario.patients), SHARING, rng)))
            write_atomically(path, buffer.getvalue())
        with np.load(path, allow_pickle=False) as stored:
            return Studies(**stored)


@dataclass(frozen=True)
class Found:
    """Intervals and truths of studies; axes: studies, designs, metrics, quantities.

    Attributes:
        ends: (…, 2) lower and upper end.
        truths: (…) of the very fits.
        bootstrap: (1, designs, metrics, quantities, 2) percentile interval of the first study.
    """

    ends: Floats
    truths: Floats
    bootstrap: Floats


def measure(batch: Batch) -> Found:
    """Compute the intervals of every study of a batch."""
    found = batch.studies()
    truths = [found.truths[:, division, :, :, :repeats].mean(axis=-1) for division, repeats in _designs()]
    ends = [
        [_ends(study[division][:, :, :repeats], division == DRAWN) for division, repeats in _designs()]
        for study in found.values
    ]
    tails = [(100 - LEVEL) / 2, (100 + LEVEL) / 2]
    resampled = [found.resampled[division, :, :, :repeats].mean(axis=2) for division, repeats in _designs()]
    percentiles = [np.nanpercentile(_quantities(drawn), tails, axis=-1) for drawn in resampled]
    return Found(
        ends=np.array(ends),
        truths=np.stack([np.moveaxis(_quantities(np.moveaxis(t, 0, -1)), -1, 0) for t in truths], axis=1),
        bootstrap=np.moveaxis(np.stack(percentiles), 1, -1)[None],
    )


def tabulate(scenario: str, found: Sequence[Found]) -> Iterator[Cell]:
    """Count how many intervals of a scenario hold the truth.

    Args:
        scenario: name of it.
        found: of its batches.
    """
    ends, truths, bootstrap = (np.concatenate([getattr(one, f.name) for one in found]) for f in fields(Found))
    method = truths.mean(axis=0)
    for place in np.ndindex(method.shape):
        design, metric, quantity = place
        low, high = ends[:, *place].T
        drawn = bootstrap[:, *place].T
        yield Cell(
            scenario=scenario,
            block=CHOSEN_BY if scenario in CHOSEN else CHECKED_WITH,
            design=list(DESIGNS)[design],
            metric=MEASURED[metric],
            quantity=QUANTITIES[quantity],
            studies=len(low),
            method=_share(low, method[place], high),
            fits=_share(low, truths[:, *place], high),
            width=float((high - low).mean()),
            bootstrapped=len(bootstrap),
            bootstrap_method=_share(drawn[0], method[place], drawn[1]),
            bootstrap_width=float((drawn[1] - drawn[0]).mean()),
        )


def to_csv(cells: Iterable[Cell]) -> str:
    """Format coverages as a table."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Cell)], lineterminator="\n")
    writer.writeheader()
    for cell in cells:
        writer.writerow({name: f"{v:.4f}" if isinstance(v, float) else v for name, v in asdict(cell).items()})
    return text.getvalue()


def read_coverage(path: Path = MEASUREMENTS) -> list[Cell]:
    """Read coverages that `to_csv` wrote; by default, the committed ones."""
    return [
        msgspec.convert(row, Cell, strict=False)
        for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines())
    ]


@cache
def coverage_clause() -> str:
    """State the committed coverages in a clause, for captions."""
    cells = read_coverage()
    mean = 100 * np.mean([cell.method for cell in cells])
    return f"they hold the expected performance in {range_of(cells)} % of simulated studies, on average {mean:.0f} %"


def was_simulated(protocol: Protocol) -> bool:
    """Whether the coverage was simulated for a protocol: for five folds by patient, with or without a label budget."""
    return protocol.kind is Kind.PATIENTS and protocol.folds == FOLDS


def scope_sentence(protocol: Protocol, with_normal: bool = True) -> str:
    """State what the intervals of a protocol are for, by whether a class of the task is ``normal``."""
    if with_normal and was_simulated(protocol):
        return "Intervals are for the method: its performance on new patients when it is trained on as many as here."
    where = "under this protocol" if with_normal else "for such a task"
    return f"Intervals are over the tested patients; their coverage was not simulated {where}."


def range_of(cells: Sequence[Cell], column: str = "method") -> str:
    """Format the lowest and the highest coverage of some cells, in %."""
    shares = [100 * getattr(cell, column) for cell in cells]
    return f"{min(shares):.1f} to {max(shares):.1f}"


def _designs() -> Iterator[tuple[int, int | None]]:
    """Number of the division of each design, and how many of its repeats are averaged."""
    return ((list(DIVISIONS).index(division), repeats) for division, repeats in DESIGNS.values())


def _quantities(both: Floats) -> Floats:
    """(metrics, 3 quantities, …) from (2 models, metrics, …)."""
    return np.stack([both[0], both[1], both[0] - both[1]], axis=1)


def _ends(values: Floats, draws: bool) -> list[list[tuple[float, float]]]:
    """Lower and upper end by metric and quantity, from values (2 models, metrics, repeats, rows)."""
    estimates = [
        [interval(quantity, "plain" if number == 2 else "logit", draws) for number, quantity in enumerate(metric)]
        for metric in _quantities(values)
    ]
    return [[(one.low, one.high) for one in metric] for metric in estimates]


def _share(low: Floats, truth: Floats, high: Floats) -> float:
    """Share of the intervals that hold the truth."""
    return float(((low <= truth) & (truth <= high)).mean())
