"""The numbers in README and docs, written from the committed results by `make tables` and checked by a test.

They are between ``<!-- begin NAME -->`` and ``<!-- end NAME -->``.
"""

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from respbench.benchmarks.report import encoder_tables, markdown
from respbench.benchmarks.report.answer import Flattery, answer
from respbench.benchmarks.report.markdown import metric_labels, plain_table
from respbench.benchmarks.report.tables import LEADERBOARD, TUNING, TWINS, read_leaderboard
from respbench.benchmarks.statistics.formatting import cell, number
from respbench.benchmarks.statistics.loading import load_results
from respbench.benchmarks.statistics.picked import picked_on_test
from respbench.benchmarks.statistics.results import Results
from respbench.benchmarks.storage.files import write_atomically
from respbench.benchmarks.storage.store import Store
from respbench.corpora.problems import InputError
from respbench.models.registry import REGISTRY
from respbench.models.spec import ModelKind

PROJECT = Path(__file__).resolve().parents[3]
RESULTS = Path("results")
SHOWN = ("icbhi", "abnormal", "patients-5fold")
LEAKY = "random-5fold"
TUNED = ("tuned", "icbhi", "abnormal", "patients-5fold")
TEN_DRAWS = ("ten-draws", "icbhi", "abnormal", "patients-5fold-labels10")
HOSPITALS = {
    "trained and tested on ICBHI": ("icbhi", "abnormal", "patients-5fold"),
    "trained and tested on SPRSound": ("sprsound", "abnormal", "patients-5fold"),
    "SPRSound → ICBHI": ("icbhi", "abnormal", "cross-corpus-from-sprsound"),
    "SPRSound → ICBHI, adapted": ("icbhi", "abnormal", "cross-corpus-adapted-from-sprsound"),
    "ICBHI → SPRSound": ("sprsound", "abnormal", "cross-corpus-from-icbhi"),
    "ICBHI → SPRSound, adapted": ("sprsound", "abnormal", "cross-corpus-adapted-from-icbhi"),
}
ACTIVITIES = {
    "new subjects": ("hmp", "activity", "patients-5fold"),
    "each subject left out": ("hmp", "activity", "leave-one-subject-out"),
    "*LEAKY: subjects mixed*": ("hmp", "activity", LEAKY),
}
IN_ONE_HOSPITAL = 2
"""Of these reports; the others are of models that were trained in another one."""

GAINS = ("auroc", "auroc_within_patients")
COLUMNS = ("score", "auroc", "auroc_within_patients", "auroc_within_strata")
LEADING_COLUMNS = COLUMNS[:3]
LEADERS = 8
"""Models on the first page, besides the controls."""


def render(page: str, text: str, results: Path) -> str:
    """Fill the generated parts of a page from the results.

    Args:
        page: its path in the project, one of ``PAGES``.
        text: what it holds now.
        results: the folder of all results.

    Raises:
        InputError: a part's marks are missing, or results.
    """
    for name, part in PAGES[page].items():
        begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
        if begin not in text or end not in text:
            raise InputError(f"{page} lacks {begin} … {end}; put the marks back")
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}\n{part(results)}\n{end}{rest.partition(end)[2]}"
    return text


def opening(results: Path) -> str:
    """Say which model leads on the real cycles, by how much, and what of that is shown."""
    found = _load(results.joinpath(*SHOWN))
    return markdown.render("answer.md.j2", results=found, answer=answer(found, Flattery())).strip()


def leaderboard(results: Path) -> str:
    """Format the leaderboard of the real cycles; beside it, what leaks would have added to it, in italics."""
    shown, leaky = results.joinpath(*SHOWN), results.joinpath(*SHOWN[:-1], LEAKY)
    models, mixed = _complete(shown), _complete(leaky)
    if Store(shown).corpus_fingerprint() != Store(leaky).corpus_fingerprint():
        raise InputError(f"{leaky} comes from another corpus than {shown}; run it again")
    picked = {pick.honest.name: pick.estimate("score").value for pick in picked_on_test(Store(shown), _load(shown))}
    rows = [
        [
            name,
            row["repeats"],
            *(cell(row[metric], 2) for metric in COLUMNS),
            f"*{mixed[name]['auroc'].value:.2f}*" if name in mixed else "not run",
            f"*{picked[name]:.2f}*" if name in picked else "",
        ]
        for name, row in models.items()
    ]
    leaks = ["*LEAKY: AUROC if patients are mixed*", "*LEAKY: score if epochs are picked on test*"]
    return plain_table(["model", "repeats", *metric_labels(COLUMNS), *leaks], rows)


def leaders(results: Path) -> str:
    """Format the best models of the real cycles, and the controls."""
    models = _complete(results.joinpath(*SHOWN))
    controls = {spec.name for spec in REGISTRY.values() if spec.kind == ModelKind.CONTROL}
    names = [name for place, name in enumerate(models) if place < LEADERS or name in controls]
    rows = [[name, *(cell(models[name][metric], 2) for metric in LEADING_COLUMNS)] for name in names]
    return plain_table(["model", *metric_labels(LEADING_COLUMNS)], rows)


