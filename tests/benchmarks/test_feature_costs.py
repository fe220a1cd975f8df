"""The cost of extracting features: measured from outside, stored once per model, and shown as a cost of its own."""

import errno
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import made_up_features
import numpy as np
import pytest
from made_up_clock import CLOCK, EXTRACTION, WRITING
from made_up_results import change_record, made_up_results, synthetic_clips
from rich.console import Console
from synthetic_corpora import TINY_RUN

from respbench.benchmarks.cli import main
from respbench.benchmarks.execution import feature_costs
from respbench.benchmarks.execution.feature_costs import SAMPLE, measure, sample
from respbench.benchmarks.execution.pool import Engine
from respbench.benchmarks.feature_costs import measure_feature_costs
from respbench.benchmarks.report.costs import UNMEASURED, cost_rows, costs
from respbench.benchmarks.report.pages import write_report
from respbench.benchmarks.report.tables import COSTS
from respbench.benchmarks.statistics.loading import load_results
from respbench.benchmarks.storage.feature_costs import (
    FEATURE_COSTS,
    FeatureCost,
    read_feature_costs,
    write_feature_costs,
)
from respbench.benchmarks.storage.records import FitKey
from respbench.corpora.catalog import open_corpus
from respbench.corpora.prepared.prepare import Prepared
from respbench.corpora.problems import InputError
from respbench.corpora.simulated.simulation import Simulation
from respbench.models.registry import REGISTRY
from respbench.models.spec import ModelKind, ModelSpec


def spec(name: str = "slow", **overrides: Any) -> ModelSpec:
    return ModelSpec(
        name=name, target=f"{made_up_features.__file__}:build", source="", kind=ModelKind.OWN, overrides=overrides
    )


def cost(ms: float) -> FeatureCost:
    return FeatureCost(ms_per_clip=ms, clips=32, seconds_per_clip=2.5, rounds=3, hardware="a processor", identity="")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the measurement read the model's clock, on which writing a file of the cache takes `WRITING`."""
    write = np.lib.format.write_array_header_1_0

    def slowly(*arguments: Any) -> None:
        CLOCK.seconds += WRITING
        write(*arguments)

    monkeypatch.setattr(feature_costs, "time", CLOCK)
    monkeypatch.setattr(np.lib.format, "write_array_header_1_0", slowly)


def test_extraction_is_measured_without_the_model_and_without_writing_the_cache(clock: None) -> None:
    found = measure(spec(), sample(synthetic_clips()))
    assert found.ms_per_clip == pytest.approx(1000 * EXTRACTION)
    assert found.rounds >= 3


def test_a_model_that_reads_no_features_has_none(clock: None) -> None:
    assert measure(spec(features=False), sample(synthetic_clips())).ms_per_clip == 0


def test_the_sample_has_every_class_and_the_durations_of_the_corpus() -> None:
    clips = synthetic_clips(("normal", "abnormal"))
    rare = replace(clips, label=np.where(np.arange(len(clips)) == 77, 1, 0))
    for whole in (clips, rare):
        chosen = sample(whole)
        assert SAMPLE <= len(chosen) <= SAMPLE + 2
        assert set(chosen.label.tolist()) == {0, 1}
        assert chosen.seconds.mean() == pytest.approx(whole.seconds.mean(), rel=0.05)
    assert len(sample(clips.take(np.arange(5)))) == 5


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    return open_corpus("simulated", simulation=Simulation(patients=6, clips_per_patient=4))


def measure_all(prepared: Prepared, specs: list[ModelSpec], folder: Path) -> str:
    """Measure what is missing, and return what the user is told."""
    text = io.StringIO()
    measure_feature_costs(prepared, "abnormal", specs, folder, Console(file=text, width=200), Engine(workers=0))
    return text.getvalue()


def test_what_is_stored_is_not_measured_again_unless_the_model_changed(
    clock: None, prepared: Prepared, tmp_path: Path
) -> None:
    assert "1 of 1" in measure_all(prepared, [spec(), REGISTRY["ensemble"]], tmp_path)
    content = (tmp_path / FEATURE_COSTS).read_bytes()
    assert measure_all(prepared, [spec()], tmp_path) == ""
    assert (tmp_path / FEATURE_COSTS).read_bytes() == content
    assert "1 of 1" in measure_all(prepared, [spec(features=False)], tmp_path)
    assert read_feature_costs(tmp_path)["slow"].ms_per_clip == 0


