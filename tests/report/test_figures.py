"""The figures: there when there is something to show, the same bytes every time, and right in what they average."""

import io
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_up_results import fail, made_up_results
from matplotlib.image import imread
from sklearn.metrics import roc_auc_score

from respbench.benchmarks.report.explore import EXAMPLES, class_row, explore, group_rows, grouping_columns, typical
from respbench.benchmarks.report.figures.curves import plan_curves
from respbench.benchmarks.report.figures.explore import draw_sounds
from respbench.benchmarks.report.figures.series import panels_of
from respbench.benchmarks.report.pages import plan_drawings
from respbench.benchmarks.statistics.confusion import GRID, mean_roc
from respbench.benchmarks.statistics.loading import load_results
from respbench.benchmarks.statistics.metrics import Predictions
from respbench.corpora.clips import HIDDEN, Clips
from respbench.corpora.prepared.prepare import Prepared, prepare_clips

FOUR = ("normal", "crackle", "wheeze", "both")
SIGNATURE = b"\x89PNG\r\n"


def test_figures_are_reproducible_and_undated(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {"prior": 0.0, "svm": 1.2, "cnn": 1.0}, classes=FOUR, seeds=1)
    drawings = plan_drawings(load_results(store), store.folder)
    differences = {"differences-score.png", "differences-auroc.png"}
    probabilities = {"subgroups.png", "reliability.png", "decision_curve.png"}
    general = {"leaderboard.png", "roc.png", "confusion.png", "learning_curves.png"}
    assert set(drawings) == general | differences | probabilities
    for draw in drawings.values():
        png = draw()
        assert png == draw()
        assert png.startswith(SIGNATURE)
        assert b"Date" not in png
        assert b"Software" not in png
        height, width, _ = imread(io.BytesIO(png), format="png").shape
        assert 300 < width < 1700
        assert 150 < height < 1700
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or not pyplot.get_fignums(), "no global state"


def test_without_complete_models_nothing_is_drawn(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, seeds=1)
    assert plan_curves(load_results(store)) == {}, "no networks"
    for key in store.fits():
        if key.fold == 0:
            store.set_aside(key)
    fail(store, "broken")
    assert plan_drawings(load_results(store), store.folder) == {}


