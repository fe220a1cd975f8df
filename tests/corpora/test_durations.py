"""The control `duration`, the stored clips, and the AUROC within durations."""

import gzip
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_up_results import STRENGTHS, made_up_results, synthetic_clips, written_text
from synthetic_corpora import TINY_RUN

from respbench.benchmarks.cli import main
from respbench.benchmarks.report.leaderboard import leaderboard_rows
from respbench.benchmarks.report.pages import write_report
from respbench.benchmarks.report.tables import LEADERBOARD
from respbench.benchmarks.statistics.formatting import cell
from respbench.benchmarks.statistics.loading import load_results
from respbench.benchmarks.statistics.metrics import GROUPED
from respbench.benchmarks.storage.store import CLIPS, Store
from respbench.corpora.clips import Clips
from respbench.corpora.problems import InputError
from respbench.models.registry import REGISTRY

COLUMN = "auroc_within_durations"


def lasting(seconds: np.ndarray) -> Clips:
    """Clips of noise of given durations; the long ones are abnormal."""
    rng = np.random.default_rng(0)
    n = len(seconds)
    return Clips(
        signals=[rng.normal(size=(1, round(1000 * s))).astype(np.float32) for s in seconds],
        rate=1000,
        label=(seconds > np.median(seconds)).astype(np.int64),
        patient=np.array([f"p{i // 4}" for i in range(n)]),
        clip_id=np.array([f"c{i}" for i in range(n)]),
        classes=("normal", "abnormal"),
        meta=pd.DataFrame(index=range(n)),
    )


def test_the_control_uses_durations_and_no_sound() -> None:
    clips = lasting(np.random.default_rng(1).uniform(0.2, 2.0, 80))
    train, valid = clips.take(np.arange(60)), clips.take(np.arange(60, 80))
    model = REGISTRY["duration"].build(0).fit(train, valid)
    silent = replace(clips, signals=[np.zeros_like(signal) for signal in clips]).hide_labels()
    np.testing.assert_array_equal(model.predict_proba(clips.hide_labels()), model.predict_proba(silent))
    decided = model.predict_proba(silent).argmax(axis=1)
    assert (decided == clips.label).mean() > 0.9
    assert model.n_parameters == 3
    assert REGISTRY["duration"].kind == "control"


def test_the_control_finds_a_class_in_the_middle_and_survives_equal_durations() -> None:
    seconds = np.random.default_rng(1).uniform(0.5, 2.0, 80)
    clips = lasting(seconds)
    clips = replace(clips, label=(np.abs(np.log(seconds)) < 0.3).astype(np.int64))
    p = REGISTRY["duration"].build(0).fit(clips, clips.take(np.arange(4))).predict_proba(clips.hide_labels())
    assert (p.argmax(axis=1) == clips.label).mean() > 0.9
    equal = replace(clips, signals=[np.zeros((1, 8), dtype=np.float32)] * 80)
    p = REGISTRY["duration"].build(0).fit(equal, equal.take(np.arange(4))).predict_proba(equal.hide_labels())
    assert np.isfinite(p).all()
    assert np.ptp(p[:, 0]) == 0


def test_stored_clips_are_reproducible_and_hold_no_more_than_a_report_needs(tmp_path: Path) -> None:
    clips = synthetic_clips()
    stores = [Store(tmp_path / name) for name in ("a", "b")]
    for store in stores:
        store.write_clips(clips)
    one, other = (store.folder / CLIPS for store in stores)
    assert one.read_bytes() == other.read_bytes()
    before = one.stat().st_mtime_ns
    stores[0].write_clips(clips)
    assert one.stat().st_mtime_ns == before
    assert [path.name for path in stores[0].folder.iterdir()] == [CLIPS]
    table = stores[0].clips()
    assert table is not None
    assert list(table.columns) == ["clip_id", "patient", "label", "seconds", "recording", "device"]
    assert table["clip_id"].tolist() == clips.clip_id.tolist()
    assert table["label"].tolist() == [clips.classes[label] for label in clips.label]
    np.testing.assert_array_equal(table["seconds"], clips.seconds)
    assert Store(tmp_path / "c").clips() is None