def hospitals(results: Path) -> str:
    """Format the AUROC of the models that were trained in one hospital and tested in the other, and in each alone."""
    columns = [_complete(results.joinpath(*folder)) for folder in HOSPITALS.values()]
    transfers = columns[IN_ONE_HOSPITAL:]

    def lowest(name: str) -> float:
        return float(min(column[name]["auroc"].value for column in transfers if name in column))

    rows = [
        [name, *(cell(column[name]["auroc"], 2) if name in column else "not run" for column in columns)]
        for name in sorted({name for column in transfers for name in column}, key=lambda name: (-lowest(name), name))
    ]
    return plain_table(["model", *HOSPITALS], rows)


def activities(results: Path) -> str:
    """Format the scores on activities: of new subjects, and of subjects that models were trained on, in italics."""
    columns = [_complete(results.joinpath(*folder)) for folder in ACTIVITIES.values()]
    rows = []
    for name, row in columns[0].items():
        scores = [cell(column[name]["score"], 2) if name in column else "not run" for column in columns[:-1]]
        mixed = f"*{columns[-1][name]['score'].value:.2f}*" if name in columns[-1] else "not run"
        rows.append([name, row["repeats"], *scores, mixed])
    return plain_table(["model", "repeats", *(f"score, {column}" for column in ACTIVITIES)], rows)


def few_labels(results: Path) -> str:
    """Format the semi-supervised models over the perceptron, ten draws of 10 % of the patients, beside their twin."""
    folder = results.joinpath(*TEN_DRAWS)
    twins = TWINS.read(folder)
    models = sorted(_complete(folder).items(), key=lambda item: -item[1]["auroc"].value)
    rows = [
        [
            name,
            cell(row["auroc"], 2),
            *(cell(twins[name][metric]) if name in twins else "" for metric in GAINS),
            "{repeats_with_higher_auroc} of {repeats}".format(**twins[name]) if name in twins else "",
        ]
        for name, row in models
    ]
    return plain_table(["model", "AUROC", *metric_labels(GAINS, " minus twin"), "repeats with a higher AUROC"], rows)


def tuning(results: Path) -> str:
    """Format models with their default parameters and tuned, on the same test patients."""
    rows = []
    for row in TUNING.read(results.joinpath(*TUNED)).values():
        auroc, score = (
            [f"{row[f'{metric}_before']:.3f}", f"{row[f'{metric}_after']:.3f}", cell(row[f"{metric}_gain"])]
            for metric in ("auroc", "score")
        )
        kept = f"{row['defaults_chosen']} of {row['studies']}"
        inner = [number(row[name], "+.3f") for name in ("found_gain", "fresh_gain")]
        rows.append([row["untuned"], row["repeats"], *inner, kept, *auroc, *score])
    headers = ["model", "repeats", "best trial, where it was found", "on fresh folds", "defaults kept"]
    headers += ["AUROC, defaults", "tuned", "difference", "score, defaults", "tuned", "difference"]
    return plain_table(headers, rows)


def speed(results: Path) -> str:
    """Copy the table of ``results/speed.md``."""
    if not (results / "speed.md").exists():
        raise InputError(f"{results / 'speed.md'} does not exist; run `make speed DATA=<folder of ICBHI cycles>`")
    lines = (results / "speed.md").read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if line.startswith("|"))


@cache
def _load(folder: Path) -> Results:
    return load_results(Store(folder))


def _complete(folder: Path) -> dict[str, dict[str, Any]]:
    """The complete models of a leaderboard."""
    rows = read_leaderboard(folder)
    if not rows:
        path = folder / LEADERBOARD.filename
        raise InputError(f"{path} does not exist; run the benchmark that writes it, then `make tables`")
    return {name: row for name, row in rows.items() if row["status"].complete}


PAGES: dict[str, dict[str, Callable[[Path], str]]] = {
    "README.md": {"leaders": leaders, "answer": opening},
    "docs/results.md": {"answer": opening, "leaderboard": leaderboard, "hospitals": hospitals},
    "docs/howto/few-labels.md": {"few labels": few_labels},
    "docs/howto/tuning.md": {"tuning": tuning},
    "docs/howto/speed.md": {"speed": speed},
    "docs/encoders.md": {"encoders": encoder_tables.catalog, "probes": encoder_tables.probes},
    "docs/movement.md": {"activities": activities},
}
"""The pages with generated parts."""


def main() -> int:
    """Write the pages anew."""
    try:
        for page in PAGES:
            path = PROJECT / page
            write_atomically(path, render(page, path.read_text(encoding="utf-8"), PROJECT / RESULTS).encode())
    except InputError as problem:
        print(f"make tables: {problem}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
