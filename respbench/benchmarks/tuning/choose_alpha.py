"""Choose alpha, the weight of a semi-supervised method's loss, on inner folds: small, unless larger is clearly better.

``python -m respbench.benchmarks.tuning.choose_alpha vat-cnn,planted-cnn DATA`` fits each model with each candidate,
and its supervised baseline, on inner folds of the training patients with few labels. The smallest candidate is chosen,
with which a method hardly differs from the baseline, unless a larger one has a higher AUROC by more than two standard
errors of the paired difference; of several, that with the highest. The same labeled patients rarely recur from one fold
to the next: the standard error is that of independent differences.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from numpy.typing import ArrayLike
from rich.console import Console
from tabulate import tabulate

from respbench.benchmarks.statistics.metrics import Floats
from respbench.benchmarks.tuning.choice import ERRORS
from respbench.benchmarks.tuning.compare_settings import OUTER, judge
from respbench.benchmarks.tuning.folds import INNER, inner_folds
from respbench.corpora.catalog import open_corpus
from respbench.corpora.clips import Clips
from respbench.corpora.problems import InputError
from respbench.corpora.splits.folds import Fold
from respbench.corpora.splits.label_budget import LabelBudget
from respbench.corpora.tasks import for_task
from respbench.models.registry import REGISTRY
from respbench.models.selection import find
from respbench.models.spec import ModelSpec

ALPHAS = (0.03, 0.1, 0.3, 1.0)


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A candidate on the inner folds.

    Attributes:
        alpha: weight of the unsupervised loss.
        gain: mean AUROC minus that of the supervised baseline.
        error: its standard error.
        chosen: whether it is the choice.
    """

    alpha: float
    gain: float
    error: float
    chosen: bool


def standard_error(differences: ArrayLike) -> float:
    """Standard error of the mean of independent differences, at least 2."""
    values = np.asarray(differences, dtype=np.float64)
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def choose_alpha(aurocs: Mapping[float, Floats]) -> float:
    """Choose the smallest weight, unless larger ones are better by more than `ERRORS` standard errors.

    Args:
        aurocs: by weight, (folds,) on the same folds.
    """
    smallest = min(aurocs)
    convincing = {smallest: 0.0}
    for alpha in sorted(set(aurocs) - {smallest}):
        differences = aurocs[alpha] - aurocs[smallest]
        if differences.mean() > ERRORS * standard_error(differences):
            convincing[alpha] = float(differences.mean())
    return max(convincing, key=lambda alpha: (convincing[alpha], -alpha))


def judge_all(aurocs: Mapping[float, Floats], baseline: Floats) -> list[Judged]:
    """Compare every candidate with the baseline, smallest first, and mark the choice."""
    choice = choose_alpha(aurocs)
    return [
        Judged(
            alpha=alpha,
            gain=float((values - baseline).mean()),
            error=standard_error(values - baseline),
            chosen=alpha == choice,
        )
        for alpha, values in sorted(aurocs.items())
    ]


def budget_folds(clips: Clips, labels: int, draws: int, per_outer: int) -> Iterator[Fold]:
    """Inner folds in which ``labels`` % of the inner training patients keep their labels, as rows of ``clips``.

    Args:
        clips: the task's.
        labels: percent.
        draws: of the labeled patients; each shuffles the outer folds, too.
        per_outer: inner folds of each outer fold.
    """
    for draw in range(draws):
        for outer in OUTER.split(clips, draw):
            yield from islice(inner_folds(clips, outer, draw, LabelBudget(labels, INNER.folds)), per_outer)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the candidates of each model, and the chosen one."""
    parser = argparse.ArgumentParser(
        prog="python -m respbench.benchmarks.tuning.choose_alpha", description=__doc__.splitlines()[0]
    )
    parser.add_argument("models", help="semi-supervised entries of the registry, separated by commas")
    parser.add_argument("data", type=Path, help="folder of ICBHI recordings or cycles")
    parser.add_argument("--alphas", type=float, nargs="+", default=ALPHAS, help="candidates (default: %(default)s)")
    parser.add_argument("--labels", type=int, default=10, help="percent of the inner training patients (default: 10)")
    parser.add_argument("--draws", type=int, default=2, help="of the labeled patients, at least 1 (default: 2)")
    parser.add_argument("--per-outer", type=int, default=1, help="inner folds of each outer fold (default: 1)")
    parser.add_argument("--workers", type=int, default=1, help="processes (default: 1)")
    options = parser.parse_args(arguments)
    try:
        specs = find(options.models)
        supervised = [spec.name for spec in specs if not spec.supervised_baseline]
        if supervised:
            raise InputError(f"{supervised[0]} has no unsupervised loss; name semi-supervised models")
        clips = for_task(open_corpus("icbhi", options.data).clips(), "abnormal")
        folds = list(budget_folds(clips, options.labels, options.draws, options.per_outer))
    except InputError as problem:
        print(f"respbench.benchmarks.tuning.choose_alpha: {problem}", file=sys.stderr)
        return 2

    def aurocs(spec: ModelSpec, parameters: dict[str, Any]) -> Floats:
        jobs = (joblib.delayed(judge)(spec, parameters, clips, fold) for fold in folds)
        return np.array(joblib.Parallel(n_jobs=options.workers)(jobs))[:, 0]

    baselines = {name: aurocs(REGISTRY[name], {}) for name in {spec.supervised_baseline for spec in specs}}
    rows: list[list[object]] = []
    for spec in specs:
        baseline = baselines[spec.supervised_baseline]
        judged = judge_all({alpha: aurocs(spec, {"alpha": alpha}) for alpha in options.alphas}, baseline)
        rows += [[spec.name, one.alpha, one.gain, one.error, "chosen" if one.chosen else ""] for one in judged]
    text = tabulate(
        rows, ["model", "alpha", "AUROC minus baseline", "its standard error", "choice"], "pipe", floatfmt="+.4f"
    )
    for name, values in baselines.items():
        text += f"\n\n{name}: AUROC {values.mean():.4f} on {len(folds)} inner folds"
    Console(soft_wrap=True).print(text, markup=False, highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
