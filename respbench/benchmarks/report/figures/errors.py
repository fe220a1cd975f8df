"""The figure of the most confident errors: waveform and mel-spectrogram of each clip."""

from collections.abc import Mapping
from pathlib import Path

from PIL.PngImagePlugin import PngImageFile

from respbench.benchmarks.report.errors import CLIPS_PER_LEADER, FIGURE, Errors, sounds_of
from respbench.benchmarks.report.figures.explore import draw_spectrogram, draw_wave
from respbench.benchmarks.report.figures.style import SMALL, Drawings, new_figure, png
from respbench.corpora.clips import Signal
from respbench.corpora.prepared.prepare import Prepared

SHOWN = "Clips"
"""Key of the PNG's metadata under which it states the clips that it shows, see `Errors.digest`."""

COLUMNS = CLIPS_PER_LEADER

TICKS = (100, 500, 1000, 2000, 5000)
"""Hz: fewer than on the larger pictures of `respbench explore`."""


def plan_errors(errors: Errors | None, folder: Path, corpus: Prepared | None) -> Drawings:
    """Plan the figure, by file name: a new one of the corpus' sounds, or without them the stored one of these clips.

    Args:
        errors: what to show; None = nothing.
        folder: of stored figures.
        corpus: that the clips are from.

    Returns:
        Nothing if there is no figure, as of signals that have no mel-spectrogram since they are no sounds.
    """
    if errors is None or not errors.clips:
        return {}
    if corpus is not None and not corpus.facts().channels:
        return {FIGURE: lambda: draw_errors(errors, sounds_of(errors, corpus), corpus.facts().rate)}
    path = folder / FIGURE
    return {FIGURE: path.read_bytes} if shown_clips(path) == errors.digest else {}


def shown_clips(path: Path) -> str:
    """Read which clips a stored figure shows; empty if it is missing, damaged or doesn't state it."""
    try:
        with PngImageFile(path) as image:
            return str(image.info.get(SHOWN, ""))
    except (OSError, SyntaxError, ValueError):  # as Pillow reports what is no PNG, a part of one, or a strange one
        return ""


def draw_errors(errors: Errors, sounds: Mapping[str, Signal], rate: int) -> bytes:
    """Draw waveform and mel-spectrogram of each clip, with its number and true label.

    Args:
        errors: what to show.
        sounds: by clip_id.
        rate: Hz.
    """
    lines = [
        (kind, kind.clips[start : start + COLUMNS])
        for kind in errors.kinds
        for start in range(0, len(kind.clips), COLUMNS)
    ]
    figure = new_figure(9.5, 2.3 * len(lines) + 0.5, f"{errors.title}: most confident errors")
    axes = figure.subplots(2 * len(lines), COLUMNS, squeeze=False, height_ratios=[1, 2] * len(lines))
    for waves, pictures, (kind, clips) in zip(axes[::2], axes[1::2], lines, strict=True):
        waves[0].set_ylabel(kind.name.replace(" ", "\n"), fontsize=SMALL)
        pictures[0].set_ylabel("Hz (mel scale)", fontsize=SMALL)
        for wave, picture, clip in zip(waves, pictures, clips, strict=False):
            draw_wave(wave, sounds[clip.clip_id], rate)
            draw_spectrogram(picture, sounds[clip.clip_id], rate, TICKS)
            wave.set_title(f"{clip.number}: {clip.label}, patient {clip.patient}", fontsize=SMALL)
        for unused in (*waves[len(clips) :], *pictures[len(clips) :]):
            unused.set_axis_off()
    for picture in axes[-1]:
        picture.set_xlabel("s", fontsize=SMALL)
    return png(figure, {SHOWN: errors.digest})
