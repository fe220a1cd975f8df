"""`respbench predict`: fitted once, the same bytes again, and one sentence for whatever can't be used."""

import csv
import errno
import os
import pickle
import re
from dataclasses import replace
from html import unescape

import numpy as np
import pytest
from synthetic_corpora import noise, write_sound

from respbench.benchmarks.cli import main
from respbench.benchmarks.execution import jobs
from respbench.benchmarks.prediction import kept, page, whole_fit
from respbench.benchmarks.storage import files
from respbench.corpora import catalog
from respbench.corpora.simulated.simulation import Simulation
from respbench.models.registry import REGISTRY

CORPUS = ("--patients", "12", "--clips", "4", "--corpus-seed", "1", "--protocol", "patients-2fold", "--workers", "0")

CHEAP = ("prior", "metadata", "duration", "svm", "xgboost", "cnn", "pi-model-mlp", "pair")
"""Controls, classical models, networks, a semi-supervised one, and an ensemble."""


@pytest.fixture(scope="module", autouse=True)
def keys(tmp_path_factory):
    """A key of the tests' own; networks that train for two epochs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kept, "KEYS", tmp_path_factory.mktemp("keys"))
        for name, fewer in (("cnn", {"epochs": 2}), ("pi-model-mlp", {"epochs": 1, "steps": 2, "ratio": 1})):
            spec = REGISTRY[name]
            patch.setitem(REGISTRY, name, replace(spec, overrides={**spec.overrides, **fewer}))
        members = {"members": ("prior", "duration"), "weights": (1, 3)}
        patch.setitem(REGISTRY, "pair", replace(REGISTRY["ensemble"], name="pair", overrides=members))
        yield


@pytest.fixture(autouse=True)
def without_figures(request, monkeypatch):
    """Figures are drawn where a test is about the page, and where their bytes are compared once."""
    if "drawn" not in request.node.name:
        for name in ("draw_recording", "draw_reliability"):
            monkeypatch.setattr(page, name, lambda *given: b"")


class Predict:
    """The command on recordings in a folder of its own."""

    def __init__(self, folder, capsys):
        self.folder, self.output, self.capsys = folder, folder / "out", capsys
        self.recording = folder / "breath.wav"
        write_sound(self.recording, noise(7.0, seed=3))

    def __call__(self, *more, model="duration", recordings=None, output=None):
        paths = [str(path) for path in ([self.recording] if recordings is None else recordings)]
        results = ("--output", str(output or self.output), "--results", str(self.folder / "results"))
        status = main(["predict", model, *paths, *CORPUS, *results, *more])
        read = self.capsys.readouterr()
        return status, read.out, read.err

    def rows(self):
        with (self.output / page.CSV).open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def refuses(self, *more, **how):
        status, _, message = self(*more, **how)
        assert status == 2, message
        assert message.startswith("respbench: ")
        assert message.count("\n") == 1
        assert not self.output.exists(), "a refused prediction left something behind"
        return message


@pytest.fixture
def predict(tmp_path, capsys):
    return Predict(tmp_path, capsys)


@pytest.mark.parametrize("model", [*CHEAP[:-1], pytest.param(CHEAP[-1], id=f"{CHEAP[-1]}-drawn")])
def test_a_model_is_fitted_once_and_predicts_the_same_bytes_again(predict, model, monkeypatch):
    status, said, message = predict(model=model)
    assert (status, message) == (0, "")
    assert f"{'duration' if model == 'pair' else model} is fitted to simulated" in said or model == "pair"
    first = {path.name: path.read_bytes() for path in predict.output.iterdir()}
    assert sorted(first) == [page.CSV, page.PAGE]
    rows = predict.rows()
    assert [(row["begin"], row["end"]) for row in rows] == [
        ("0.000", "3.000"),
        ("1.500", "4.500"),
        ("3.000", "6.000"),
        ("4.000", "7.000"),
    ]
    for row in rows:
        assert float(row["normal"]) + float(row["abnormal"]) == pytest.approx(1, abs=2e-6)
        assert 0 < float(row["abnormal"]) < 1
        assert (row["model"], row["cut"]) == (model, "window")
    for module in (jobs, whole_fit):
        monkeypatch.setattr(module, "evaluate", lambda *given, **how: pytest.fail("fitted again"))
    status, said, message = predict("--replace", model=model)
    assert (status, message) == (0, "")
    assert "nothing is fitted" in said
    assert {path.name: path.read_bytes() for path in predict.output.iterdir()} == first


def test_a_fold_that_validates_on_whole_patients_uses_every_clip():
    clips = catalog.open_corpus("simulated", simulation=Simulation(patients=12, clips_per_patient=4)).clips()
    fold = whole_fit.whole_fold(clips, 0)
    assert np.array_equal(np.sort(np.concatenate([fold.train, fold.valid])), np.arange(len(clips)))
    assert not set(clips.patient[fold.train]) & set(clips.patient[fold.valid])
    assert set(clips.label[fold.train]) == set(clips.label)


def test_cycles_are_those_of_the_annotation_unless_windows_are_asked_for(predict):
    predict.recording.with_suffix(".txt").write_text("0.5\t2.25\t0\t1\n2.25\t6.9\t0\t0\n")
    assert predict()[0] == 0
    assert [(row["begin"], row["end"], row["cut"]) for row in predict.rows()] == [
        ("0.500", "2.250", "cycle"),
        ("2.250", "6.900", "cycle"),
    ]
    assert predict("--window", "5", "--replace")[0] == 0
    assert [(row["begin"], row["cut"]) for row in predict.rows()] == [("0.000", "window"), ("2.000", "window")]
    assert predict("--whole", "--replace")[0] == 0
    assert [(row["end"], row["cut"]) for row in predict.rows()] == [("7.000", "whole file")]


class Trap:
    """Leaves a trace where it is unpickled."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (str(self.trace),)


