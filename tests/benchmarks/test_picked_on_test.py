"""Runs that also pick the epoch of each network on the test clips: the fits stay as they are."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score

from respbench.benchmarks.cli import main
from respbench.benchmarks.execution import picked
from respbench.benchmarks.storage.picks import PICKED, Picks
from respbench.benchmarks.storage.records import FitKey
from respbench.benchmarks.storage.store import Store

OPTIONS = ("--patients", "12", "--clips", "4", "--corpus-seed", "1", "--protocol", "patients-2fold", "--workers", "0")

NETWORK = '''"""A network that is trained for four epochs."""
from respbench.models.networks.cnn import build as cnn


def build(*, seed):
    return cnn(seed=seed, n_mels=16, epochs=4, patience=None)
'''

KEYS = [FitKey("network", 0, fold) for fold in range(2)]


def run(results: Path, *more: str, models: str = "prior") -> int:
    network = results.with_name("network.py")
    network.write_text(NETWORK)
    chosen = ("--models", models, "--model", str(network), "--results", str(results), "--trials", "none")
    return main(["run", *OPTIONS, *chosen, *more])


def store(results: Path) -> Store:
    return Store(results / "simulated" / "abnormal" / "patients-2fold")


def predictions(results: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in store(results).folder.glob("runs/network/*.csv.gz")}


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of a run that picks nothing."""
    results = tmp_path_factory.mktemp("honest") / "results"
    assert run(results) == 0
    return results


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of a run that picks."""
    results = tmp_path_factory.mktemp("watched") / "results"
    assert run(results, "--picked-on-test") == 0
    return results


def test_the_fits_are_the_same_byte_by_byte(honest: Path, watched: Path) -> None:
    assert predictions(watched) == predictions(honest)
    assert len(predictions(watched)) == 2
    for key in KEYS:
        one, other = (store(results).record(key) for results in (honest, watched))
        assert one is not None
        assert other is not None
        assert one.curve == other.curve
        assert one.fingerprint == other.fingerprint


def test_the_pick_is_the_first_epoch_with_the_best_test_score(watched: Path) -> None:
    for key in KEYS:
        pick, fit = Picks(store(watched)).read(key), store(watched).read(key)
        assert pick is not None
        assert len(pick.record.scores) == len(fit.record.curve) == 4
        assert pick.record.epoch == int(np.argmax(pick.record.scores))
        assert balanced(pick.predictions) == max(pick.record.scores) >= balanced(fit.predictions)
        kept = next(int(row["epoch"]) for row in fit.record.curve if row["kept"])
        assert pick.record.scores[kept] == balanced(fit.predictions)
        assert pick.predictions["clip_id"].equals(fit.predictions["clip_id"])


def balanced(table: pd.DataFrame) -> float:
    decision = np.where(table["abnormal"] > table["normal"], "abnormal", "normal")
    return float(balanced_accuracy_score(table["label"], decision))


def test_picks_lie_apart_from_the_fits_and_only_those_of_networks(watched: Path) -> None:
    assert {path.name for path in (store(watched).folder / PICKED).iterdir()} == {"network"}
    assert {key.model for key in store(watched).fits()} == {"network", "prior"}
    assert not list(store(watched).folder.glob(f"{PICKED}/**/runs"))


def test_a_model_sees_no_label_of_the_clips_it_is_watched_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen = []

    class Spying(picked.EpochRecorder):
        def __call__(self, epoch, probabilities):  # type: ignore[no-untyped-def]
            super().__call__(epoch, lambda clips: seen.append(set(clips.label.tolist())) or probabilities(clips))

    monkeypatch.setattr(picked, "EpochRecorder", Spying)
    assert run(tmp_path / "results", "--picked-on-test") == 0
    assert seen == [{-1}] * 8


@pytest.fixture
def interrupted(watched: Path) -> Iterator[Path]:
    """One pick is lost, and its place is empty again afterwards."""
    lost = store(watched).folder / PICKED / "network" / "seed0-fold1.json"
    text = lost.read_bytes()
    lost.unlink()
    yield watched
    lost.write_bytes(text)


def test_a_stored_fit_without_pick_is_fitted_again_and_stays(
    interrupted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = predictions(interrupted)
    assert run(interrupted, "--picked-on-test") == 0
    said = capsys.readouterr().out
    assert "1 stored fits of network are fitted again" in said
    assert "were replaced" not in said
    assert predictions(interrupted) == before
    assert all(Picks(store(interrupted)).read(key) for key in KEYS)
    assert run(interrupted, "--picked-on-test") == 0
    assert "fitted again" not in capsys.readouterr().out


def test_without_the_option_no_fit_is_repeated_for_its_pick(
    interrupted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(interrupted) == 0
    assert "4 of 4 fits are stored already" in capsys.readouterr().out
    assert Picks(store(interrupted)).read(KEYS[1]) is None


def test_a_fit_of_another_machine_is_replaced_with_its_pick(
    watched: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same identity and other bytes, as from another make of processor: the stored pick is not of this fit."""
    results = tmp_path / "results"
    assert run(results) == 0
    here, there = predictions(results), store(results)
    fit = there.read(KEYS[0])
    clips, probabilities = made_of(fit.predictions)
    there.write(KEYS[0], clips, probabilities, replace(fit.record, hardware="elsewhere"))
    assert predictions(results) != here
    assert run(results, "--picked-on-test") == 0
    assert "1 stored fits of network gave other predictions than on the machine" in capsys.readouterr().out
    assert predictions(results) == here
    assert all(Picks(there).read(key) for key in KEYS)


def made_of(table: pd.DataFrame):  # type: ignore[no-untyped-def]
    """Clips, and probabilities that differ a little from the stored ones."""
    from respbench.corpora.simulated.simulation import Simulation, simulate
    from respbench.corpora.tasks import for_task

    clips = for_task(simulate(Simulation(patients=12, clips_per_patient=4, seed=1)), "abnormal")
    rows = [clips.clip_id.tolist().index(name) for name in table["clip_id"]]
    abnormal = np.clip(table["abnormal"].to_numpy() * 0.999, 0, 1)
    return clips.take(np.array(rows)), np.stack([1 - abnormal, abnormal], axis=1)


def test_a_pick_counts_only_beside_the_fit_that_it_comes_from(watched: Path, tmp_path: Path) -> None:
    folder = store(watched).folder / PICKED / "network"
    record, table = (folder / f"seed0-fold0.{suffix}" for suffix in ("json", "csv.gz"))
    whole = record.read_text(), table.read_bytes()
    try:
        for damage in ("", "null", whole[0][:-20], json.dumps({**json.loads(whole[0]), "fit_digest": "another"})):
            record.write_text(damage)
            assert Picks(store(watched)).read(KEYS[0]) is None
        record.write_text(whole[0])
        table.write_bytes(whole[1][:-9])
        assert Picks(store(watched)).read(KEYS[0]) is None
    finally:
        record.write_text(whole[0])
        table.write_bytes(whole[1])
    assert Picks(store(watched)).read(KEYS[0]) is not None
