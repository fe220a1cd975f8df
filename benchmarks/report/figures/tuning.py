"""The figure of tuning: what more trials gained where they were judged, and what is left of it in the test patients."""

import numpy as np

from benchmarks.report.figures.leaderboard import Drawn, Figures, look, new_figure, png
from benchmarks.statistics.pairs import Pair
from benchmarks.statistics.results import COMPLETE, Board
from benchmarks.tuning.analysis import best_so_far, tuned_models

FIGURE = "tuning.png"


def draw_tuning(board: Board) -> Figures:
    """The figure, by file name; none without a tuned model that can be compared with itself before."""
    models = [t for t in tuned_models(board) if t.status == COMPLETE and np.isfinite(t.gain("auroc").value)]
    return {FIGURE: _draw(board, models)} if models else {}


def _draw(board: Board, models: list[Pair]) -> Drawn:
    figure = new_figure(10.5, 2.6 + 0.3 * len(models), board.title + board.flagged)
    by_trial, gains = figure.subplots(1, 2)
    for number, tuned in enumerate(models):
        style = look(number)
        best = best_so_far(tuned.model)
        by_trial.plot(np.arange(len(best)), best, linewidth=1.8, **style)
        gain = tuned.gain("auroc")
        gains.plot([gain.low, gain.high], [number, number], linewidth=2, **style)
        gains.plot([gain.value], [number], "o", color=style["color"], markersize=7)
        gains.plot(best[-1:], [number] * len(best[-1:]), "D", color=style["color"], markersize=7, fillstyle="none")
    by_trial.locator_params(axis="x", integer=True)
    by_trial.set_xlabel("trials beside the defaults")
    by_trial.set_ylabel("gain in inner AUROC of the best so far")
    gains.set_yticks(np.arange(len(models)), [tuned.model.model for tuned in models])
    gains.set_ylim(len(models) - 0.5, -0.5)
    gains.locator_params(axis="x", nbins=5)
    gains.axvline(0, color="0.4", linestyle="--", linewidth=1)
    gains.set_xlabel("gain in AUROC: inner (diamond), test patients (dot)")
    for axes in (by_trial, gains):
        axes.grid(color="0.9")
        axes.set_axisbelow(True)
    words = (
        "Left: by how much the best trial so far is above the defaults in inner AUROC, the mean over studies; a line "
        "that still rises may have had too few trials. Right, each model in the colour and style of its line: what "
        "the chosen trial gains there (diamond), and what the tuned model gains in the outer test patients (dot, 95 % "
        "interval). By construction, no diamond is left of 0"
    )
    return Drawn(png(figure), f"{words}.")
