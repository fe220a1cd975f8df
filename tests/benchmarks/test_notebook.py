"""The names of `respbench`: what they give is what a run gives, labels stay hidden, and mistakes get a sentence."""

import ast
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib import pyplot
from matplotlib.axes import Axes
from sklearn.metrics import classification_report, confusion_matrix
from torch.utils.data import DataLoader

import respbench
from respbench.benchmarks.cli import main
from respbench.corpora.clips import HIDDEN, Clips
from respbench.corpora.simulated.simulation import Simulation
from respbench.corpora.splits.folds import Fold
from respbench.features.cache import cached
from respbench.features.images import ResizedMel
from respbench.models.registry import REGISTRY

PAGE = Path(__file__).resolve().parents[2] / "docs" / "api.md"
SMALL = Simulation(patients=12, clips_per_patient=4, seed=1)
RUN = ("--patients", "12", "--clips", "4", "--corpus-seed", "1", "--protocol", "patients-3fold", "--workers", "0")


@pytest.fixture(scope="module")
def clips(cache: Path) -> Clips:
    return respbench.clips_of(respbench.open_corpus("simulated", simulation=SMALL, cache=cache))


@pytest.fixture(scope="module")
def folds(clips: Clips) -> list[Fold]:
    return respbench.folds(clips, "patients-3fold")


