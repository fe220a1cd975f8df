"""The part of a model's page about its tuning: what each study chose, and which parameters mattered."""

import numpy as np

from benchmarks.report.markdown import Page, listed
from benchmarks.statistics.results import Entry
from benchmarks.storage.records import TrialRecord
from benchmarks.tuning.analysis import ENOUGH, chosen, importances, trials_of


def add_studies(page: Page, entry: Entry) -> None:
    """What each study of a tuned model chose, and which parameters mattered; nothing of other models."""
    if not entry.untuned or not entry.stored:
        return
    names = list(dict.fromkeys(name for record in trials_of(entry) for name in record.suggested))
    page.table(
        f"`{entry.model}`, the parameters that each study chose, by their names in its space; empty: not part of it.",
        ["seed", "fold", "chosen trial", "inner AUROC", *names],
        [[stored.key.seed, stored.key.fold, *_chosen(chosen(stored), names)] for stored in entry.stored],
    )
    shares = importances(entry)
    if not shares:
        page.text(
            f"Which parameters matter can't be told: that takes a study with {ENOUGH} completed trials beside the "
            "defaults that don't all have the same AUROC."
        )
        return
    page.table(
        f"`{entry.model}`, importance: the share of what the inner AUROC of completed trials varies by that each "
        "parameter explains by itself (functional analysis of variance); the rest is due to several at once.",
        ["parameter", "mean over studies", "lowest to highest", "studies that tell"],
        [
            [name, f"{np.mean(each):.2f}", f"{min(each):.2f} to {max(each):.2f}", f"{len(each)} of {len(entry.stored)}"]
            for name, each in shares.items()
        ],
    )
    unknown = [name for name in names if name not in shares]
    if unknown:
        page.text(f"Not told, since not every trial has it: {listed(unknown)}.")


def _chosen(record: TrialRecord, names: list[str]) -> list[object]:
    """Trial, inner AUROC and parameters of a row."""
    if record.number == 0:
        return ["defaults", f"{record.value:.3f}", *("default" for _ in names)]
    return [record.number, f"{record.value:.3f}", *(_shown(record.suggested.get(name, "")) for name in names)]


def _shown(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