@pytest.mark.parametrize("signed_by_another", [False, True])
def test_what_this_user_did_not_sign_is_never_opened(predict, tmp_path, monkeypatch, signed_by_another):
    assert predict()[0] == 0
    before = (predict.output / page.CSV).read_bytes()
    (stored,) = catalog.CACHE.glob(f"fitted/duration-*/{kept.FILE}")
    trace, content = tmp_path / "trace", stored.read_bytes()
    if signed_by_another:
        monkeypatch.setattr(kept, "KEYS", tmp_path / "another")
        kept.write_model(stored.parent, stored.parent.name.rpartition("-")[2], Trap(trace))
        monkeypatch.undo()
    else:
        stored.write_bytes(content[: kept.SIGNATURE_BYTES] + pickle.dumps(Trap(trace)))
    status, said, _ = predict("--replace")
    assert status == 0
    assert not trace.exists()
    assert "duration is fitted" in said
    assert (predict.output / page.CSV).read_bytes() == before


def test_a_key_that_others_can_read_is_refused(predict, tmp_path, monkeypatch):
    if os.name != "posix":
        pytest.skip("permissions are those of POSIX")
    monkeypatch.setattr(kept, "KEYS", tmp_path / "keys")
    kept.signing_key()
    (key,) = (tmp_path / "keys").iterdir()
    assert key.stat().st_mode & 0o777 == 0o600
    key.chmod(0o640)
    assert "is not yours alone; delete it" in predict.refuses()
    key.chmod(0o600)
    key.write_bytes(b"short")
    assert "is damaged; delete it" in predict.refuses()


def test_bad_recordings_are_refused(predict, tmp_path):
    good, bad = predict.recording, tmp_path / "bad.wav"
    assert "does not exist" in predict.refuses(recordings=[good, bad])
    bad.write_bytes(good.read_bytes()[:2000])
    assert "is truncated" in predict.refuses(recordings=[bad])
    bad.write_text("no sound")
    assert "is not audio" in predict.refuses(recordings=[bad])
    write_sound(bad, np.zeros(8000))
    assert "is silent" in predict.refuses(recordings=[bad])
    write_sound(bad, noise(0.05))
    assert "less than 0.1 s" in predict.refuses(recordings=[bad])
    assert "is a folder" in predict.refuses(recordings=[tmp_path])
    assert "is named twice" in predict.refuses(recordings=[good, tmp_path / "." / good.name])


@pytest.mark.parametrize("text", ["", "zero one\n", "1.0\n", "3 2 0 0\n", "0.0 inf 0 0\n", "nan 2 0 0\n"])
def test_an_annotation_that_is_none_is_refused(predict, text):
    predict.recording.with_suffix(".txt").write_text(text)
    message = predict.refuses()
    assert "breath.txt" in message
    assert "--window 3" in message


def test_a_cycle_outside_its_recording_is_refused(predict):
    predict.recording.with_suffix(".txt").write_text("0 2 0 0\n6 9 0 0\n")
    assert "reaches from 6.0 to 9.0 s" in predict.refuses()


