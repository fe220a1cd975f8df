"""Folds from a file: each is tested once, whatever recordings are called in it; no patient may be on two sides."""

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bad_input import Command, run_refused
from synthetic_corpora import clips_with

from respbench.benchmarks.cli import main
from respbench.benchmarks.report.pages import write_report
from respbench.benchmarks.storage.store import Store
from respbench.corpora.clips import Clips
from respbench.corpora.problems import InputError
from respbench.corpora.protocol import Protocol
from respbench.corpora.protocols import find, find_stored, from_file, of_folder

DEVICES = ("Meditron", "AKGC417L")


def breaths(patients: int = 6, counts: Sequence[int] = (2, 2)) -> Clips:
    """Two clips of each class and patient; each clip is a recording of its own, named as ICBHI names them."""
    clips = clips_with([counts] * patients)
    device = [DEVICES[int(patient[1:]) % 2] for patient in clips.patient]
    names = [f"{patient}_{i}_Al_sc_{device[i]}" for i, patient in enumerate(clips.patient.tolist())]
    return replace(clips, meta=pd.DataFrame({"recording": names, "device": device}))


def stated(folder: Path, rows: Sequence[tuple[str, object]], column: str = "recording", name: str = "paper") -> Path:
    path = folder / f"{name}.csv"
    path.write_text("\n".join([f"{column},fold", *(f"{key},{fold}" for key, fold in rows)]) + "\n")
    return path


def by_patient(clips: Clips, folds: int = 3) -> list[tuple[str, object]]:
    """A fold for each recording: patients p000, p001, … take turns."""
    names = clips.meta["recording"].tolist()
    return [(name, f"f{int(patient[1:]) % folds}") for name, patient in zip(names, clips.patient, strict=True)]


def patients_tested(protocol: Protocol, clips: Clips) -> list[list[str]]:
    """The patients of each test part, after a check that each fold has every clip in one part and no shared patient."""
    found = []
    for fold in protocol.splitter.split(clips, 0):
        parts = [fold.train, fold.valid, fold.test]
        assert sorted(np.concatenate(parts).tolist()) == list(range(len(clips)))
        who = [set(clips.patient[part].tolist()) for part in parts]
        assert all(who)
        assert sum(map(len, who)) == len(set().union(*who))
        found.append(sorted(who[2]))
    return found


SPELLED = {
    "exactly": lambda name: name,
    "with an ending": lambda name: f"{name}.wav",
    "in a folder": lambda name: f"audio\\all/{name}.FLAC",
    "without device": lambda name: name.rpartition("_")[0],
    "with another device": lambda name: f"{name.rpartition('_')[0]}_LittC2SE.txt",
}


@pytest.mark.parametrize("spelling", SPELLED)
def test_each_fold_of_a_file_is_tested_once_whatever_recordings_are_called(tmp_path: Path, spelling: str) -> None:
    clips = breaths()
    path = stated(tmp_path, [(SPELLED[spelling](name), fold) for name, fold in by_patient(clips)])
    protocol = find("folds", path)
    assert patients_tested(protocol, clips) == [["p000", "p003"], ["p001", "p004"], ["p002", "p005"]]
    assert (protocol.name, protocol.folds, protocol.patient_disjoint) == ("patients-3fold-from-paper", 3, True)
    assert protocol.remark(clips) == ""


def test_patients_may_be_assigned_instead_and_folds_are_numbered_by_their_labels(tmp_path: Path) -> None:
    clips = breaths(patients=4)
    labels = ("10", "9", "10", "9")
    path = stated(tmp_path, [(f"p00{i}", label) for i, label in enumerate(labels)], column="patient")
    assert patients_tested(from_file(path), clips) == [["p001", "p003"], ["p000", "p002"]]


def test_a_seed_changes_the_validation_patients_only(tmp_path: Path) -> None:
    clips = breaths(patients=12)
    protocol = from_file(stated(tmp_path, by_patient(clips)))
    one, other, again = (list(protocol.splitter.split(clips, seed)) for seed in (0, 1, 0))
    assert all(np.array_equal(a.test, b.test) for a, b in zip(one, other, strict=True))
    assert not all(np.array_equal(a.valid, b.valid) for a, b in zip(one, other, strict=True))
    assert all(np.array_equal(a.valid, b.valid) for a, b in zip(one, again, strict=True))
    assert not protocol.reshuffles_tests


