"""Both sides of `make speed` compute the same, or their times could not be compared."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from respbench.benchmarks.speed import lecture, stacked
from respbench.benchmarks.speed import steps as step_speed
from respbench.benchmarks.speed.lecture import matrix_products
from respbench.benchmarks.speed.pipeline import Comparison, cut, page
from respbench.benchmarks.speed.reference import NotebookCycles, handcrafted_by_file, notebook_fold
from respbench.benchmarks.speed.steps import PASSES, StepCost, step_costs
from respbench.benchmarks.speed.suite import classical, suite_stages
from respbench.benchmarks.speed.suite import page as suite_page
from respbench.corpora.cycles import Cycle
from respbench.corpora.readers.audio import read_audio
from respbench.corpora.simulated.simulation import Simulation, simulate
from respbench.features.handcrafted import Handcrafted
from respbench.features.images import ResizedMel
from respbench.models.networks.cnn import TwoLayerCNN
from respbench.models.registry import REGISTRY
from respbench.models.semi_supervised.entries import SEMI_SUPERVISED


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("cycles")
    clips = simulate(Simulation(patients=3, clips_per_patient=2))
    for name, signal in zip(clips.clip_id, clips, strict=True):
        soundfile.write(folder / f"{name}.wav", signal[0], 4000, subtype="PCM_16")
    return sorted(folder.iterdir())


def test_the_librosa_loop_computes_the_handcrafted_vector(paths: list[Path]) -> None:
    features = Handcrafted()
    ours = features([read_audio(path, 4000) for path in paths], 4000)
    usual = handcrafted_by_file(paths, features)
    np.testing.assert_allclose(ours, usual, rtol=1e-3, atol=2e-3)


def test_the_notebook_sees_the_same_images(paths: list[Path]) -> None:
    ours = ResizedMel()([read_audio(path, 4000) for path in paths], 4000)
    cycles = NotebookCycles(paths, np.zeros(len(paths), dtype=np.int64))
    np.testing.assert_allclose(ours, np.stack([cycles[i][0].numpy() for i in range(len(paths))]), atol=0.05)


def test_the_notebook_learns(paths: list[Path]) -> None:
    part = (paths, np.arange(len(paths)) % 2)
    p = notebook_fold([part, part, part], epochs=12, batch_size=4, seed=0)
    assert (p.argmax(axis=1) == part[1]).mean() > 0.6


def test_whole_recordings_are_cut_first(paths: list[Path], tmp_path: Path) -> None:
    (piece,) = cut([Cycle(path=paths[0], clip_id="one", patient="p", label="normal", begin=0.2, end=0.7)], tmp_path)
    assert piece.end is None
    np.testing.assert_allclose(read_audio(piece.path, 4000), read_audio(paths[0], 4000, 0.2, 0.7), atol=1e-4)


def test_the_page_states_the_ratio() -> None:
    assert " 4.0 x |" in page([Comparison("this", 8.0, 2.0, "the same")])
    assert " 1.50 x |" in step_speed.page([StepCost("vat-cnn", 3.0, 2.0)])


def test_every_method_has_its_passes_counted() -> None:
    assert PASSES.keys() == SEMI_SUPERVISED.keys()


def test_an_epoch_is_timed_beside_its_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("CLIPS", 16), ("SIZE", (1, 16, 8)), ("STEPS", 2), ("ROUNDS", 1)):
        monkeypatch.setattr(step_speed, name, value)
    costs = step_costs()
    assert [cost.model for cost in costs] == [f"{method}-cnn" for method in PASSES]
    assert all(cost.epoch > 0 and cost.passes > 0 for cost in costs)


def test_the_suite_is_timed_stage_by_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    small = Simulation(patients=14, clips_per_patient=3)
    monkeypatch.setattr("respbench.corpora.catalog.Simulation", lambda: small)
    assert [spec.name for spec in classical()][:3] == ["prior", "metadata", "duration"]
    stages, clips = suite_stages("simulated", None, [REGISTRY["duration"], REGISTRY["svm"]])
    totals = [stage.total for stage in stages]
    assert totals == sorted(totals, reverse=True)
    assert {stage.times for stage in stages} == {1, 10, 50}
    assert sum(stage.name.startswith("features of") for stage in stages) == 2
    text = suite_page(stages, clips, "simulated")
    assert f"{len(clips)} clips of 14 patients" in text
    assert all(stage.name in text for stage in stages)


def test_the_products_of_a_step_are_counted() -> None:
    products = {p.layer: p for p in reversed(matrix_products(TwoLayerCNN((1, 8, 4), 2), torch.zeros(3, 1, 8, 4)))}
    first = products["Conv2d, forward"]
    assert (first.rows, first.inner, first.columns) == (3 * 8 * 4, 9, 16)
    assert first.operations == 2 * 96 * 9 * 16
    weights = products["Linear, to the weights"]
    assert (weights.rows, weights.inner, weights.columns) == (128, 3, 32 * 2)
    everything = matrix_products(TwoLayerCNN((1, 8, 4), 2), torch.zeros(3, 1, 8, 4))
    assert len(everything) == 4 * 3 - 1
    images = next(p for p in everything if p.layer == "Conv2d, to the inputs")
    assert (images.rows, images.inner, images.columns) == (3 * 4 * 2, 32 * 9, 16)


def test_a_step_of_the_lecture_is_timed_beside_its_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("SIZE", (1, 16, 8)), ("STEPS", 2), ("ROUNDS", 1), ("LARGE", 64)):
        monkeypatch.setattr(lecture, name, value)
    cost = lecture.lecture_cost()
    assert cost.ratio == pytest.approx(cost.step / cost.floor)
    assert cost.arithmetic > 0
    assert " 1.25 x |" in lecture.page(lecture.LectureCost(2.0, 1.6, 0.9, 1.25))


@pytest.mark.parametrize("name", ["cnn-lecture", "mlp"])
def test_a_stack_is_timed_against_single_fits(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(stacked, "IMAGE", (1, 8, 8))
    cost = stacked.stack_cost(name, fits=2, clips=8, rounds=1)
    assert cost.ratio == pytest.approx(cost.one_by_one / cost.stacked)
    assert cost.apart < 1e-4
