"""Nothing is fitted twice: ensembles combine what members have stored, ablations take over what the benchmark has."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from respbench.benchmarks.cli import main
from respbench.benchmarks.storage.records import FitKey
from respbench.benchmarks.storage.store import Store
from respbench.models import registry
from respbench.models.ablations import ABLATIONS, Ablation, changed
from respbench.models.ensemble import combine

CORPUS = ("--patients", "20", "--clips", "5", "--corpus-seed", "1", "--protocol", "patients-3fold", "--workers", "0")


@pytest.fixture(autouse=True)
def duo(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two controls, averaged: an entry of the registry for as long as a test lasts."""
    spec = replace(
        registry.REGISTRY["ensemble"], name="duo", overrides={"members": ("prior", "metadata")}, optional=True
    )
    monkeypatch.setitem(registry.REGISTRY, "duo", spec)


def run(results: Path, *more: str, command: str = "run") -> int:
    untuned = ("--trials", "none") if command == "run" else ()
    return main([command, *CORPUS, *untuned, "--results", str(results), *more])


def stored(results: Path, protocol: str = "patients-3fold") -> Store:
    return Store(results / "simulated" / "abnormal" / protocol)


def test_an_ensemble_combines_what_its_members_have_stored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "--models", "metadata,duo") == 0
    assert "duo averages models that were not named; they run too: prior." in capsys.readouterr().out
    store = stored(tmp_path)
    for fold in range(3):
        tables = [store.read(FitKey(name, 0, fold)) for name in ("prior", "metadata", "duo")]
        prior, metadata, both = (table.predictions[["normal", "abnormal"]].to_numpy() for table in tables)
        np.testing.assert_allclose(both, combine([prior, metadata], None), atol=1e-8)
        seconds = [table.record.fit_seconds for table in tables]
        assert seconds[2] == pytest.approx(seconds[0] + seconds[1])


def test_a_changed_member_makes_the_ensemble_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "--models", "metadata,prior,duo") == 0
    before = stored(tmp_path).read(FitKey("duo", 0, 0)).record.fingerprint
    changed = replace(registry.REGISTRY["metadata"], overrides={"C": 0.01})
    monkeypatch.setitem(registry.REGISTRY, "metadata", changed)
    assert run(tmp_path, "--models", "metadata,prior,duo") == 0
    assert "6 stored fits of duo, metadata came from other code or settings" in capsys.readouterr().out
    assert stored(tmp_path).read(FitKey("duo", 0, 0)).record.fingerprint != before


def test_an_ensemble_follows_the_predictions_that_stand_beside_it(tmp_path: Path) -> None:
    """As after a member was deleted and fitted again on a machine whose last digits differ."""
    assert run(tmp_path, "--models", "metadata,prior,duo") == 0
    store, fit = stored(tmp_path), FitKey("metadata", 0, 1)
    before = store.read(FitKey("duo", 0, 1)).predictions
    member = store.read(fit)
    clips = SimpleNamespace(
        clip_id=member.predictions["clip_id"].to_numpy(),
        patient=member.predictions["patient"].to_numpy(),
        label=(member.predictions["label"] == "abnormal").to_numpy().astype(int),
        classes=("normal", "abnormal"),
    )
    swapped = member.predictions[["abnormal", "normal"]].to_numpy()
    store.write(fit, clips, swapped, member.record)  # type: ignore[arg-type]
    assert run(tmp_path, "--models", "metadata,prior,duo") == 0
    after = store.read(FitKey("duo", 0, 1)).predictions
    assert not after.equals(before)
    prior = store.read(FitKey("prior", 0, 1)).predictions[["normal", "abnormal"]].to_numpy()
    np.testing.assert_allclose(after[["normal", "abnormal"]].to_numpy(), combine([prior, swapped], None), atol=1e-8)


def test_an_ensemble_whose_member_failed_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = replace(registry.REGISTRY["metadata"], target="respbench.models.lost:build")
    monkeypatch.setitem(registry.REGISTRY, "metadata", lost)
    assert run(tmp_path, "--models", "metadata,prior,duo") == 1
    assert "duo failed" in capsys.readouterr().out


def test_an_ablation_takes_over_what_the_benchmark_has_fitted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    variant = changed("metadata", "free", "C = 9", C=9.0)
    monkeypatch.setitem(ABLATIONS, "tiny", Ablation("Is it free?", registry.REGISTRY["metadata"], (variant,)))
    assert run(tmp_path, "--models", "metadata,prior") == 0
    assert run(tmp_path, "--group", "tiny", command="ablate") == 0
    assert "6 of 12 fits are stored already" in capsys.readouterr().out
    benchmark, ablation = stored(tmp_path), stored(tmp_path, "patients-3fold-ablation")
    for fold in range(3):
        one, other = (store.read(FitKey("metadata", 0, fold)) for store in (benchmark, ablation))
        assert one.predictions.equals(other.predictions)
        assert replace(other.record, protocol="patients-3fold") == one.record
        assert other.record.protocol == "patients-3fold-ablation"
    assert json.loads((ablation.folder / "runs/prior/seed0-fold0.json").read_text())["model"] == "prior"