def test_identity_is_what_the_file_states_not_how(tmp_path: Path) -> None:
    rows = by_patient(breaths())
    one = repr(from_file(stated(tmp_path, rows)).splitter)
    assert repr(from_file(stated(tmp_path, rows[::-1] + rows[:2])).splitter) == one
    assert repr(from_file(stated(tmp_path, [(rows[0][0], "f1"), *rows[1:]])).splitter) != one


def test_a_stored_fit_names_its_protocol_without_the_file(tmp_path: Path) -> None:
    protocol = from_file(stated(tmp_path, by_patient(breaths()), name="Respire.Net-5"))
    assert protocol.name == "patients-3fold-from-Respire.Net-5"
    for name in (protocol.name, f"{protocol.name}-of-0123ab"):
        found = of_folder(name)
        assert found is not None
        assert (found.name, found.folds, found.explanation) == (protocol.name, 3, protocol.explanation)
    assert find_stored(f"{protocol.name}-ablation").ablation_of == find_stored(protocol.name)
    with pytest.raises(InputError, match=r"the file of the folds Respire\.Net-5 is not given; set --protocol folds"):
        list(find_stored(protocol.name).splitter.split(breaths(), 0))
    with pytest.raises(InputError, match="needs a file; set --protocol folds and --folds"):
        find(protocol.name)


def test_what_the_corpus_lacks_is_counted(tmp_path: Path) -> None:
    """Such as a file for the whole database beside a part of it. A longer name doesn't replace an exact one."""
    clips = breaths()
    more = [(f"p90{i}_0_Al_sc_Meditron", "f1") for i in range(4)] + [("p000_0_Al_sc_LittC2SE", "f2")]
    protocol = from_file(stated(tmp_path, [*more, *by_patient(clips)]))
    assert patients_tested(protocol, clips)[0] == ["p000", "p003"]
    said = protocol.remark(clips)
    assert "states folds of 5 recordings that are not in the corpus" in said
    assert "(p900_0_Al_sc_Meditron, p901_0_Al_sc_Meditron, p902_0_Al_sc_Meditron, …)" in said
    assert "beside those of 24 that are" in said


def test_recordings_of_a_manifest_are_its_paths(tmp_path: Path) -> None:
    clips = breaths(patients=4)
    names = [f"a/{name}.wav" for name in clips.meta["recording"]]
    spans = np.array([f"{name}@{i}.5-end" for i, name in enumerate(names)])
    listed = replace(clips, clip_id=spans, meta=pd.DataFrame({"row": range(len(clips))}))
    path = stated(tmp_path, [(name, int(patient[1:]) % 2) for name, patient in zip(names, clips.patient, strict=True)])
    assert patients_tested(from_file(path), listed) == [["p000", "p002"], ["p001", "p003"]]


def test_names_in_the_file_have_one_spelling(tmp_path: Path) -> None:
    clips = breaths(patients=4)
    names = {patient: f"Zoë {patient}" for patient in clips.patient.tolist()}
    listed = replace(clips, patient=np.array([names[patient] for patient in clips.patient.tolist()]))
    rows = [(unicodedata.normalize("NFD", name).replace(" ", "\u00a0"), i % 2) for i, name in enumerate(names.values())]
    path = stated(tmp_path, rows, column="patient")
    assert patients_tested(from_file(path), listed) == [["Zoë p000", "Zoë p002"], ["Zoë p001", "Zoë p003"]]


