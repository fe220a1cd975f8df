"""Figures for notebooks: each draws on the axes that it is given, or on new ones, and returns them."""

import numpy as np
from matplotlib.axes import Axes

from respbench.benchmarks.notebook.evaluation import Evaluation
from respbench.benchmarks.notebook.fitting import FittedModel
from respbench.benchmarks.report.figures.explore import draw_spectrogram, draw_wave
from respbench.benchmarks.report.figures.style import LABEL, REFERENCE, grid, line_style
from respbench.benchmarks.statistics import calibration
from respbench.benchmarks.statistics.confusion import GRID, mean_roc
from respbench.benchmarks.statistics.forecasts import repeats_of
from respbench.corpora.clips import Signal
from respbench.corpora.cycles import NORMAL
from respbench.corpora.problems import InputError

CURVES = {"loss": "loss (nats per clip)", "accuracy": "accuracy (share of clips)"}
"""What learning curves show, with the labels of their axes."""


def waveform(signal: Signal, rate: int, ax: Axes | None = None) -> Axes:
    """Draw the samples of a clip over time.

    Args:
        signal: (channels, samples), of which the mean over channels is drawn.
        rate: sampling rate in Hz.
        ax: to draw on; None = new axes.
    """
    ax = _axes(ax)
    draw_wave(ax, np.atleast_2d(signal), rate)
    ax.tick_params(labelsize=LABEL, labelbottom=True)
    ax.set_xlabel("time (s)")
    ax.set_ylabel("amplitude (full scale = 1)")
    return ax


def mel_spectrogram(signal: Signal, rate: int, ax: Axes | None = None) -> Axes:
    """Draw the mel-spectrogram of a clip.

    Args:
        signal: (channels, samples), of which the mean over channels is drawn.
        rate: sampling rate in Hz.
        ax: to draw on; None = new axes.
    """
    ax = _axes(ax)
    draw_spectrogram(ax, np.atleast_2d(signal), rate)
    ax.tick_params(labelsize=LABEL)
    ax.set_xlabel("time (s)")
    ax.set_ylabel("frequency (Hz, mel scale)")
    figure = ax.get_figure(root=True)
    assert figure is not None
    figure.colorbar(ax.images[0], ax=ax, label="power (dB)")
    return ax


def confusion_matrix(evaluation: Evaluation, ax: Axes | None = None) -> Axes:
    """Draw the confusion matrix: clips and their share of the true class, the mean over repeats."""
    ax = _axes(ax)
    confusion = evaluation.confusion().to_numpy()
    shares = 100 * confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    image = ax.imshow(shares, cmap="Blues", vmin=0, vmax=100)
    for (true, called), share in np.ndenumerate(shares):
        text, color = f"{confusion[true, called]:.0f}\n{share:.0f} %", "white" if share > 60 else "black"
        ax.text(called, true, text, ha="center", va="center", color=color)
    ax.set_xticks(range(len(evaluation.classes)), evaluation.classes)
    ax.set_yticks(range(len(evaluation.classes)), evaluation.classes)
    ax.set_xlabel("called")
    ax.set_ylabel("true class")
    ax.set_title(evaluation.model)
    figure = ax.get_figure(root=True)
    assert figure is not None
    figure.colorbar(image, ax=ax, label="share of the true class (%)")
    return ax


def learning_curves(model: FittedModel, ax: Axes | None = None, shown: str = "loss") -> Axes:
    """Draw training and validation loss by epoch; a dotted line marks the epoch that was kept.

    Args:
        model: a fitted network.
        ax: to draw on; None = new axes.
        shown: ``loss``, or ``accuracy``.

    Raises:
        InputError: the model has no epochs, or they have no ``shown``.
    """
    curve, columns = model.curve, {f"train_{shown}": "training", f"valid_{shown}": "validation"}
    if "epoch" not in curve:
        raise InputError(f"{model.name} isn't trained by epoch; draw the learning curves of a network, such as cnn")
    if shown not in CURVES or not set(columns) & set(curve):
        raise InputError(f"the curve of {model.name} has no {shown!r}; choose {' or '.join(CURVES)}")
    ax = _axes(ax)
    for number, (column, label) in enumerate(columns.items()):
        if column in curve:
            ax.plot(curve["epoch"], curve[column], label=label, linewidth=1.8, **line_style(number))
    kept = curve["kept"].astype(bool) if "kept" in curve else np.zeros(len(curve), dtype=np.bool_)
    for epoch in curve["epoch"][kept]:
        ax.axvline(epoch, color="0.4", linestyle=":", label="epoch kept")
    ax.set_xlabel("epoch")
    ax.set_ylabel(CURVES[shown])
    ax.set_title(model.name)
    ax.locator_params(axis="x", integer=True)
    ax.legend(frameon=False)
    grid(ax)
    return ax


def roc(evaluation: Evaluation, ax: Axes | None = None) -> Axes:
    """Draw the ROC curve of abnormal, of whatever kind, against normal: the mean over folds and repeats.

    Raises:
        InputError: the task has no class ``normal``.
    """
    if NORMAL not in evaluation.classes:
        raise InputError("the task has no class normal, so that there is no ROC curve; draw the confusion matrix")
    ax = _axes(ax)
    curve, area = mean_roc(evaluation.repeats)
    ax.plot([0, 1], [0, 1], label="chance", **REFERENCE)
    label = f"{evaluation.model} (area {area:.2f})"
    ax.plot(np.append(0, GRID), np.append(0, curve), label=label, linewidth=1.8, **line_style(0))
    ax.set_xlabel("normal clips called abnormal (1 - specificity)")
    ax.set_ylabel("abnormal clips called abnormal (sensitivity)")
    ax.set_aspect("equal")
    ax.legend(frameon=False, loc="lower right")
    grid(ax)
    return ax


def reliability(evaluation: Evaluation, ax: Axes | None = None) -> Axes:
    """Draw how often clips are abnormal by the probability that was stated, in bins of equal numbers of clips.

    Args:
        evaluation: of which all repeats are pooled.
        ax: to draw on; None = new axes.

    Raises:
        InputError: the task has no class ``normal``.
    """
    if NORMAL not in evaluation.classes:
        raise InputError("the task has no class normal, so that no event is forecast; draw the confusion matrix")
    ax = _axes(ax)
    patients = len(np.unique(evaluation.clips.patient))
    bins = calibration.reliability(repeats_of(dict(enumerate(evaluation.repeats)), patients).pooled)
    ax.plot([0, 1], [0, 1], label="calibrated", **REFERENCE)
    ax.plot(bins[:, 0], bins[:, 1], marker="o", label=evaluation.model, linewidth=1.8, **line_style(0))
    ax.set_xlabel("stated probability of abnormal")
    ax.set_ylabel("observed share of abnormal clips")
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1)
    ax.set_aspect("equal")
    ax.legend(frameon=False, loc="upper left")
    grid(ax)
    return ax


def _axes(ax: Axes | None) -> Axes:
    """The axes to draw on."""
    if ax is not None:
        return ax
    from matplotlib import pyplot

    return pyplot.subplots(layout="constrained")[1]
