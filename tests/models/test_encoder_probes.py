"""Probes of frozen encoders: the contract of a model, what identifies a fit, and what is missing."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.svm import SVC

from respbench.benchmarks.cli import main
from respbench.benchmarks.probes import features_of
from respbench.benchmarks.storage.identity import model_identity
from respbench.corpora import catalog as corpora
from respbench.corpora.clips import Clips
from respbench.corpora.problems import InputError
from respbench.corpora.simulated.simulation import Simulation
from respbench.corpora.splits.leave_patients_out import LeavePatientsOut
from respbench.corpora.tasks import for_task
from respbench.features.encoders import catalog, crepe
from respbench.features.encoders.weights import FOLDER_VARIABLE
from respbench.models.encoder_entries import PROBES, encoder_entries
from respbench.models.registry import REGISTRY
from respbench.models.selection import find
from respbench.models.spec import ModelSpec

CARD = replace(catalog.ENCODERS["crepe"], name="own", package="", files=("own.pth",), step=0.5, get="copy it")
ENTRIES = {spec.name: spec for spec in encoder_entries(CARD)}


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Write random weights of an encoder that the catalog has for this test."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setitem(catalog.ENCODERS, "own", CARD)
    for name, spec in ENTRIES.items():
        monkeypatch.setitem(REGISTRY, name, spec)
    (tmp_path / "own").mkdir()

    def write(seed: int) -> None:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            torch.save(crepe.Crepe().state_dict(), tmp_path / "own" / "own.pth")

    write(0)
    return write


def parts(task: str) -> tuple[Clips, Clips, Clips]:
    """Training, validation and test clips of the simulated corpus, the latter without labels."""
    clips = for_task(
        corpora.open_corpus("simulated", simulation=Simulation(patients=12, clips_per_patient=4, seed=3)).clips(), task
    )
    fold = next(LeavePatientsOut(3).split(clips, 0))
    return clips.take(fold.train), clips.take(fold.valid), clips.take(fold.test).hide_labels()


@pytest.mark.parametrize("name", ENTRIES)
@pytest.mark.parametrize("task", ["abnormal", "four-class"])
def test_a_probe_keeps_the_contract(weights: object, name: str, task: str) -> None:
    train, valid, test = parts(task)
    model = ENTRIES[name].build(0).fit(train, valid)
    p = model.predict_proba(test)
    assert p.shape == (len(test), len(train.classes))
    assert p.dtype == np.float64
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-6)
    assert model.n_parameters > 0
    in_memory = replace(test, signals=[np.array(signal) for signal in test])
    np.testing.assert_array_equal(ENTRIES[name].build(0).fit(train, valid).predict_proba(in_memory), p)
    np.testing.assert_allclose(model.predict_proba(test.take(np.array([3, 0]))), p[[3, 0]], atol=1e-9)


@pytest.mark.parametrize("kernel", ["rbf", "linear"])
def test_the_kernels_are_those_of_libsvm(weights: object, kernel: str) -> None:
    train, valid, test = parts("abnormal")
    model = ENTRIES["own-svm"].build(0, {"kernel": kernel}).fit(train, valid)
    standardized = [np.clip(model.scaler.transform(features_of(model, part)), -2, 2) for part in (train, valid, test)]
    known, asked = np.concatenate(standardized[:2]), standardized[2]
    # A linear kernel that is 256 times smaller is one whose errors cost 256 times less.
    own = SVC(kernel=kernel, C=1 / 256 if kernel == "linear" else 1, gamma=1 / 256, class_weight="balanced", tol=1e-6)
    margin = own.fit(known, np.concatenate([train.label, valid.label])).decision_function(asked)
    np.testing.assert_allclose(model.predict_proba(test)[:, 1], 1 / (1 + np.exp(-margin)), atol=1e-3)


def test_a_kernel_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="kernel must be one of rbf, linear"):
        ENTRIES["own-svm"].build(0, {"kernel": "cubic"})


@pytest.mark.parametrize("name", ENTRIES)
def test_the_identity_of_a_fit_changes_with_the_weights(weights: Callable[[int], None], name: str) -> None:
    spec = ENTRIES[name]
    first = model_identity(spec)
    assert model_identity(spec) == first
    assert model_identity(replace(spec, overrides={**spec.overrides, "pooling": "mean+max"})) != first
    weights(1)
    assert model_identity(spec) != first


def test_another_encoder_makes_no_stored_fit_stale(weights: object, monkeypatch: pytest.MonkeyPatch) -> None:
    first = model_identity(ENTRIES["own-svm"])
    monkeypatch.setitem(catalog.ENCODERS, "another", replace(CARD, name="another"))
    assert model_identity(ENTRIES["own-svm"]) == first


def test_missing_weights_are_refused_before_a_run_and_break_nothing_else(
    weights: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    present = model_identity(ENTRIES["own-svm"])
    assert [spec.name for spec in find("own-svm,prior")] == ["own-svm", "prior"]
    (tmp_path / "own" / "own.pth").unlink()
    spec: ModelSpec = ENTRIES["own-svm"]
    assert model_identity(spec) != present
    model = spec.build(0)
    with pytest.raises(InputError, match=r"the encoder own needs own\.pth, not in .*; to get it: copy it"):
        features_of(model, parts("abnormal")[0])
    results = tmp_path / "results"
    assert main(["run", "--models", "prior,own-svm", "--results", str(results)]) == 2
    assert "the encoder own needs own.pth" in capsys.readouterr().err
    assert not results.exists()


def test_encoders_are_listed_with_license_hash_and_what_is_missing(
    weights: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["encoders"]) == 0
    lines = capsys.readouterr().out.splitlines()
    own = next(line for line in lines if line.startswith("own "))
    assert "16000 Hz, 0.064 s" in own
    assert "MIT" in own
    (tmp_path / "own" / "own.pth").unlink()
    assert main(["encoders"]) == 0
    out = capsys.readouterr().out
    assert "own: the encoder own needs own.pth, not in" in out
    assert "not for commercial use" in out
    assert main(["list"]) == 0
    assert "-logistic or -svm" in capsys.readouterr().out


def test_every_encoder_has_its_probes() -> None:
    assert {f"{name}-{probe}" for name in catalog.ENCODERS for probe in PROBES} <= REGISTRY.keys()