def mixed(rows: list[tuple[str, object]]) -> list[tuple[str, object]]:
    """Two patients get into two folds."""
    return [(name, "f2" if "_0_" in name or "_5_" in name else fold) for name, fold in rows]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            mixed,
            r"has recordings of 2 patients in several folds \(p000, p001\), who would be trained on and",
        ),
        (lambda rows: rows[2:], r"states no fold for 2 of the 24 recordings of the corpus \(p000_0_Al_sc_Meditron, "),
        (lambda rows: [*rows[1:], ("p000_0_Al_sc", "f1")], r"has recordings of 1 patient in several folds \(p000\)"),
        (lambda rows: [*rows[1:], ("p000_0_Al_sc_A", "f0"), ("p000_0_Al_sc_B", "f1")], "keep one of the lines"),
        (lambda rows: [*rows, (rows[0][0], "f2")], "line 26, puts recording p000_0_Al_sc_Meditron into fold f2, an"),
        (lambda rows: [(name, "all") for name, _ in rows], "states 1 folds; state at least two"),
        (lambda rows: [*rows, ("p000", "")], "line 26, has no fold; fill it in"),
        (lambda rows: [*rows, ("", "f1")], "line 26, has no recording; fill it in"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_in_one_sentence(tmp_path: Path, change, message: str) -> None:
    clips = breaths()
    path = stated(tmp_path, change(by_patient(clips)))
    with pytest.raises(InputError, match=message) as refusal:
        list(from_file(path).splitter.split(clips, 0))
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert "; " in str(refusal.value), "no remedy is named"


def test_a_fold_may_lack_a_class_but_its_training_part_may_not(tmp_path: Path) -> None:
    """As on a part of the database that a file was made for."""
    clips = breaths()
    protocol = from_file(stated(tmp_path, by_patient(clips)))
    without = replace(clips, label=np.where(np.isin(clips.patient, ["p001", "p004"]), 0, clips.label))
    assert len(patients_tested(protocol, without)) == 3
    assert protocol.remark(without) == "Fold f1 tests no clip of abnormal, and is left out of the AUROC."
    alone = replace(clips, label=np.where(np.isin(clips.patient, ["p001", "p004"]), clips.label, 0))
    with pytest.raises(InputError, match=r"fold f1 of .*paper\.csv holds all clips of 'abnormal' in this corpus, so"):
        list(protocol.splitter.split(alone, 0))


def test_a_short_name_of_several_recordings_is_refused(tmp_path: Path) -> None:
    clips = breaths(patients=4)
    names = [f"{'ab'[i % 2]}/{i // 2}.wav" for i in range(len(clips))]
    clips = replace(clips, meta=pd.DataFrame({"recording": names}))
    with pytest.raises(InputError, match=r"0 may be any of 2 recordings of the corpus \(a/0.wav, b/0.wav\); write the"):
        list(from_file(stated(tmp_path, [("0", "x"), ("1", "y")])).splitter.split(clips, 0))


@pytest.mark.parametrize("name", ["two words", "x-ablation", "x-of-0a", "-x"])
def test_a_file_gives_its_name_to_a_results_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="can't give its name to a results folder; rename it"):
        from_file(stated(tmp_path, by_patient(breaths()), name=name))


@pytest.mark.parametrize("header", ["recording;fold", "patient,part", ""])
def test_a_file_without_its_header_is_refused(tmp_path: Path, header: str) -> None:
    path = tmp_path / "paper.csv"
    path.write_text(f"{header}\np1,0\np2,1\n")
    with pytest.raises(InputError, match="name the columns recording,fold or patient,fold in its first line"):
        from_file(path)


def test_subjects_are_patients(tmp_path: Path) -> None:
    path = stated(tmp_path, [(f"p{i:03}", i % 2) for i in range(4)], column="subject")
    assert patients_tested(from_file(path), breaths(patients=4)) == [["p000", "p002"], ["p001", "p003"]]


def test_what_the_command_folds_writes_is_named(tmp_path: Path) -> None:
    path = tmp_path / "folds.csv"
    path.write_text("seed,fold,part,clip_id,patient\n0,0,train,a,p\n0,1,test,a,p\n")
    with pytest.raises(InputError, match="lists the parts of each fold, as `respbench folds` writes them"):
        from_file(path)


def test_a_run_takes_folds_from_a_file(respbench: Command, tmp_path: Path) -> None:
    path = stated(tmp_path, [(p, "AABB"[i]) for i, p in enumerate(("101", "102", "103", "104"))], column="patient")
    assert "goes with the protocol folds only" in run_refused(respbench, "--folds", str(path))
    message = run_refused(respbench, "--protocol", "folds")
    assert "the protocol folds needs a file; set --protocol folds and --folds" in message
    request = ("--corpus", "icbhi", "--data", str(respbench.sounds), "--protocol", "folds", "--folds", str(path))
    written = tmp_path / "folds.csv"
    assert main(["folds", *request, "--output", str(written)]) == 0
    parts = pd.read_csv(written, dtype=str)
    assert parts[parts["part"] == "test"].groupby("fold")["patient"].unique().map(sorted).tolist() == [
        ["101", "102"],
        ["103", "104"],
    ]
    results = respbench.results
    more = ("--results", str(results), "--models", "prior", "--workers", "0", "--trials", "none")
    assert main(["run", *request, *more, "--repeats", "1"]) == 0
    store = Store(results / "icbhi" / "abnormal" / "patients-2fold-from-paper")
    assert len(store.fits()) == 2
    path.unlink()
    write_report(store, draw=False)
    assert "the 2 folds that the file `paper` states" in (store.folder / "method.md").read_text(encoding="utf-8")
