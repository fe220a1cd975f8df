"""Runs of models that learn from unlabeled clips: what they are given, what is said of it, and their twins."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from test_run import folder, respbench

from respbench.benchmarks.execution import jobs as fitting
from respbench.benchmarks.execution.evaluate import with_pseudo_label_accuracy
from respbench.benchmarks.storage.records import FitKey, FitRecord
from respbench.benchmarks.storage.store import Store
from respbench.corpora.clips import Clips
from respbench.corpora.splits.folds import Fold
from respbench.models import registry
from respbench.models.spec import ModelKind, ModelSpec

BUDGET = ("--protocol", "patients-3fold-labels25", "--seeds", "1")

PSEUDO = '''"""Takes loud unlabeled clips for abnormal ones in its second epoch, and predicts how many there were."""
import numpy as np

UNLABELED = True


class Pseudo:
    n_parameters = 1

    def fit(self, train, valid, unlabeled=None):
        assert len(train) and len(valid) and len(unlabeled)
        assert (unlabeled.label == -1).all() and (unlabeled.sound == -1).all()
        assert not any("sim" in name for name in unlabeled.clip_id)
        assert not {*unlabeled.patient} & {*train.patient, *valid.patient}
        loud = np.array([np.abs(signal).mean() for signal in unlabeled])
        confident = loud > np.median(loud)
        self.curve = [{"epoch": 0, "train_loss": 2.0}, {"epoch": 1, "train_loss": 1.0}]
        self.pseudo_labels = [np.full(len(loud), -1), np.where(confident, 1, -1)]
        self.share = loud.mean() / loud.max() + unlabeled.label.mean() + unlabeled.sound.mean() + 2
        return self

    def predict_proba(self, clips):
        return np.tile([1 - self.share, self.share], (len(clips), 1))


def build(*, seed):
    return Pseudo()
'''


def pseudo(folder: Path, code: str = PSEUDO) -> tuple[str, ...]:
    (folder / "pseudo.py").write_text(code)
    return *BUDGET, "--models", "prior", "--model", str(folder / "pseudo.py")


def budget_store(results: Path) -> Store:
    return Store(folder(results, "patients-3fold-labels25"))


def record_of(results: Path, model: str, fold: int = 0) -> FitRecord:
    record = budget_store(results).record(FitKey(model, 0, fold))
    assert record is not None
    return record


def test_confident_labels_are_judged_afterwards(tmp_path: Path) -> None:
    assert respbench(tmp_path, *pseudo(tmp_path)) == 0
    labels = budget_store(tmp_path).clips()
    assert labels is not None
    for fold in range(3):
        facts = record_of(tmp_path, "pseudo", fold)
        first, second = facts.curve
        assert first == {"epoch": 0, "train_loss": 2.0}, "nothing to be confident of, nothing to judge"
        assert second["train_loss"] == 1.0
        assert 0 < second["confident_accuracy"] < 1
        unlabeled = labels[labels["patient"].isin(facts.unlabeled_patients)]
        assert facts.unlabeled_clips == len(unlabeled) == 5 * len(facts.unlabeled_patients)
        # Half of the unlabeled clips were called abnormal: a number of them is right.
        right = second["confident_accuracy"] * (len(unlabeled) // 2)
        assert right == pytest.approx(round(right))
        assert "confident_accuracy" not in str(record_of(tmp_path, "prior", fold))


@pytest.mark.parametrize(
    ("guesses", "truth", "accuracy"),
    [
        ([0, 1, -1, 1], [0, 0, 1, 1], 2 / 3),
        ([0, 1, -1, 1], [0, -1, 1, -1], 1.0),
        ([-1, -1, -1, -1], [0, 0, 1, 1], None),
        ([0, 1, 1, 1], [-1, -1, -1, -1], None),
        ([], [], None),
    ],
)
def test_accuracy_is_that_of_the_confident_clips_with_a_known_label(
    guesses: list[int], truth: list[int], accuracy: float | None
) -> None:
    class Fitted:
        curve: tuple[dict[str, int], ...] = ({"epoch": 0},)
        pseudo_labels: tuple[Any, ...] = (np.array(guesses, dtype=np.int64),)

    model: Any = Fitted()
    expected = [{"epoch": 0}] if accuracy is None else [{"epoch": 0, "confident_accuracy": accuracy}]
    assert with_pseudo_label_accuracy(model, np.array(truth, dtype=np.int64)) == expected
    assert Fitted.curve == ({"epoch": 0},)


def test_a_model_may_have_taken_nothing_for_a_label() -> None:
    class Supervised:
        curve: tuple[dict[str, int], ...] = ({"epoch": 0},)
        pseudo_labels: tuple[Any, ...] = ()

    model: Any = Supervised()
    assert with_pseudo_label_accuracy(model, np.array([0, 1])) == [{"epoch": 0}]


def test_epochs_without_their_guesses_are_a_fault_of_the_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = pseudo(tmp_path, PSEUDO.replace("[np.full(len(loud), -1), np", "[np"))
    assert respbench(tmp_path, *model) == 1
    assert "pseudo-seed0-fold0 failed: ValueError" in capsys.readouterr().out


def test_scrambled_labels_of_the_unlabeled_change_no_prediction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through the whole harness: they are scrambled where the harness itself takes them from."""
    assert respbench(tmp_path / "one", *pseudo(tmp_path)) == 0
    folds_of = fitting.folds_of

    def scrambled(*arguments: Any) -> tuple[Clips, tuple[Fold, ...]]:
        clips, folds = folds_of(*arguments)
        rows = folds[0].unlabeled
        label, sound = clips.label.copy(), clips.sound.copy()
        label[rows], sound[rows] = 1 - label[rows], 3 - sound[rows]
        return replace(clips, label=label, sound=sound), folds

    monkeypatch.setattr(fitting, "folds_of", scrambled)
    assert respbench(tmp_path / "other", *pseudo(tmp_path)) == 0
    one, other = (budget_store(tmp_path / name).read(FitKey("pseudo", 0, 0)) for name in ("one", "other"))
    pd.testing.assert_frame_equal(one.predictions, other.predictions)
    accuracies = [stored.record.curve[1]["confident_accuracy"] for stored in (one, other)]
    assert sum(accuracies) == pytest.approx(1), "the scrambled labels reached nothing, not even the judgement"


def test_a_twin_comes_along_and_gets_no_unlabeled_clips(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pseudo(tmp_path)
    target = f"{tmp_path / 'pseudo.py'}:build"
    semi = ModelSpec(
        name="semi",
        target=target,
        source="made up",
        kind=ModelKind.SEMI_SUPERVISED,
        unlabeled=True,
        supervised_baseline="metadata",
    )
    monkeypatch.setitem(registry.REGISTRY, "semi", semi)
    assert respbench(tmp_path, *BUDGET, "--models", "prior,semi") == 0
    said = capsys.readouterr().out.replace("\n", " ")
    assert "semi is compared with metadata, the same without unlabeled clips; it runs too." in said
    store = budget_store(tmp_path)
    assert {fit.model for fit in store.fits()} == {"prior", "metadata", "semi"}
    assert record_of(tmp_path, "semi").supervised_baseline == "metadata"
    assert record_of(tmp_path, "semi").kind == "semi-supervised"
    assert record_of(tmp_path, "metadata").supervised_baseline == ""
    # Named, it needs no word.
    assert respbench(tmp_path, *BUDGET, "--models", "metadata,prior,semi") == 0
    assert "it runs too" not in capsys.readouterr().out
