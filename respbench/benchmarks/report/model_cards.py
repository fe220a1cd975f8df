"""The cards of models: the registry's entries that have committed results, with what these say about each."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from respbench.benchmarks.report import markdown
from respbench.benchmarks.report.folders import report_folders
from respbench.benchmarks.report.tables import COSTS, Row, read_leaderboard
from respbench.benchmarks.report.weak_spots import WeakSpots, weak_spots
from respbench.benchmarks.statistics.formatting import Markdown, cell, number
from respbench.features.encoders.catalog import ENCODERS
from respbench.models.registry import REGISTRY
from respbench.models.spec import ModelSpec

MAIN = {
    "ICBHI": ("icbhi", "abnormal", "patients-5fold"),
    "SPRSound": ("sprsound", "abnormal", "patients-5fold"),
    "HMP": ("hmp", "activity", "patients-5fold"),
}
"""The reports whose weak spots the cards state."""

TIMED = {**MAIN, "ICBHI, 10 % labeled": ("icbhi", "abnormal", "patients-5fold-labels10")}
"""The reports whose costs the cards state."""

INVALID = ("LEAKY", "NOT PATIENT-DISJOINT")
"""Warnings on numbers that hold for no new patient."""

HOLD = {"crackle": "crackles", "wheeze": "wheezes", "both": "both crackles and wheezes"}

LEFT_OUT = ("-ablation",)
"""Endings of folders whose rows are variants, not the entries themselves."""


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """What the card of one model shows.

    Attributes:
        spec: its entry.
        file: its source, relative to the project.
        parameters: its default parameters.
        license: of third-party weights; empty = there are none.
        costs: one row per main report.
        performance: one row per report.
        failures: one sentence per main report, where one can be made.
    """

    spec: ModelSpec
    file: Markdown
    parameters: str
    license: str
    costs: list[list[object]]
    performance: list[list[object]]
    failures: list[Markdown]


def model_cards(results: Path) -> str:
    """Write the page of all cards, from the folder of all results."""
    boards = {
        folder.relative_to(results): _complete(folder)
        for folder in report_folders(results)
        if not folder.name.endswith(LEFT_OUT)
    }
    costs = {corpus: COSTS.read(results.joinpath(*place)) for corpus, place in TIMED.items()}
    spots = {corpus: weak_spots(results.joinpath(*place)) for corpus, place in MAIN.items()}
    run = [spec for name, spec in REGISTRY.items() if any(name in board for board in boards.values())]
    cards = [_card(spec, boards, costs, spots) for spec in run]
    rest = [[spec.name, str(spec.kind), spec.source] for spec in REGISTRY.values() if spec not in run]
    return markdown.render("model_cards.md.j2", cards=cards, rest=rest)


def _card(
    spec: ModelSpec,
    boards: Mapping[Path, Mapping[str, Row]],
    costs: Mapping[str, Mapping[str, Row]],
    spots: Mapping[str, Mapping[str, WeakSpots]],
) -> ModelCard:
    target = spec.target.partition(":")[0].replace(".", "/") + ".py"
    encoder = ENCODERS.get(str(spec.overrides.get("encoder", "")))
    parts = [spec.parameters()] if not spec.components or encoder is None else [{**spec.overrides}]
    return ModelCard(
        spec=spec,
        file=Markdown(f"[{target}](../../{target})"),
        parameters=", ".join(f"{name} = {value}" for one in parts for name, value in one.items()) or "none",
        license=f"{encoder.license}, {'' if encoder.commercial else 'no '}commercial use" if encoder else "",
        costs=[[corpus, *_costs(rows[spec.name])] for corpus, rows in costs.items() if spec.name in rows],
        performance=[_performance(place, board[spec.name]) for place, board in boards.items() if spec.name in board],
        failures=[
            sentence
            for corpus, found in spots.items()
            if spec.name in found
            for sentence in _sentences(corpus, found[spec.name])
        ],
    )


def _complete(folder: Path) -> dict[str, Row]:
    return {name: row for name, row in read_leaderboard(folder).items() if row["status"].complete}


def _costs(row: Row) -> list[object]:
    return [
        f"{row['parameters']:,}" if row["parameters"] is not None else "n/a",
        number(row["fit_seconds"], ".1f"),
        number(row["cold_ms_per_clip"], ".1f"),
        number(row["peak_mb"], ".0f"),
        row["hardware"],
    ]


def _performance(place: Path, row: Row) -> list[object]:
    flags = row["warning"]
    invalid = any(flag in flags for flag in INVALID)
    link = Markdown(f"[{' · '.join(place.parts)}](../../results/{quote(place.as_posix())}/README.md)")
    values = [cell(row[metric]) for metric in ("score", "auroc")]
    return [link, row["repeats"], *(Markdown(f"*{value}*") if invalid else value for value in values), flags]


def _sentences(corpus: str, found: WeakSpots) -> list[Markdown]:
    sentences = []
    if spot := found.ranked:
        where = f"{cell(spot.estimate)} ({spot.by}: {spot.value}; {spot.patients} patients)"
        sentences.append(f"{corpus}: its lowest AUROC among subgroups is {where}, {number(spot.overall)} over all.")
    if spot := found.missed:
        share = f"{cell(spot.estimate)} ({spot.patients} patients), {number(spot.overall)} over all"
        sentences.append(f"{corpus}: it calls fewest clips abnormal among those that hold {HOLD[spot.value]}: {share}.")
    return [Markdown(sentence) for sentence in sentences]
