"""Labels, patients and corpora that the request, or a manifest, doesn't go with."""

import shutil

import pytest
from bad_input import run_refused
from synthetic_corpora import noise, write_kauh, write_manifest, write_segmented, write_sound, write_sprsound_recording

from respbench.benchmarks.cli import main
from respbench.corpora.problems import InputError

# Labels, patients and classes


def test_unknown_label(respbench):
    manifest = write_manifest(respbench.sounds, "a.wav,p1,rhonchus")
    message = respbench.refuses(corpus="manifest", data=manifest)
    assert f"{manifest}, line 2: unknown label 'rhonchus'; use normal, crackle, wheeze, both" in message


def test_labels_of_two_kinds(respbench):
    rows = [f"{write_sound(respbench.sounds / f'{i}.wav', noise(seed=i)).name},p{i}" for i in range(2)]
    manifest = write_manifest(respbench.sounds, f"{rows[0]},abnormal", f"{rows[1]},wheeze")
    assert "use one kind of label for all" in respbench.refuses(corpus="manifest", data=manifest)


def test_clip_missing(respbench):
    manifest = write_manifest(respbench.sounds, "no.wav,p1,normal")
    message = respbench.refuses(corpus="manifest", data=manifest)
    assert f"{manifest}, line 2: {respbench.sounds}/no.wav does not exist (paths are relative to the manif" in message


def test_clip_that_begins_after_its_file(respbench):
    path = write_sound(respbench.sounds / "a.wav", noise())
    manifest = write_manifest(respbench.sounds, "a.wav,p1,normal,7", header="path,patient,label,begin")
    message = respbench.refuses(corpus="manifest", data=manifest)
    assert f"{path} lasts 0.500 s, but an annotation begins at 7.0 s; correct the annotation" in message


def test_one_patient(respbench):
    shutil.rmtree(respbench.sounds)
    write_segmented(respbench.sounds, patients=1)
    message = run_refused(respbench)
    assert "the corpus has 1 patient, too few for 5 folds by patient" in message
    assert "; add patients, or choose fewer folds" in message


def test_class_that_some_fold_lacks(respbench):
    shutil.rmtree(respbench.sounds)
    write_segmented(respbench.sounds, patients=6)
    for path in list(respbench.sounds.rglob("*_1_1.wav"))[:4]:
        path.unlink()
    message = run_refused(respbench, "--task", "four-class")
    assert "class 'both' occurs in 2 patients only, so that not each of 5 folds can test it; choose fewer" in message


def test_task_that_the_labels_do_not_allow(respbench):
    rows = [f"{write_sound(respbench.sounds / f'{i}.wav', noise(seed=i)).name},p{i},abnormal" for i in range(6)]
    manifest = write_manifest(respbench.sounds, *rows)
    more = ("--models", "prior", "--workers", "0", "--task", "four-class")
    message = respbench.refuses(*more, name="run", corpus="manifest", data=manifest)
    assert "the corpus is labeled normal and abnormal only; label its clips" in message


def test_official_split_without_its_file(respbench):
    message = run_refused(respbench, "--protocol", "official")
    assert "for ICBHI put ICBHI_challenge_train_test.txt beside the recordings, for SPRSound keep" in message


def test_random_split_of_few_clips(respbench):
    message = run_refused(respbench, "--protocol", "random-5fold", "--task", "four-class")
    assert "class 'normal' has 4 clips only, too few for 5 folds; choose fewer folds" in message


@pytest.mark.parametrize("family", ["patients", "random"])
def test_one_fold(respbench, family):
    message = run_refused(respbench, "--protocol", f"{family}-1fold")
    assert "a cross-validation needs at least 2 folds, not 1; choose more" in message


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (
            "--task",
            "argument --task: invalid choice: 'nonsense' (choose from 'abnormal', 'four-class', ",
        ),
        (
            "--protocol",
            "unknown protocol 'nonsense'; choose patients-5fold, patients-5fold-labels10 (or 100, 50, 25, 5)",
        ),
        ("--models", "unknown model 'nonsense'; choose from prior, metadata"),
        ("--model", "nonsense does not exist; give the path of a model file"),
    ],
)
def test_unknown_name(respbench, option, message):
    assert message in run_refused(respbench, option, "nonsense")


