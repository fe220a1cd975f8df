"""The figures of `respbench explore`: clips by patient, durations, example sounds, classes by device and place."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from respbench.benchmarks.report.figures.style import COLORS, SMALL, grid, new_figure, png
from respbench.corpora.clips import Clips, Signal
from respbench.features.spectral import bin_frequencies, log_mel, mel_filters, pad, power_spectrum

FRAME_SECONDS = 0.064
"""Long enough to resolve the pitch of a wheeze; a crackle, some 10 ms, still shows as a line."""

MELS = 40
"""Few enough for every filter to hold a frequency bin at all rates on offer."""

DYNAMIC_RANGE = 70
"""dB below a clip's loudest band at which the picture is black."""

TICKS = (100, 200, 500, 1000, 2000, 5000)
"""Hz."""


NAMED = 24
"""So few patients are named below their bars."""


def fill(label: int) -> dict[str, Any]:
    """Color of a class' bars; hatched from the eighth class on."""
    again = {"hatch": "///", "edgecolor": "white"} if label >= len(COLORS) else {}
    return {"color": COLORS[label % len(COLORS)], **again}


def legend(axes: Axes, classes: int) -> None:
    """Name the classes; beside the axes if they are many."""
    beside: dict[str, Any] = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5), "fontsize": SMALL}
    axes.legend(frameon=False, **(beside if classes > len(COLORS) else {}))


def draw_patients(clips: Clips, title: str) -> bytes:
    """How many clips of which class each patient has, the patient with most on the left."""
    counts = pd.crosstab(clips.patient, clips.label).reindex(columns=range(len(clips.classes)), fill_value=0)
    order = np.lexsort((counts.index.to_numpy(), -counts.sum(axis=1).to_numpy()))
    table = counts.to_numpy()[order]
    figure = new_figure(9, 3.4, title)
    axes = figure.subplots()
    below = np.zeros(len(table))
    for label, name in enumerate(clips.classes):
        axes.bar(np.arange(len(table)), table[:, label], width=1, bottom=below, label=name, **fill(label))
        below += table[:, label]
    axes.set_xlabel("patients, by number of clips")
    axes.set_ylabel("clips")
    axes.set_xticks([])
    if len(table) <= NAMED:
        axes.set_xticks(np.arange(len(table)), counts.index[order], fontsize=SMALL)
    axes.margins(x=0.01)
    legend(axes, len(clips.classes))
    return png(figure)


def draw_durations(clips: Clips, title: str) -> bytes:
    """Histogram of the durations, a line per class; each class adds up to 100 %."""
    figure = new_figure(7, 3.4, title)
    axes = figure.subplots()
    edges = np.linspace(0, max(float(np.percentile(clips.seconds, 99.5)), 0.1), 31)
    for label, name in enumerate(clips.classes):
        seconds = clips.seconds[clips.label == label]
        counts, _ = np.histogram(np.minimum(seconds, edges[-1]), edges)
        axes.stairs(100 * counts / max(1, len(seconds)), edges, color=COLORS[label], label=name, linewidth=1.8)
    axes.set_xlabel("duration (s); the last bin holds all longer ones")
    axes.set_ylabel("% of the class")
    grid(axes)
    axes.legend(frameon=False)
    return png(figure)


def draw_durations_of_many(clips: Clips, title: str) -> bytes:
    """Durations of each class: the middle 90 % as a line, the median as a dot."""
    figure = new_figure(7, 1.0 + 0.26 * len(clips.classes), title)
    axes = figure.subplots()
    for label in range(len(clips.classes)):
        low, middle, high = np.percentile(clips.seconds[clips.label == label], [5, 50, 95])
        axes.plot([low, high], [label, label], color=COLORS[0], linewidth=2)
        axes.plot([middle], [label], "o", color=COLORS[0], markersize=6)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("duration (s): 5 %, median and 95 %")
    axes.set_yticks(np.arange(len(clips.classes)), clips.classes, fontsize=SMALL)
    axes.invert_yaxis()
    grid(axes, "x")
    return png(figure)


