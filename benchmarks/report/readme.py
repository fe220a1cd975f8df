"""The numbers in the project's README, written from the committed results by `make tables` and checked by a test.

They stand between ``<!-- begin NAME -->`` and ``<!-- end NAME -->``.
"""

import sys
from pathlib import Path

import pandas as pd
from tabulate import tabulate

from benchmarks.report.leaderboard import UNDEFINED
from benchmarks.report.tuning import TUNING
from benchmarks.report.twins import TWINS
from benchmarks.statistics.results import COMPLETE
from benchmarks.storage.files import write_atomically
from benchmarks.storage.store import Store
from corpora.problems import InputError

PROJECT = Path(__file__).resolve().parents[2]
RESULTS = Path("results")
SHOWN = ("icbhi", "abnormal", "patients-5fold")
LEAKY = "random-5fold"
TUNED = ("tuned", "icbhi", "abnormal", "patients-5fold")
TEN_DRAWS = ("ten-draws", "icbhi", "abnormal", "patients-5fold-labels10")
GAINS = ("auroc", "auroc_within_patients")
METRICS = {
    "score": "score",
    "auroc": "AUROC",
    "auroc_within_patients": "AUROC within patients",
    "auroc_within_durations": "AUROC within durations",
}


def render(readme: str, results: Path) -> str:
    """The README with its generated parts as the results have them.

    Raises:
        InputError: a part's marks are missing.
    """
    for name, text in (
        ("leaderboard", leaderboard(results)),
        ("few labels", few_labels(results)),
        ("tuning", tuning(results)),
        ("speed", speed(results)),
    ):
        begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
        if begin not in readme or end not in readme:
            raise InputError(f"README.md lacks {begin} … {end}; put the marks back")
        before, _, rest = readme.partition(begin)
        readme = f"{before}{begin}\n{text}\n{end}{rest.partition(end)[2]}"
    return readme


def leaderboard(results: Path) -> str:
    """The leaderboard of the real cycles, with what the leaky split would have claimed beside it."""
    shown, mixing = results.joinpath(*SHOWN), results.joinpath(*SHOWN[:-1], LEAKY)
    board, leaky = _read(shown / "leaderboard.csv"), _read(mixing / "leaderboard.csv")
    if _came_from(shown) != _came_from(mixing):
        raise InputError(f"{mixing} comes from another corpus or other seeds than {shown}; run both again")
    mixed = dict(zip(leaky["model"].astype(str), leaky["auroc"].map("*{:.2f}*".format), strict=True))
    rows = []
    for _, row in board.iterrows():
        name = str(row["model"])
        rows.append([name, *(_cell(row, metric) for metric in METRICS), mixed.get(name, "not run")])
    headers = ["model", *METRICS.values(), "*LEAKY: AUROC if patients are mixed*"]
    return tabulate(rows, headers, tablefmt="pipe", disable_numparse=True)


def few_labels(results: Path) -> str:
    """Semi-supervised models over the perceptron, ten draws of 10 % of the patients, each beside its twin."""
    folder = results.joinpath(*TEN_DRAWS)
    board = _read(folder / "leaderboard.csv").sort_values("auroc", ascending=False)
    twins = {str(row["model"]): row for _, row in pd.read_csv(folder / TWINS).iterrows()}
    rows = []
    for _, row in board.iterrows():
        gains = twins.get(str(row["model"]))
        rows.append(
            [row["model"], _cell(row, "auroc"), *("" if gains is None else _cell(gains, m, "+") for m in GAINS)]
        )
    headers = ["model", "AUROC", *(f"{METRICS[metric]} minus twin" for metric in GAINS)]
    return tabulate(rows, headers, tablefmt="pipe", disable_numparse=True)


def tuning(results: Path) -> str:
    """Models with their default parameters and tuned, on the same test patients."""
    rows = []
    for _, row in pd.read_csv(results.joinpath(*TUNED) / TUNING).iterrows():
        metrics = ("auroc", "score")
        values = [
            [f"{row[f'{m}_before']:.3f}", f"{row[f'{m}_after']:.3f}", _cell(row, f"{m}_gain", "+")] for m in metrics
        ]
        inner = row["inner_auroc_after"] - row["inner_auroc_before"]
        rows.append([row["untuned"], row["trials"], *values[0], f"{inner:+.3f}", *values[1]])
    headers = ["model", "trials a study", "AUROC, defaults", "tuned", "difference", "difference where it was chosen"]
    headers += ["score, defaults", "tuned", "difference"]
    return tabulate(rows, headers, tablefmt="pipe", disable_numparse=True)


def _read(leaderboard: Path) -> pd.DataFrame:
    """The complete models of a leaderboard."""
    if not leaderboard.exists():
        raise InputError(f"{leaderboard} does not exist; run the benchmark that writes it, then `make tables`")
    board = pd.read_csv(leaderboard)
    return board[board["status"] == COMPLETE]


def _came_from(folder: Path) -> tuple[set[str], set[int]]:
    """Corpora and seeds of the fits in a folder."""
    store = Store(folder)
    return {stored.record.corpus.fingerprint for stored in store}, {key.seed for key in store.fits()}


def speed(results: Path) -> str:
    """The table of ``results/speed.md``."""
    if not (results / "speed.md").exists():
        raise InputError(f"{results / 'speed.md'} does not exist; run `make speed DATA=<folder of ICBHI cycles>`")
    lines = (results / "speed.md").read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if line.startswith("|"))


def _cell(row: pd.Series, metric: str, sign: str = "") -> str:
    value, low, high = (row[f"{metric}{end}"] for end in ("", "_low", "_high"))
    if pd.isna(value):
        return UNDEFINED
    digits = 3 if sign else 2  # differences are small
    return f"{value:{sign}.{digits}f} [{low:{sign}.{digits}f}, {high:{sign}.{digits}f}]"


def main() -> int:
    """Write README.md anew."""
    path = PROJECT / "README.md"
    try:
        write_atomically(path, render(path.read_text(encoding="utf-8"), PROJECT / RESULTS).encode())
    except InputError as problem:
        print(f"make tables: {problem}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