def test_a_run_writes_the_clips_also_when_every_fit_is_stored(tmp_path: Path) -> None:
    run = ["run", *TINY_RUN, "--trials", "none", "--results", str(tmp_path), "--models", "prior,duration"]
    assert main(run) == 0
    folder = tmp_path / "simulated" / "abnormal" / "patients-2fold"
    written, table = (folder / CLIPS).read_bytes(), (folder / "leaderboard.csv").read_text()
    fits = {path: path.stat().st_mtime_ns for path in folder.glob("runs/*/*")}
    (folder / CLIPS).unlink()
    write_report(Store(folder))
    without = (folder / "leaderboard.csv").read_text()
    assert main(run) == 0
    assert (folder / CLIPS).read_bytes() == written
    assert (folder / "leaderboard.csv").read_text() == table != without
    assert {path: path.stat().st_mtime_ns for path in folder.glob("runs/*/*")} == fits
    clips = Store(folder).clips()
    assert clips is not None
    assert {"recording", "device", "location", "mode"} <= set(clips.columns)


def test_an_old_folder_without_clips_has_an_empty_column_and_says_how_to_fill_it(tmp_path: Path) -> None:
    store = made_up_results(tmp_path)
    full = pd.read_csv(io.StringIO(LEADERBOARD.text(leaderboard_rows(load_results(store)))))
    (store.folder / CLIPS).unlink()
    report = write_report(store)
    text = written_text(report.page.parent)
    assert text.count("the same benchmark run again adds them without fitting anything") == 1
    old = pd.read_csv(store.folder / "leaderboard.csv")
    assert old[[COLUMN, f"{COLUMN}_low", f"{COLUMN}_high"]].isna().all().all()
    assert full[[COLUMN, f"{COLUMN}_low", f"{COLUMN}_high"]].notna().all().all()
    needs_clips = tuple(f"auroc_within_{name}" for name in GROUPED)
    others = [column for column in full if not column.startswith(needs_clips)]
    pd.testing.assert_frame_equal(old[others], full[others])


def test_clips_that_are_not_the_tested_ones_are_refused(tmp_path: Path) -> None:
    store = made_up_results(tmp_path)
    path = store.folder / CLIPS
    lines = gzip.decompress(path.read_bytes()).decode().splitlines(keepends=True)
    path.write_bytes(gzip.compress("".join(lines[:-2]).encode()))
    with pytest.raises(InputError, match=r"lacks 2 of the 192 tested clips, such as clip0190; delete it and run"):
        write_report(store)
    path.write_bytes(gzip.compress("".join(lines[:-2]).replace("0.0", "?").encode()))
    with pytest.raises(InputError, match="is damaged; delete it"):
        write_report(store)
    path.write_bytes(b"no gzip")
    with pytest.raises(InputError, match="is damaged; delete it"):
        write_report(store)


def test_a_corpus_of_one_duration_has_an_empty_column_and_a_reason(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {"svm": 1.0, "duration": 0.0})
    clips = synthetic_clips()
    store.write_clips(replace(clips, signals=[np.zeros((1, 4), dtype=np.float32)] * len(clips)))
    text = written_text(write_report(store).page.parent)
    assert "All tested clips are equally long, so there is no AUROC within durations." in text
    assert pd.read_csv(store.folder / "leaderboard.csv")[COLUMN].isna().all()


def test_clips_of_other_durations_that_were_not_tested_move_no_stratum(tmp_path: Path) -> None:
    """As under the official split, where only a part of the corpus is tested."""
    store = made_up_results(tmp_path, {"svm": 1.0})
    before = LEADERBOARD.text(leaderboard_rows(load_results(store)))
    clips = synthetic_clips(patients=40)
    extra = clips.take(np.arange(24 * 8, 40 * 8))
    known = synthetic_clips()
    both = replace(
        clips,
        signals=[*known, *(np.zeros((1, 400), dtype=np.float32) for _ in range(len(extra)))],
        label=np.concatenate([known.label, extra.label]),
    )
    store.write_clips(both)
    assert LEADERBOARD.text(leaderboard_rows(load_results(store))) == before


def test_the_report_states_what_duration_still_predicts_within_durations(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {**STRENGTHS, "duration": 0.3})
    report = write_report(store)
    control = report.results.find("duration")
    assert control is not None
    left = cell(control.estimate(COLUMN))
    text = written_text(report.page.parent)
    assert f"whose only input is the length of a clip, has {left} there" in text
    assert "AUROC within durations" in text
    alone = written_text(write_report(made_up_results(tmp_path / "without", {"svm": 1.0})).page.parent)
    assert "`duration` is not among the complete models" in alone
