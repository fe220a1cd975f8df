"""Figures of signals whose channels have names: a clip of each class as series and spectrogram."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.signal import spectrogram

from respbench.benchmarks.report.figures.style import COLORS, SMALL, grid, new_figure, png
from respbench.corpora.clips import Clips, Signal
from respbench.corpora.facts import CorpusFacts

FRAME_SECONDS = 2.0
"""Resolves steps, which come about twice a second."""

DYNAMIC_RANGE = 40
"""dB below the loudest moment and frequency of a clip at which the picture is black."""

COLUMNS = 4


def draw_series(clips: Clips, examples: dict[str, list[int]], facts: CorpusFacts, title: str) -> bytes:
    """Draw every channel of one clip per class over time.

    Args:
        clips: the corpus.
        examples: rows of the clips to show, by class; the first of each is drawn.
        facts: of the corpus: names of the channels, and their unit.
        title: of the figure.
    """
    figure, panels = panels_of(clips, examples, f"{title}: series" + f", in {facts.unit}" * bool(facts.unit))
    for number, (axes, signal) in enumerate(panels):
        for channel, samples in enumerate(signal):
            name = facts.channels[channel] if facts.channels else str(channel + 1)
            seconds = np.arange(len(samples)) / clips.rate
            axes.plot(seconds, samples, color=COLORS[channel % len(COLORS)], linewidth=0.7, label=name)
        axes.margins(x=0)
        grid(axes)
        if number % COLUMNS == 0:
            axes.set_ylabel(facts.unit, fontsize=SMALL)
        if number == 0:
            figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=6, frameon=False)
    return png(figure)


def draw_spectrograms(clips: Clips, examples: dict[str, list[int]], title: str) -> bytes:
    """Draw the power of one clip per class, the sum over its channels without their means; arguments as above."""
    figure, panels = panels_of(clips, examples, f"{title}: spectrograms")
    for number, (axes, signal) in enumerate(panels):
        frame = max(2, min(round(FRAME_SECONDS * clips.rate), signal.shape[-1] // 2))
        frequency, _, power = spectrogram(signal, clips.rate, nperseg=frame, noverlap=frame - max(1, frame // 8))
        decibels = 10 * np.log10(np.maximum(power.sum(axis=0), np.finfo(np.float32).tiny))
        loudest = float(decibels.max())
        axes.imshow(
            decibels,
            origin="lower",
            aspect="auto",
            cmap="magma",
            vmin=loudest - DYNAMIC_RANGE,
            vmax=loudest,
            extent=(0, signal.shape[-1] / clips.rate, 0, float(frequency[-1])),
        )
        if number % COLUMNS == 0:
            axes.set_ylabel("Hz", fontsize=SMALL)
    return png(figure)


def panels_of(clips: Clips, examples: dict[str, list[int]], title: str) -> tuple[Figure, list[tuple[Axes, Signal]]]:
    """Make a figure with axes for the first example of each class, which have its name, its patient and seconds."""
    shown = {name: rows[0] for name, rows in examples.items() if rows}
    columns, rows = min(COLUMNS, len(shown)), math.ceil(len(shown) / COLUMNS)
    figure = new_figure(3.1 * columns + 0.4, 2.2 * rows + 0.7, title)
    all_axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    panels = []
    for axes, (name, row) in zip(all_axes, shown.items(), strict=False):
        axes.set_title(f"{name}: patient {clips.patient[row]}", fontsize=9)
        axes.set_xlabel("s", fontsize=SMALL)
        axes.tick_params(labelsize=7)
        panels.append((axes, clips.signals[row]))
    for axes in all_axes[len(shown) :]:
        axes.set_axis_off()
    return figure, panels