@pytest.fixture(scope="module")
def stored(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of a run of two models and two repeats."""
    folder = tmp_path_factory.mktemp("results")
    options = ("--trials", "none", "--repeats", "2", "--models", "svm,prior", "--results", str(folder))
    assert main(["run", *RUN, *options]) == 0
    return folder


@pytest.fixture(autouse=True)
def figures() -> Iterator[None]:
    before = mpl.get_backend()
    mpl.use("Agg")
    yield
    pyplot.close("all")
    mpl.use(before)


class Recorder:
    """A model of a user's own that keeps what it is given, and ranks clips by their loudness."""

    n_parameters = 0
    unlabeled = True

    def fit(self, train: Clips, valid: Clips, unlabeled: Clips | None = None) -> "Recorder":
        self.train, self.given = train, [unlabeled]
        return self

    def predict_proba(self, clips: Clips) -> Any:
        self.given.append(clips)
        loud = np.array([float(np.abs(signal).mean()) for signal in clips])
        return np.stack([1 - loud, loud], axis=1)


def test_import_loads_nothing_and_every_name_is_there() -> None:
    code = "import respbench, sys; print(sorted({'numpy', 'torch', 'pandas', 'matplotlib'} & sys.modules.keys()))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
    assert sorted(respbench.__all__) == sorted(respbench._PLACES)
    source = ast.parse(Path(str(respbench.__file__)).read_text(encoding="utf-8"))
    typed = {a.name: n.module for n in ast.walk(source) if isinstance(n, ast.ImportFrom) for a in n.names}
    assert {name: place for name, place in typed.items() if name in respbench._PLACES} == respbench._PLACES
    assert all(getattr(respbench, name) is not None for name in respbench.__all__)
    assert set(respbench.__all__) <= set(dir(respbench))
    with pytest.raises(AttributeError, match="no attribute 'fitt'"):
        _ = respbench.fitt  # type: ignore[attr-defined]


def test_a_cross_validation_has_the_numbers_of_a_run(clips: Clips, stored: Path) -> None:
    whole = respbench.cross_validate("svm", clips, "patients-3fold", repeats=2, progress=False).metrics()
    table = respbench.results(stored)
    assert set(table["model"]) == {"svm", "prior"}
    svm = table[table["model"] == "svm"].set_index("metric")
    assert set(svm["repeats"]) == {2}
    assert set(svm["warning"]) == {"SIMULATED"}
    assert svm["value"].notna().sum() > 8
    pd.testing.assert_frame_equal(whole, svm[["value", "low", "high"]], rtol=0, atol=1e-12)
    written = pd.read_csv(next(stored.rglob("leaderboard.csv"))).set_index("model").loc["svm"]
    assert written[["auroc", "auroc_low", "auroc_high"]].tolist() == pytest.approx(
        whole.loc["auroc"].tolist(), abs=1e-7
    )


def test_one_fold_has_the_predictions_of_a_run(clips: Clips, folds: list[Fold], stored: Path) -> None:
    table = respbench.predictions(stored)
    own = table[(table["model"] == "svm") & (table["repeat"] == 0) & (table["fold"] == 1)]
    evaluation = respbench.evaluate(respbench.fit("svm", clips, folds[1]), clips, folds[1])
    assert own["clip_id"].tolist() == evaluation.clips.clip_id.tolist()
    assert own["label"].tolist() == evaluation.table()["label"].tolist()
    np.testing.assert_allclose(own[["p_normal", "p_abnormal"]], evaluation.probabilities, atol=1e-8)
    assert len(table) == 2 * 2 * len(clips)


def test_predicting_again_gives_the_same(clips: Clips, folds: list[Fold]) -> None:
    model = respbench.fit("svm", clips, folds[0])
    same = respbench.evaluate(model, clips, folds[0]).probabilities
    again = respbench.evaluate(model, clips, replace(folds[0])).probabilities
    np.testing.assert_allclose(again, same, atol=1e-12)
    assert repr(model).startswith("FittedModel(name='svm', fit_seconds=")


def test_no_label_reaches_a_model_before_it_has_predicted(clips: Clips, folds: list[Fold]) -> None:
    own = Recorder()
    fold = replace(folds[0], train=folds[0].train[4:], unlabeled=folds[0].train[:4])
    model = respbench.fit(own, clips, fold)
    found = respbench.evaluate(model, clips, replace(fold))
    assert [len(given) for given in own.given if given is not None] == [4, len(fold.test), len(fold.test)]
    assert all((given.label == HIDDEN).all() for given in own.given if given is not None)
    assert (own.train.label != HIDDEN).all()
    scrambled = clips.label.copy()
    scrambled[fold.test] = 1 - scrambled[fold.test]
    other = replace(clips, label=scrambled)
    assert (respbench.evaluate(respbench.fit(own, other, fold), other, fold).probabilities == found.probabilities).all()


def test_a_random_split_is_called_leaky_and_one_by_patient_is_not(clips: Clips, folds: list[Fold]) -> None:
    mixed = respbench.folds(clips, "random-3fold")
    leaky = respbench.evaluate(respbench.fit("prior", clips, mixed[0]), clips, mixed[0])
    assert leaky.warning.startswith("LEAKY")
    assert leaky.warning in leaky.report()
    assert not respbench.evaluate(respbench.fit("prior", clips, folds[0]), clips, folds[0]).warning
    assert respbench.cross_validate("prior", clips, "random-3fold", progress=False).warning.startswith("LEAKY")


def test_progress_is_counted_on_standard_error(clips: Clips, capsys: pytest.CaptureFixture[str]) -> None:
    respbench.cross_validate("prior", clips, "patients-3fold")
    assert capsys.readouterr().err.splitlines()[-1] == "prior: repeat 1 of 1, fold 3 of 3"


@pytest.mark.parametrize(
    ("ask", "answer"),
    [
        (lambda clips, folds: respbench.fit("svn", clips, folds[0]), "unknown model 'svn'"),
        (lambda clips, folds: respbench.fit("svm", clips, folds[0], cost=2), "svm has no parameter 'cost'; it has C,"),
        (lambda clips, folds: respbench.fit(3, clips, folds[0]), "an object with fit, predict_proba"),
        (lambda clips, folds: respbench.fit(Recorder(), clips, folds[0], seed=1), "built already"),
        (lambda clips, folds: respbench.fit("svm", clips, folds), "a fold is needed, not a list"),
        (lambda clips, folds: respbench.fit("svm", clips.take(np.arange(9)), folds[0]), "rows beyond the 9 given"),
        (lambda clips, folds: respbench.fit("svm", clips.hide_labels(), folds[0]), "have no label"),
        (
            lambda clips, folds: respbench.fit("svm", replace(clips, modality="motion"), folds[0], nope=1),
            "no parameter",
        ),
        (
            lambda clips, folds: respbench.fit("quant", replace(clips, modality="motion"), folds[0]),
            "no clips of motion",
        ),
        (lambda clips, folds: respbench.evaluate(prior(clips, folds), clips, folds[1]), "was fitted to"),
        (lambda clips, folds: respbench.evaluate(prior(clips, folds), clips.hide_labels(), folds[0]), "no label"),
        (lambda clips, folds: prior(clips, folds).predict_proba(replace(clips, rate=8000)), "at 8000 Hz"),
        (lambda clips, folds: respbench.figures.learning_curves(prior(clips, folds)), "isn't trained by epoch"),
        (lambda clips, folds: respbench.folds(clips, "patients"), "unknown protocol 'patients'"),
        (lambda clips, folds: respbench.results("nowhere"), "holds no stored runs"),
    ],
)
def test_mistakes_get_a_sentence(clips: Clips, folds: list[Fold], ask: Any, answer: str) -> None:
    with pytest.raises(respbench.InputError, match=re.escape(answer)):
        ask(clips, folds)


def prior(clips: Clips, folds: list[Fold]) -> respbench.FittedModel:
    return respbench.fit("prior", clips, folds[0])


def test_no_parameter_of_a_model_is_an_argument_of_fit() -> None:
    taken = {*inspect.signature(respbench.fit).parameters, *inspect.signature(respbench.cross_validate).parameters}
    sound = [REGISTRY[name] for name in ("svm", "xgboost", "cnn", "cnn-gru", "mlp", "ensemble", "vat-cnn")]
    assert not {name for spec in sound for name in spec.parameters() if name in taken - {"parameters"}}


def test_reports_and_confusions_are_those_of_scikit_learn(clips: Clips, folds: list[Fold]) -> None:
    evaluation = respbench.evaluate(respbench.fit("svm", clips, folds[0]), clips, folds[0])
    truth, called = evaluation.clips.label, evaluation.probabilities.argmax(axis=1)
    assert (evaluation.confusion().to_numpy() == confusion_matrix(truth, called)).all()
    theirs = classification_report(truth, called, target_names=clips.classes, output_dict=True)["abnormal"]
    (line,) = [line for line in evaluation.report().splitlines() if line.startswith("abnormal")]
    numbers = [f"{theirs[name]:.2f}" for name in ("precision", "recall", "f1-score")]
    assert line.split() == ["abnormal", *numbers, f"{theirs['support']:.0f}"]


def test_clips_convert_row_by_row(clips: Clips) -> None:
    some = clips.take(np.array([7, 2, 30]))
    X, y, groups = respbench.to_sklearn(some)
    assert (respbench.to_sklearn(clips).X[[7, 2, 30]] == X).all()
    assert y.tolist() == some.label.tolist()
    assert groups.tolist() == some.patient.tolist()
    dataset = respbench.to_torch_dataset(some, images=ResizedMel(n_mels=32, width=16))
    ((images, labels),) = DataLoader(dataset, batch_size=3)
    assert images.shape == (3, 1, 32, 16)
    assert torch.equal(images, torch.from_numpy(cached(ResizedMel(n_mels=32, width=16), some)))
    assert labels.tolist() == some.label.tolist()
    about = respbench.table(replace(some, label=np.array([HIDDEN, 1, 0])))
    assert about["label"].tolist() == ["", "abnormal", "normal"]
    assert about["clip_id"].tolist() == some.clip_id.tolist()
    assert about["seconds"].tolist() == pytest.approx([signal.shape[1] / clips.rate for signal in some])
    assert about["device"].tolist() == some.meta["device"].tolist()


def labels_of(ax: Axes) -> tuple[str, str]:
    return ax.get_xlabel(), ax.get_ylabel()


def test_figures_draw_on_the_axes_that_they_get_and_name_units(clips: Clips, folds: list[Fold]) -> None:
    fitted = respbench.fit("cnn", clips, folds[0], epochs=2)
    evaluation = respbench.evaluate(fitted, clips, folds[0])
    drawn = respbench.figures
    own = pyplot.figure().subplots()
    assert drawn.waveform(clips.signals[0], clips.rate, ax=own) is own
    assert labels_of(own) == ("time (s)", "amplitude (full scale = 1)")
    assert own.get_lines()[0].get_xdata()[-1] == pytest.approx(clips.seconds[0], abs=1.5 / clips.rate)
    assert labels_of(drawn.mel_spectrogram(clips.signals[0], clips.rate)) == ("time (s)", "frequency (Hz, mel scale)")
    matrix = drawn.confusion_matrix(evaluation)
    assert labels_of(matrix) == ("called", "true class")
    assert sum(int(text.get_text().split("\n")[0]) for text in matrix.texts) == len(folds[0].test)
    losses = drawn.learning_curves(fitted)
    assert labels_of(losses) == ("epoch", "loss (nats per clip)")
    assert list(losses.get_lines()[0].get_ydata()) == fitted.curve["train_loss"].tolist()
    assert labels_of(drawn.learning_curves(fitted, shown="accuracy"))[1] == "accuracy (share of clips)"
    curve = drawn.roc(evaluation)
    area = evaluation.metrics().loc["auroc", "value"]
    assert curve.get_lines()[1].get_label() == f"cnn (area {area:.2f})"
    assert labels_of(drawn.reliability(evaluation))[0] == "stated probability of abnormal"
    with pytest.raises(respbench.InputError, match="choose loss or accuracy"):
        drawn.learning_curves(fitted, shown="score")


def test_the_code_of_the_page_runs(cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    assert len(blocks) > 6
    small = respbench.open_corpus("simulated", simulation=SMALL, cache=cache)
    monkeypatch.setattr(respbench, "open_corpus", lambda name: small, raising=False)
    monkeypatch.setitem(sys.modules, "respbench", respbench)
    names: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
    printed = capsys.readouterr().out
    assert "precision" in printed
    assert "torch.Size([8, 1, 128, 64]) torch.Size([8])" in printed