def draw_sounds(clips: Clips, examples: dict[str, list[int]], title: str) -> bytes:
    """Waveforms and mel-spectrograms of some clips of each class.

    Args:
        clips: the corpus.
        examples: rows of the clips to show, by class name.
        title: of the figure.
    """
    shown = {name: rows for name, rows in examples.items() if rows}
    columns = max(len(rows) for rows in shown.values())
    figure = new_figure(3.3 * columns + 0.6, 2.9 * len(shown) + 0.4, title)
    all_axes = figure.subplots(2 * len(shown), columns, squeeze=False, height_ratios=[1, 2] * len(shown))
    for number, (name, rows) in enumerate(shown.items()):
        for column in range(columns):
            wave, picture = all_axes[2 * number, column], all_axes[2 * number + 1, column]
            if column >= len(rows):
                wave.set_axis_off()
                picture.set_axis_off()
                continue
            row = rows[column]
            draw_wave(wave, clips.signals[row], clips.rate)
            draw_spectrogram(picture, clips.signals[row], clips.rate)
            wave.set_title(f"{name}: patient {clips.patient[row]}", fontsize=9)
            if column == 0:
                picture.set_ylabel("Hz (mel scale)", fontsize=SMALL)
    for axes in all_axes[-1]:
        axes.set_xlabel("s", fontsize=SMALL)
    return png(figure)


def draw_columns(clips: Clips, columns: list[str], title: str) -> bytes:
    """For each group of each column, the share of the classes; with equal bars the column predicts nothing."""
    tables = {}
    for column in columns:
        values = clips.meta[column].fillna("unknown").astype(str).to_numpy()
        tables[column] = pd.crosstab(values, clips.label).reindex(columns=range(len(clips.classes)), fill_value=0)
    groups = [len(table) for table in tables.values()]
    figure = new_figure(7.5, 0.8 + sum(0.3 * n + 0.55 for n in groups), title)
    all_axes = figure.subplots(len(columns), 1, squeeze=False, sharex=True, height_ratios=[n + 0.5 for n in groups])
    for axes, (column, table) in zip(all_axes[:, 0], tables.items(), strict=True):
        counts = table.to_numpy()
        shares = 100 * counts / counts.sum(axis=1, keepdims=True)
        left = np.zeros(len(table))
        for label, name in enumerate(clips.classes):
            axes.barh(np.arange(len(table)), shares[:, label], left=left, label=name, **fill(label))
            left += shares[:, label]
        labels = [f"{value} (n = {n})" for value, n in zip(table.index, counts.sum(axis=1).tolist(), strict=True)]
        axes.set_yticks(np.arange(len(table)), labels, fontsize=SMALL)
        axes.invert_yaxis()
        axes.set_title(column, fontsize=9, loc="left")
        axes.set_xlim(0, 100)
    all_axes[-1, 0].set_xlabel("% of the clips")
    handles, labels = all_axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(4, len(clips.classes)), frameon=False)
    return png(figure)


def draw_wave(axes: Axes, signal: Signal, rate: int) -> None:
    """Draw the samples of a clip at ``rate`` Hz, the mean of its channels."""
    samples = signal.mean(axis=0)
    axes.plot(np.arange(len(samples)) / rate, samples, color="0.25", linewidth=0.5)
    axes.margins(x=0)
    axes.tick_params(labelsize=7, labelbottom=False)


def draw_spectrogram(axes: Axes, signal: Signal, rate: int, labeled: Sequence[int] = TICKS) -> None:
    """Draw the mel-spectrogram of a clip at ``rate`` Hz, `DYNAMIC_RANGE` from black to the loudest band."""
    n_fft = 2 ** round(np.log2(FRAME_SECONDS * rate))
    filters = mel_filters(rate, n_fft, MELS)
    decibels = log_mel(power_spectrum(pad([signal]), n_fft, n_fft // 8), filters)[0].numpy()
    seconds, loudest = signal.shape[-1] / rate, float(decibels.max())
    axes.imshow(
        decibels.T,
        origin="lower",
        aspect="auto",
        cmap="magma",
        vmin=loudest - DYNAMIC_RANGE,
        vmax=loudest,
        extent=(0, seconds, -0.5, MELS - 0.5),
    )
    centers = bin_frequencies(rate, n_fft).numpy()[filters.argmax(dim=0).numpy()]
    ticks = [hz for hz in labeled if hz < centers[-1]]
    axes.set_yticks(np.interp(ticks, centers, np.arange(MELS)), [str(hz) for hz in ticks])
    axes.tick_params(labelsize=7)
