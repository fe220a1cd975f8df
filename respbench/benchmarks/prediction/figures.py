"""The figures of a page of predictions: spectrogram and probability over time, and the reliability of the scale."""

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from respbench.benchmarks.prediction.calibration import OutOfFold, reliability
from respbench.benchmarks.prediction.recordings import WINDOWS, Recording
from respbench.benchmarks.report.figures.explore import draw_spectrogram, draw_wave
from respbench.benchmarks.report.figures.style import COLORS, LABEL, REFERENCE, SMALL, grid, line_style, new_figure, png
from respbench.corpora.cycles import NORMAL

WIDTH = 9.5
"""Inches."""


def shown_classes(classes: tuple[str, ...]) -> list[int]:
    """The classes that are drawn: of two, the one that isn't normal alone, since both add up to 1."""
    if len(classes) == 2:
        return [1 - classes.index(NORMAL) if NORMAL in classes else 1]
    return list(range(len(classes)))


def draw_recording(
    recording: Recording, probabilities: NDArray[np.float64], classes: tuple[str, ...], base_rates: NDArray[np.float64]
) -> bytes:
    """Draw waveform, mel-spectrogram and calibrated probability of a recording over time.

    Args:
        recording: with its clips.
        probabilities: (clips, classes) calibrated.
        classes: names.
        base_rates: (classes,) share of each class in the corpus.
    """
    figure = new_figure(WIDTH, 6.2, recording.path.name)
    wave, picture, scale = figure.subplots(3, 1, height_ratios=[0.7, 1.5, 1.5])
    draw_wave(wave, recording.signal, recording.rate)
    wave.set_ylabel("amplitude\n(full scale = 1)", fontsize=SMALL)
    draw_spectrogram(picture, recording.signal, recording.rate)
    picture.tick_params(labelbottom=False)
    picture.set_ylabel("Hz (mel scale)", fontsize=SMALL)
    spans = np.array(recording.spans)
    for number, label in enumerate(shown_classes(classes)):
        _draw_probability(scale, recording.cut, spans, probabilities[:, label], COLORS[number], classes[label])
        scale.axhline(base_rates[label], **{**REFERENCE, "color": COLORS[number]})
    scale.plot([], [], label="base rate in the corpus", **REFERENCE)
    scale.set_ylim(0, 1)
    for axes in (wave, picture, scale):
        axes.set_xlim(0, recording.seconds)
    scale.set_xlabel("time (s)", fontsize=LABEL)
    scale.set_ylabel("calibrated probability", fontsize=LABEL)
    grid(scale)
    figure.legend(
        *scale.get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False, fontsize=SMALL
    )
    return png(figure)


def _draw_probability(
    axes: Axes, cut: str, spans: NDArray[np.float64], values: NDArray[np.float64], color: str, name: str
) -> None:
    """A bar as long as each clip; of overlapping windows also a line through their middles."""
    axes.hlines(values, spans[:, 0], spans[:, 1], color=color, linewidth=1 if cut == WINDOWS else 3, label=name)
    if cut == WINDOWS:
        axes.plot(spans.mean(axis=1), values, color=color, marker="o", markersize=3.5, linewidth=1.6)


def draw_reliability(predictions: OutOfFold, calibrated: NDArray[np.float64], classes: tuple[str, ...]) -> bytes:
    """Draw observed shares by stated probability, out of fold, before and after calibration.

    Args:
        predictions: of the models fitted to other patients.
        calibrated: the same, each fold calibrated on the other ones.
        classes: names.
    """
    shown = shown_classes(classes)
    figure = new_figure(5.6, 5.4, f"Reliability out of fold, {predictions.patients} patients")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], label="stated = observed", **REFERENCE)
    for number, label in enumerate(shown):
        event = predictions.label == label
        if len(shown) == 1:
            raw = reliability(predictions.probabilities[:, label], event, predictions.patient)
            axes.plot(raw[:, 0], raw[:, 1], color="0.55", marker=".", label=f"{classes[label]}, not calibrated")
        bins = reliability(calibrated[:, label], event, predictions.patient)
        errors = np.maximum(0, [bins[:, 1] - bins[:, 2], bins[:, 3] - bins[:, 1]])
        axes.errorbar(
            bins[:, 0],
            bins[:, 1],
            yerr=errors,
            marker="o",
            markersize=4,
            capsize=2,
            elinewidth=0.9,
            label=f"{classes[label]}, calibrated",
            **line_style(number),
        )
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_aspect("equal")
    axes.set_xlabel("stated probability", fontsize=LABEL)
    axes.set_ylabel("observed share of clips", fontsize=LABEL)
    grid(axes)
    axes.legend(loc="upper left", frameon=False, fontsize=SMALL)
    return png(figure)
