"""What `respbench predict` writes: a CSV file of probabilities, and one HTML page that needs no network."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from numpy.typing import NDArray

from respbench.benchmarks.execution.environment import versions
from respbench.benchmarks.prediction.calibration import brier
from respbench.benchmarks.prediction.differences import Training, described, differences, trained_on
from respbench.benchmarks.prediction.figures import draw_recording, draw_reliability, shown_classes
from respbench.benchmarks.prediction.fitting import WholeModel
from respbench.benchmarks.prediction.performance import METRICS, Performance
from respbench.benchmarks.prediction.recordings import CYCLES, Recording
from respbench.benchmarks.report.html import STYLE, data_url, source_hash
from respbench.benchmarks.storage.files import write_atomically
from respbench.corpora.facts import CorpusFacts
from respbench.corpora.problems import InputError, printable

CSV, PAGE = "predictions.csv", "predictions.html"

NO_DEVICE = (
    "This is no medical device. These numbers must not be used for diagnosis, for a decision about treatment, or to "
    "reassure anyone."
)

SHOWN_ROWS = 12
"""Of a recording's table before it is folded."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Predicted:
    """A recording with its predictions.

    Attributes:
        recording: with its clips.
        probabilities: (clips, classes) calibrated.
    """

    recording: Recording
    probabilities: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Predictions:
    """All that is shown.

    Attributes:
        predicted: one per recording.
        classes: names.
        model: that predicted.
        corpus: that it was fitted to.
        task: of its classes.
        training: what the clips of the corpus are like.
        performances: of the model on new patients.
    """

    predicted: Sequence[Predicted]
    classes: tuple[str, ...]
    model: WholeModel
    corpus: CorpusFacts
    task: str
    training: Training
    performances: Sequence[Performance]


def refuse_existing(folder: Path, replace: bool) -> None:
    """Refuse a folder that holds predictions already.

    Raises:
        InputError: it does, and they are not to be replaced.
    """
    found = [folder / name for name in (CSV, PAGE) if (folder / name).exists() or (folder / name).is_symlink()]
    if found and not replace:
        raise InputError(
            f"{found[0].absolute()} exists; choose another --output, or replace it with --replace (OUTPUT and "
            "REPLACE=1 for make)"
        )


def write_predictions(folder: Path, predictions: Predictions) -> Path:
    """Write both files, each in one step, after both are complete in memory; the page last.

    Returns:
        The page.

    Raises:
        CannotWrite: the disk is full or the folder can't be written; then neither is new.
    """
    table, page = csv_text(predictions).encode(), html_page(predictions).encode()
    before = (folder / CSV).read_bytes() if (folder / CSV).is_file() else None
    write_atomically(folder / CSV, table)
    try:
        write_atomically(folder / PAGE, page)
    except BaseException:
        if before is None:
            (folder / CSV).unlink(missing_ok=True)
        else:
            write_atomically(folder / CSV, before)
        raise
    return folder / PAGE


def csv_text(predictions: Predictions) -> str:
    """One row per clip: recording, begin and end (s), how it was cut, a calibrated probability per class, origin."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["recording", "begin", "end", "cut", *predictions.classes, "model", "fingerprint"])
    origin = (predictions.model.spec.name, predictions.model.fingerprint)
    for one in predictions.predicted:
        for (begin, end), row in zip(one.recording.spans, one.probabilities, strict=True):
            times = (f"{begin:.3f}", f"{end:.3f}", one.recording.cut)
            writer.writerow([str(one.recording.path), *times, *(f"{value:.6f}" for value in row), *origin])
    return buffer.getvalue()


def html_page(predictions: Predictions) -> str:
    """Render the page; names of files, models and classes may hold anything, and are escaped."""
    style = (files("respbench.benchmarks.report") / "assets" / STYLE).read_text(encoding="utf-8")
    model, corpus = predictions.model, predictions.corpus
    fold = model.out_of_fold
    calibrated, base = fold.cross_calibrated(), np.tile(fold.base_rates, (len(fold.label), 1))
    shown = [predictions.classes[label] for label in shown_classes(predictions.classes)]
    names = short_names([one.recording.path for one in predictions.predicted])
    used = [trained_on(one.recording, predictions.training, corpus.name) for one in predictions.predicted]
    text = _ENVIRONMENT.get_template("predictions.html.j2").render(
        predictions=predictions,
        model=model,
        corpus=corpus,
        fold=fold,
        metrics=list(METRICS.values()),
        warnings=[NO_DEVICE, *filter(None, used)],
        recordings=[
            _recording(one, predictions, f"recording-{number}", name)
            for number, (one, name) in enumerate(zip(predictions.predicted, names, strict=True), 1)
        ],
        shown=shown,
        rates=", ".join(
            f"{name} {_percent(rate)}" for name, rate in zip(predictions.classes, fold.base_rates, strict=True)
        ),
        reliability=data_url("image/png", draw_reliability(fold, calibrated, predictions.classes)),
        brier_calibrated=brier(calibrated, fold.label),
        brier_raw=brier(fold.probabilities, fold.label),
        brier_base=brier(base, fold.label),
        no_better=brier(calibrated, fold.label) >= brier(base, fold.label),
        versions=", ".join(f"{name} {version}" for name, version in versions().items()),
        no_device=NO_DEVICE,
        style=Markup(style),
        policy=f"default-src 'none'; img-src data:; style-src {source_hash(style)}",
    )
    return str(text)


def short_names(paths: Sequence[Path]) -> list[str]:
    """The names of files, with their folders where two files share one."""
    names = [path.name for path in paths]
    shown = (name if names.count(name) == 1 else str(path) for name, path in zip(names, paths, strict=True))
    return [printable(name) for name in shown]


def _recording(one: Predicted, predictions: Predictions, anchor: str, name: str) -> dict[str, object]:
    """What the template shows of a recording."""
    recording, shown = one.recording, shown_classes(predictions.classes)
    rates = predictions.model.out_of_fold.base_rates
    rows = [
        [f"{begin:.2f}", f"{end:.2f}", *map(_percent, row)]
        for (begin, end), row in zip(recording.spans, one.probabilities, strict=True)
    ]
    return {
        "name": name,
        "anchor": anchor,
        "about": described(recording),
        "differences": differences(recording, predictions.training, predictions.corpus.name),
        "left_out": recording.left_out,
        "figure": data_url("image/png", draw_recording(recording, one.probabilities, predictions.classes, rates)),
        "rows": rows,
        "folded": len(rows) > SHOWN_ROWS,
        "unit": "cycle" if recording.cut == CYCLES else "clip",
        "clips": len(rows),
        "ranges": [
            (_percent(np.median(values)), _percent(values.min()), _percent(values.max()))
            for values in one.probabilities[:, shown].T
        ],
    }


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


_ENVIRONMENT = Environment(
    loader=PackageLoader("respbench.benchmarks.report"),
    undefined=StrictUndefined,
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
