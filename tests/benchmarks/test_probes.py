"""Guessing device and patient from features whose contents are known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_up_results import CLIPS, PATIENTS, made_up_results, synthetic_clips
from synthetic_corpora import TINY_RUN

from respbench.benchmarks.cli import main
from respbench.benchmarks.probes import features_of, halves, probe
from respbench.benchmarks.report.subgroups import subgroup_page
from respbench.benchmarks.report.tables import PROBES
from respbench.benchmarks.statistics.intervals import Estimate
from respbench.benchmarks.statistics.loading import load_results
from respbench.corpora.clips import Clips
from respbench.models.registry import REGISTRY

NUMBER = np.repeat(np.arange(PATIENTS), CLIPS)


def recorded() -> Clips:
    """Two devices, one for every third patient; two recordings per patient, of four clips each."""
    device = np.where(NUMBER % 3, "a", "b")
    recording = [f"{patient}-{i % CLIPS // 4}" for i, patient in enumerate(NUMBER)]
    return replace(synthetic_clips(), meta=pd.DataFrame({"device": device, "recording": recording}))


def noise(columns: int = 6) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(PATIENTS * CLIPS, columns))


def test_what_the_features_hold_is_guessed_and_noise_is_not() -> None:
    clips, columns = recorded(), noise()
    nothing = probe(columns, clips)
    assert (nothing["columns"], nothing["devices"], nothing["patients"]) == (6, 2, PATIENTS)
    assert nothing["device"].value == pytest.approx(0.5, abs=0.15)
    assert nothing["patient"].value < 0.15
    columns[:, 0] += 8 * (NUMBER % 3 > 0)
    assert probe(columns, clips)["device"].value > 0.95
    columns[:, 1:] += 40 * np.random.default_rng(1).normal(size=(PATIENTS, 5))[NUMBER]
    assert probe(columns, clips)["patient"].value > 0.9


def test_the_device_is_guessed_for_new_patients_only() -> None:
    """Columns that name the patient, and through him the device, help nobody who has not seen him."""
    named = np.eye(PATIENTS)[NUMBER] + 0.01 * noise(PATIENTS)
    found = probe(named, recorded())
    assert found["patient"].value > 0.95
    assert found["device"].value < 0.75


def test_a_patient_with_one_recording_takes_no_part() -> None:
    patient = np.array(["a", "a", "a", "b", "b", "c"])
    recording = np.array(["a1", "a2", "a3", "b1", "b1", "c1"])
    assert halves(patient, recording).tolist() == [0, 1, 0, -1, -1, -1]
    clips = recorded()
    alone = replace(clips, meta=pd.DataFrame({"recording": clips.patient, "device": "a"}))
    assert probe(noise(), alone) == {"columns": 6}


def test_features_are_those_of_the_model_and_controls_have_none() -> None:
    clips = replace(
        synthetic_clips(patients=2), signals=[np.random.default_rng(i).normal(size=(1, 4000)) for i in range(16)]
    )
    shapes = {name: features_of(REGISTRY[name].build(0), clips) for name in ("svm", "svm-adventitious", "cnn", "prior")}
    assert {name: None if x is None else x.shape for name, x in shapes.items()} == {
        "svm": (16, 40),
        "svm-adventitious": (16, 296),
        "cnn": (16, 2 * 128),
        "prior": None,
    }


def test_the_page_shows_probes_of_its_own_corpus(tmp_path: Path) -> None:
    store = made_up_results(tmp_path, {"svm": 1.0})
    results = load_results(store)
    row = {"model": "svm", "columns": 40, "device": Estimate(0.8, 0.7, 0.9), "devices": 4, "patient": None}
    for corpus, shown in ((results.corpus.fingerprint, 1), ("another", 0)):
        PROBES.write(store.folder, [{**row, "corpus": corpus}])
        page = subgroup_page(results, PROBES.read(store.folder))
        assert page is not None
        assert len(page.probes) == shown
        assert page.guessed == ((4, 0) if shown else ())


def test_the_command_probes_a_folder_of_results(tmp_path: Path) -> None:
    corpus = TINY_RUN[:6]
    run = ["run", *TINY_RUN, "--trials", "none", "--results", str(tmp_path), "--models", "prior,svm"]
    assert main(run) == 0
    assert main(["probe", *corpus, str(tmp_path)]) == 0
    folder = tmp_path / "simulated" / "abnormal" / "patients-2fold"
    assert list(PROBES.read(folder)) == ["svm"]
    assert "Device and patient in the features" in (folder / "subgroups.md").read_text()