def test_budget_that_is_not_on_offer(respbench):
    message = run_refused(respbench, "--protocol", "patients-5fold-labels20")
    assert "a label budget of 20 % is not available; choose one of 5, 10, 25, 50, 100 %" in message


def test_budget_too_small_for_every_class(respbench):
    shutil.rmtree(respbench.sounds)
    write_segmented(respbench.sounds, patients=16, each=1)
    message = run_refused(respbench, "--protocol", "patients-2fold-labels5", "--task", "four-class")
    assert "3 labeled of 8 training patients" in message
    assert "; choose a larger budget" in message


@pytest.mark.parametrize("name", ["prepare", "run"])
def test_unknown_corpus(respbench, name):
    message = respbench.refuses(name=name, corpus="nonsense")
    assert "argument --corpus: invalid choice: 'nonsense' (choose from 'simulated', 'icbhi', 'sprsound'" in message


@pytest.mark.parametrize("rate", ["999", "16001"])
def test_rate_that_is_not_on_offer(respbench, rate):
    assert f"an analysis rate of {rate} Hz is not available; choose one from 4000" in respbench.refuses("--rate", rate)


# Corpora that were recorded elsewhere, and two corpora at once


@pytest.mark.parametrize(
    ("corpus", "needed"),
    [
        ("sprsound", "<folder of the SPRSound database>; it is at github.com/"),
        ("kauh", "<folder of the KAUH recordings>; they are at doi.org/"),
        ("manifest", "<csv file>; its columns are path, patient, label"),
    ],
)
def test_a_corpus_without_its_folder_is_refused(capsys, corpus, needed):
    assert main(["prepare", "--corpus", corpus]) == 2
    assert f"respbench: CORPUS={corpus} needs DATA={needed}" in capsys.readouterr().err


def test_manifest_called_like_a_corpus(respbench):
    path = write_manifest(respbench.sounds, "a.wav,p,normal").rename(respbench.sounds / "kauh.csv")
    message = respbench.refuses(corpus="manifest", data=path)
    assert f"{path} has the name of the corpus kauh" in message


def test_bad_event_of_sprsound(respbench, tmp_path):
    _, annotation = write_sprsound_recording(tmp_path / "s", [("0", "900", "Normal"), ("0", "700", "Cough")])
    message = respbench.refuses(corpus="sprsound", data=tmp_path / "s")
    assert f"{annotation}, event 2: unknown type 'Cough'; the types are Normal, Rhonchi" in message


def test_event_of_sprsound_after_the_end_of_its_recording(respbench, tmp_path):
    sound, _ = write_sprsound_recording(tmp_path / "s", [("0", "900", "Normal"), ("2500", "2900", "Normal")])
    message = respbench.refuses(corpus="sprsound", data=tmp_path / "s")
    assert f"{sound} lasts 2.000 s, but an annotation reaches from 2.5 to 2.9 s; correct" in message


def test_bad_name_of_kauh(respbench, tmp_path):
    path = write_sound(tmp_path / "k" / "BP1_N,Rub,P L L,70,M.wav", noise())
    message = respbench.refuses(corpus="kauh", data=tmp_path / "k")
    assert f"{path}: unknown sound 'RUB' in 'Rub'; use N, C, Crep, W or Bronchial" in message