def test_a_model_that_cannot_be_measured_stops_no_other(clock: None, prepared: Prepared, tmp_path: Path) -> None:
    said = measure_all(prepared, [spec("bad", fails=True), spec("good")], tmp_path)
    assert "the feature extraction of bad can't be measured: ValueError: too few clips" in said
    assert list(read_feature_costs(tmp_path)) == ["good"]


@pytest.mark.parametrize("where", ["write_feature_costs", "measure"])
def test_a_full_disk_ends_the_measurement_and_leaves_what_is_stored(
    clock: None, prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    write_feature_costs(tmp_path, {"old": cost(1)})
    monkeypatch.setattr(feature_costs, where, refuse)
    with pytest.raises(OSError, match="No space left"):
        measure_all(prepared, [spec()], tmp_path)
    assert read_feature_costs(tmp_path) == {"old": cost(1)}


def test_damaged_costs_are_refused_with_a_remedy(prepared: Prepared, tmp_path: Path) -> None:
    (tmp_path / FEATURE_COSTS).write_text('{"svm": {"ms_per_clip": "fast"}}')
    with pytest.raises(InputError, match=r"feature_costs.json is damaged .*; delete it"):
        measure_all(prepared, [spec()], tmp_path)


def test_costs_add_up(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {"svm": 1.0, "cnn": 0.5, "both": 1.2, "svm-tuned": 1.1, "new": 0.2}, seeds=1)
    for fold in range(3):
        change_record(store, FitKey("both", 0, fold), members={"svm": "x", "cnn": "y"})
        change_record(store, FitKey("svm-tuned", 0, fold), untuned="svm")
    results, measured = load_results(store), {"svm": cost(2.0), "cnn": cost(3.0)}
    rows = {row["model"]: row for row in cost_rows(results, measured)}
    predict = rows["svm"]["predict_ms_per_clip"]
    for model, features in {"svm": 2.0, "cnn": 3.0, "both": 5.0, "svm-tuned": 2.0}.items():
        assert rows[model]["features_ms_per_clip"] == features
        assert rows[model]["cold_ms_per_clip"] == pytest.approx(predict + features)
        assert rows[model]["features_hardware"] == "a processor"
    section = costs(results, measured)
    assert section.unmeasured == ["new"]
    assert section.other_hardware == ["a made-up processor, 2 cores"]
    assert next(row for row in section.rows if row[0] == "new").count(UNMEASURED) == 2
    assert sorted(costs(results, {"svm": cost(2.0)}).unmeasured) == ["both", "cnn", "new"], "a member is unknown"


def test_the_page_states_what_was_measured(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {"svm": 1.0, "new": 0.2}, seeds=1)
    write_report(store, draw=False)
    page = store.folder / "costs.md"
    assert "of `svm` and `new` was not measured" in page.read_text()
    write_feature_costs(store.folder, {"svm": cost(2.0)})
    write_report(store, draw=False)
    assert "over 32 clips" in page.read_text()
    assert "of `new` was not measured" in page.read_text()
    assert COSTS.read(store.folder)["svm"]["features_ms_per_clip"] == 2.0


def test_the_command_measures_stored_results_and_refuses_another_corpus(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], with_feature_costs: None
) -> None:
    corpus = TINY_RUN[:6]
    assert main(["run", *TINY_RUN, "--models", "prior", "--results", str(tmp_path)]) == 0
    (path,) = tmp_path.rglob(FEATURE_COSTS)
    path.unlink()
    assert main(["costs", str(tmp_path), *corpus]) == 0
    assert read_feature_costs(path.parent)["prior"].ms_per_clip == 0
    capsys.readouterr()
    assert main(["costs", str(tmp_path), "--patients", "13", "--clips", "4"]) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert f"the fits in {path.parent} come from other sounds (simulated, fingerprint " in message
    assert main(["costs", str(tmp_path / "empty")]) == 2
    assert "holds no stored runs" in capsys.readouterr().err


@pytest.mark.parametrize("channels", [1, 3])
def test_every_channel_is_laid_out_for_the_measurement(channels: int, tmp_path: Path) -> None:
    clips = synthetic_clips()
    signals = [np.random.default_rng(i).normal(size=(channels, 9)).astype(np.float32) for i in range(len(clips))]
    stored = feature_costs._store(replace(clips, signals=signals), tmp_path)
    assert all(np.array_equal(one, other) for one, other in zip(stored, signals, strict=True))