def test_mean_roc_is_the_mean_of_the_folds(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    label = rng.integers(2, size=90)
    p = np.round(rng.random(90), 1)
    fold = np.arange(90) % 3
    predictions = Predictions(label, np.stack([1 - p, p], axis=1), fold, fold, ("normal", "abnormal"))
    curve, area = mean_roc([predictions])
    areas = [roc_auc_score(label[fold == k], np.round(p[fold == k], 1)) for k in range(3)]
    assert area == pytest.approx(np.mean(areas), abs=1e-12)
    assert curve.shape == GRID.shape
    assert (np.diff(curve) >= 0).all()
    assert curve[-1] == 1
    one_class = Predictions(np.zeros_like(label), predictions.probabilities, fold, fold, predictions.classes)
    assert np.isnan(mean_roc([one_class])[1])


def noise_clips(rate: int = 4000) -> Clips:
    """40 clips of 10 patients; device predicts the class, one class is rare, some metadata is missing."""
    rng = np.random.default_rng(0)
    label = np.array([0, 1, 2, 3] * 5 + [0] * 20)
    return Clips(
        signals=[rng.normal(size=(1, int(rate * (0.1 + s)))).astype(np.float32) for s in rng.random(40)],
        rate=rate,
        label=label,
        patient=np.array([f"p{i % 10}" for i in range(40)]),
        clip_id=np.array([f"clip{i:02d}" for i in range(40)]),
        classes=FOUR,
        meta=pd.DataFrame(
            {
                "recording": [f"r{i}" for i in range(40)],
                "device": np.where(label > 0, "AKG", "Meditron"),
                "mode": ["sc"] * 40,
                "sex": [None, "F", "M", "F"] * 10,
            }
        ),
    )


def prepared(cache: Path, rate: int) -> Prepared:
    description = "SIMULATED noise, made for a test"
    return prepare_clips(
        lambda: noise_clips(rate),
        "noise",
        rate,
        "",
        "corpora.simulated.simulation:simulate",
        cache,
        description,
    )


def test_explore_writes_a_page_with_figures_and_tables(tmp_path: Path) -> None:
    corpus = prepared(tmp_path / "cache", 1000)
    page = explore(corpus, tmp_path / "look")
    text = page.read_text()
    for name in ("patients", "durations", "sounds", "columns"):
        assert f"({name}.png)" in text
        assert (page.parent / f"{name}.png").read_bytes().startswith(SIGNATURE)
    assert "40 clips of 10 patients" in text
    captions = [line for line in text.splitlines() if line.startswith(("**Table", "**Figure", "#"))]
    assert captions
    assert all("SIMULATED" in line for line in captions)
    clips = corpus.clips()
    examples = {name: typical(clips, label) for label, name in enumerate(clips.classes)}
    again = draw_sounds(clips, examples, "noise [SIMULATED]")
    assert again == (page.parent / "sounds.png").read_bytes()


def test_explore_counts_clips_and_patients(tmp_path: Path) -> None:
    corpus = prepared(tmp_path / "cache", 1000)
    clips = corpus.clips()
    assert grouping_columns(clips) == ["device", "sex"]
    assert [row[:3] for row in group_rows(clips, "device")] == [["AKG", 15, 10], ["Meditron", 25, 10]]
    assert {str(row[0]) for row in group_rows(clips, "sex")} == {"F", "M", "unknown"}
    assert [class_row(clips, label)[1] for label in range(4)] == [25, 5, 5, 5]


def test_examples_are_typical_clips_of_different_patients() -> None:
    clips = noise_clips()
    rows = typical(clips, 0)
    assert len(rows) == EXAMPLES
    assert len(set(clips.patient[rows])) == EXAMPLES
    assert (clips.label[rows] == 0).all()
    seconds = clips.seconds[clips.label == 0]
    assert clips.seconds[rows[0]] == seconds[np.argmin(np.abs(seconds - np.median(seconds)))]
    assert typical(clips.take(np.flatnonzero(clips.label < 3)), 3) == []
    assert grouping_columns(clips) == ["device", "sex"]


def activity_clips() -> Clips:
    """Eight activities of three people, two channels at 32 Hz."""
    clips = noise_clips(32).take(np.arange(24))
    rng = np.random.default_rng(0)
    return replace(
        clips,
        signals=[rng.normal(0, 1, (2, 32 * 5)).astype(np.float32) for _ in range(24)],
        label=np.arange(24) % 8,
        patient=np.repeat(["ann", "bob", "cem"], 8),
        classes=tuple(f"activity {i}" for i in range(8)),
        sound=np.full(24, HIDDEN),
    )


@pytest.mark.parametrize(("unit", "said"), [("m/s²", ", in m/s²."), ("", ".")])
def test_explore_shows_series_with_their_unit_and_spectrograms_of_every_class(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unit: str, said: str
) -> None:
    corpus = prepared(tmp_path / "cache", 1000)
    facts = replace(corpus.facts(), unit=unit, channels=("x", "y"), person="subject", modality="motion")
    monkeypatch.setattr(type(corpus), "facts", lambda self: facts)
    monkeypatch.setattr(type(corpus), "clips", lambda self: activity_clips())
    page = explore(corpus, tmp_path / "look")
    text = page.read_text()
    assert {path.stem for path in page.parent.glob("*.png")} >= {"series", "spectrograms", "patients", "durations"}
    assert not (page.parent / "sounds.png").exists()
    assert f"every channel over time{said}" in text
    assert re.search(r"\| subject +\| +clips \| +activity 0 \|", text)
    assert re.search(r"\| ann +\| +8 \| +1 \|", text)
    assert "disease" not in text


def test_series_have_axes_of_seconds_and_of_their_unit() -> None:
    clips = activity_clips()
    _, panels = panels_of(clips, {name: typical(clips, i) for i, name in enumerate(clips.classes)}, "some")
    assert len(panels) == 8
    assert all(axes.get_xlabel() == "s" for axes, _ in panels)
    assert panels[0][0].get_title().startswith("activity 0: patient ")