CROSS = ("--protocol", "cross-corpus")
MULTI = ("--protocol", "multi-corpus")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (CROSS, "the protocol cross-corpus needs a second corpus; name it with --other, and where it lies with"),
        ((*CROSS, "--other-data", "x"), "the protocol cross-corpus needs a second corpus; name it with --other"),
        ((*CROSS, "--other", "icbhi"), "icbhi can't be trained on and tested at once by cross-corpus; choose two"),
        ((*CROSS, "--other", "kauh"), "OTHER=kauh needs OTHER_DATA=<folder of the KAUH recordings>"),
        ((*CROSS, *2 * ("--other", "kauh")), "kauh can't be trained on and tested at once by cross-corpus; choose two"),
        (
            (*CROSS, "--other", "kauh", "--other", "sprsound", "--other-data", "x"),
            "--other-data is given 1 times for 2 corpora that have data; give it once for each --other but simulated",
        ),
        ((*CROSS, "--other", "nonsense"), "argument --other: invalid choice: 'nonsense'"),
        ((*CROSS, "--other", "simulated", "--other-data", "x"), "OTHER=simulated takes no OTHER_DATA; leave it"),
        ((*CROSS, "--other", "kauh", "--other-data", "nowhere"), "nowhere is not a folder; set DATA to the folder"),
        (
            ("--other", "kauh"),
            "a second corpus goes with the protocols cross-corpus, cross-corpus-adapted, multi-corpus only, not with",
        ),
        (
            ("--other-data", "x"),
            "a second corpus goes with the protocols cross-corpus, cross-corpus-adapted, multi-corpus only, not with",
        ),
        (("--protocol", "cross-corpus-adapted"), "the protocol cross-corpus-adapted needs a second corpus; name it"),
        (("--protocol", "cross-corpus-from-kauh"), "cross-corpus-from-kauh is the name of a results folder; set"),
        (MULTI, "the protocol multi-corpus needs a second corpus; name it with --other, and where it lies with"),
        ((*MULTI, "--other", "icbhi"), "icbhi is named more than once, but multi-corpus adds other corpora to the"),
        ((*MULTI, *2 * ("--other", "kauh")), "kauh is named more than once, but multi-corpus adds other corpora to"),
        ((*MULTI, "--other", "kauh"), "OTHER=kauh needs OTHER_DATA=<folder of the KAUH recordings>"),
        ((*MULTI, "--unlabeled", "x"), "unlabeled recordings go with every protocol but multi-corpus; leave out"),
        (("--protocol", "multi-corpus-with-kauh"), "multi-corpus-with-kauh is the name of a results folder; set --pr"),
    ],
)
def test_second_corpus_that_is_missing_or_too_many(respbench, more, message):
    assert message in run_refused(respbench, *more)


@pytest.mark.parametrize("protocol", [CROSS, MULTI])
def test_ablation_of_two_corpora(respbench, protocol):
    message = respbench.refuses(*protocol, name="ablate")
    assert f"the protocol {protocol[1]} needs two corpora, which `respbench run` takes" in message


def test_two_manifests_of_one_name(respbench, tmp_path):
    paths = []
    for i, folder in enumerate((tmp_path / "one", tmp_path / "two")):
        name = write_sound(folder / "a.wav", noise(seed=i)).name
        paths.append(write_manifest(folder, f"{name},p,normal"))
    more = (*CROSS, "--other", "manifest", "--other-data", str(paths[1]), "--models", "prior")
    message = respbench.refuses(*more, name="run", corpus="manifest", data=paths[0])
    assert "both corpora are called manifest" in message


def test_one_direction_that_can_not_be_had_stops_both(respbench, tmp_path):
    write_kauh(tmp_path / "k", patients=3)
    other = (*CROSS, "--other", "kauh", "--other-data", str(tmp_path / "k"), "--task", "four-class")
    message = run_refused(respbench, *other)
    assert "the corpus kauh holds no clip of 'both'" in message


def test_two_corpora_that_share_a_sound(respbench, tmp_path):
    path = next(respbench.sounds.rglob("*.wav"))
    other = (*CROSS, "--other", "manifest", "--other-data", str(write_manifest(tmp_path, f"{path},p,normal")))
    message = run_refused(respbench, *other)
    assert "holds the same sound as clip" in message
    assert "so that a model would be tested on what it was trained on; choose corpora that have no" in message


def test_models_that_train_on_simulated_clips_are_not_tested_on_any(respbench, monkeypatch):
    """The first patients of a simulated corpus are the same however many there are."""
    plans = []

    def planned(plan, console):
        plans.append(plan)
        raise InputError("planned")

    monkeypatch.setattr("respbench.benchmarks.run.run", planned)
    arguments = ["run", "--corpus", "simulated", "--patients", "8", "--clips", "5", "--results", str(respbench.results)]
    assert main([*arguments, "--models", "mil-windows"]) == 2
    assert "mil-windows: simulated clips are trained on, too" in respbench.capsys.readouterr().err
    assert main([*arguments, "--models", "prior,mil-windows"]) == 2
    assert [spec.name for spec in plans[0].specs] == ["prior"]