def test_requests_that_can_not_be_met_are_refused(predict, tmp_path):
    assert "unknown model" in predict.refuses(model="sym")
    assert "2 models; name one" in predict.refuses(model="svm,prior")
    assert "holds movements" in predict.refuses("--corpus", "hmp", "--data", str(tmp_path))
    assert "simulated clips are trained on" in predict.refuses(model="mil-windows")
    assert "is not a folder" in predict.refuses("--corpus", "icbhi", "--data", str(tmp_path / "nowhere"))
    assert "can't calibrate" in predict.refuses("--protocol", "random-5fold")
    assert "too few for 50 folds" in predict.refuses("--protocol", "patients-50fold")
    assert "leaves out sound" in predict.refuses("--window", "1", "--hop", "2")
    assert "not cut into windows" in predict.refuses("--window", "1", "--whole")
    assert "is too short" in predict.refuses("--window", "0.01")


def test_a_model_that_fails_is_named(predict, tmp_path):
    path = tmp_path / "broken.py"
    path.write_text('"""Fails."""\n\n\ndef build(*, seed):\n    """Fail."""\n    raise ValueError("no way")\n')
    message = predict.refuses(model=str(path))
    assert "broken can't be fitted to simulated (ValueError: no way)" in message


def test_predictions_are_replaced_on_request_alone(predict):
    predict.output.mkdir()
    (predict.output / page.PAGE).write_text("mine")
    status, _, message = predict()
    assert status == 2
    assert "predictions.html exists" in message
    assert "--replace" in message
    assert [path.name for path in predict.output.iterdir()] == [page.PAGE]
    assert (predict.output / page.PAGE).read_text() == "mine"


@pytest.mark.parametrize("there", [False, True])
def test_a_full_disk_leaves_nothing_half_written(predict, monkeypatch, there):
    if there:
        assert predict()[0] == 0
    before = {path.name: path.read_bytes() for path in predict.output.iterdir()} if there else {}
    move = files.os.replace

    def full(source, target):
        if str(target).endswith(".html"):
            raise OSError(errno.ENOSPC, "No space left on device")
        move(source, target)

    monkeypatch.setattr(files.os, "replace", full)
    status, _, message = predict("--window", "2", "--replace")
    assert status == 2
    assert "free some space" in message
    assert {path.name: path.read_bytes() for path in predict.output.iterdir()} == before


def test_ctrl_c_ends_in_a_sentence_and_leaves_nothing(predict, monkeypatch):
    def interrupt(*given, **how):
        raise KeyboardInterrupt

    monkeypatch.setattr(whole_fit, "evaluate", interrupt)
    status, _, message = predict("--corpus-seed", "2")
    assert status == 130
    assert "interrupted; what is finished is kept" in message
    assert not predict.output.exists()


def test_the_page_as_drawn_is_self_contained_and_escaped_and_says_what_it_is_not(predict, tmp_path):
    hostile = tmp_path / "<img src=x onerror=alert(1)>.wav"
    write_sound(hostile, 0.9 * noise(2.0) / 0.5, rate=2000)
    assert predict(recordings=[predict.recording, hostile])[0] == 0
    text = (predict.output / page.PAGE).read_text(encoding="utf-8")
    assert "<img src=x" not in text
    assert "&lt;img src=x onerror=alert(1)&gt;.wav" in text
    assert "default-src 'none'; img-src data:; style-src 'sha256-" in unescape(text)
    assert not re.search(r"<script|https?://|src=\"(?!data:image/png;base64,)", text)
    assert text.count("This is no medical device. These numbers must not be used for diagnosis") >= 4
    assert "The scale rests on 48 clips of 12 patients of simulated" in text
    assert "It was sampled at 2000 Hz; between 1000 and 2000 Hz" in text
    assert "louder than 99 % of the clips" in text
    assert "the out-of-fold predictions that calibrate it" in text
    assert "A part" not in text


def test_fits_in_folds_are_taken_from_stored_results(predict):
    results = ("--results", str(predict.folder / "results"))
    corpus = ("--corpus-seed", "5")
    assert main(["run", *CORPUS, *corpus, *results, "--models", "duration", "--trials", "0"]) == 0
    status, said, _ = predict(*corpus)
    assert status == 0
    assert "2 fits of duration in folds, for its calibration, are taken from" in said
    assert "duration is fitted to simulated: once to all patients;" in said
    assert "patients-2fold</td>" in (predict.output / page.PAGE).read_text(encoding="utf-8")
