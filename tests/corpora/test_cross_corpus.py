"""Cross-corpus: two corpora side by side, one trained on and the other tested, in both directions, and filed so."""

import json
import shlex
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_results import written_text
from synthetic_corpora import (
    clips_with,
    noise,
    two_corpora,
    write_kauh,
    write_manifest,
    write_segmented,
    write_sound,
    write_sprsound,
)

from respbench.benchmarks.cli import main
from respbench.benchmarks.report.crossing import crossing
from respbench.benchmarks.report.index import results_index
from respbench.benchmarks.report.pages import write_report
from respbench.benchmarks.statistics.loading import load_results
from respbench.benchmarks.storage.identity import fit_identity, splitter_targets
from respbench.benchmarks.storage.records import FitKey
from respbench.benchmarks.storage.store import Store
from respbench.corpora.catalog import open_corpus, open_joined
from respbench.corpora.problems import InputError
from respbench.corpora.protocols import find, find_stored
from respbench.corpora.simulated.simulation import Simulation
from respbench.corpora.splits.balance import VALIDATION
from respbench.corpora.splits.cross_corpus import CORPUS, CrossCorpus
from respbench.corpora.tasks import for_task
from respbench.features.cache import cached
from respbench.features.handcrafted import Handcrafted
from respbench.models.registry import REGISTRY

PROJECT = Path(__file__).resolve().parents[2]
MODELS = ("--models", "prior,metadata", "--trials", "none", "--workers", "0", "--seeds", "1")


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    """A folder of each layout: ICBHI's cycles, SPRSound and KAUH; the first two share the patients 101 to 106."""
    folder = tmp_path_factory.mktemp("sounds")
    write_segmented(folder / "icbhi", patients=6)
    write_sprsound(folder / "sprsound", patients=6)
    write_kauh(folder / "kauh", patients=8)
    return folder


@pytest.fixture(scope="module")
def opened(sounds, cache):
    """The three, prepared."""
    return {name: open_corpus(name, sounds / name, cache=cache) for name in ("icbhi", "sprsound", "kauh")}


@pytest.fixture(scope="module")
def joined(opened, cache):
    """ICBHI and SPRSound: what tests the first, what tests the second."""
    return open_joined([opened["icbhi"], opened["sprsound"]], cache)


# Two corpora side by side


def test_joined_clips_are_those_of_both_under_new_names(opened, joined):
    clips = joined[0].clips()
    for name in ("icbhi", "sprsound"):
        rows = np.flatnonzero(clips.meta[CORPUS].to_numpy() == name)
        own, part = opened[name].clips(), clips.take(rows)
        assert part.clip_id.tolist() == [f"{name}:{clip}" for clip in own.clip_id]
        assert part.patient.tolist() == [f"{name}:{patient}" for patient in own.patient]
        assert part.label.tolist() == for_task(own, "four-class").label.tolist()
        assert all(np.array_equal(a, b) for a, b in zip(part, own, strict=True))
        for column in own.meta:
            assert part.meta[column].tolist() == own.meta[column].tolist()
    assert len(clips) == len(opened["icbhi"].clips()) + len(opened["sprsound"].clips())


def test_both_directions_and_orders_share_one_folder(opened, joined, cache):
    assert joined[0].folder == joined[1].folder
    assert open_joined([opened["sprsound"], opened["icbhi"]], cache) == (joined[1], joined[0])
    assert open_joined([opened["icbhi"], opened["kauh"]], cache)[0].folder != joined[0].folder


def test_facts_say_what_is_tested_and_what_is_trained_on(opened, joined):
    for prepared, tested, trained_on in ((joined[0], "icbhi", "sprsound"), (joined[1], "sprsound", "icbhi")):
        facts = prepared.facts()
        assert facts.name == tested
        assert facts.tested == opened[tested].facts()
        assert facts.trained_on == opened[trained_on].facts()
        assert facts.simulated is False
        assert facts.description.startswith(f"tested: {opened[tested].facts().description}; trained on: ")
    assert joined[0].facts().fingerprint == joined[1].facts().fingerprint


def test_features_of_joined_clips_are_computed_once_and_are_those_of_each(opened, joined):
    extractor = Handcrafted(series=("mfcc",), differences=0, summaries=("mean", "std"))
    clips = joined[1].clips()
    for name in ("icbhi", "sprsound"):
        rows = np.flatnonzero(clips.meta[CORPUS].to_numpy() == name)
        np.testing.assert_array_equal(cached(extractor, clips.take(rows)), cached(extractor, opened[name].clips()))
    assert len(list((joined[0].folder / "features").glob("*.npy"))) == 1


def test_a_corpus_of_two_classes_makes_the_other_one_so(opened, tmp_path):
    sounds = [write_sound(tmp_path / f"{i}.wav", noise(seed=500 + i)) for i in range(2)]
    rows = [f"{path},p,{label}" for path, label in zip(sounds, ("normal", "abnormal"), strict=True)]
    other = open_corpus("manifest", write_manifest(tmp_path, *rows), cache=tmp_path / "cache")
    clips = open_joined([opened["icbhi"], other], tmp_path / "cache")[0].clips()
    assert clips.classes == ("normal", "abnormal")
    assert np.bincount(clips.label).tolist() == [7, 19]


def test_corpora_of_one_name_are_refused(opened, tmp_path):
    with pytest.raises(InputError, match="both corpora are called kauh"):
        open_joined([opened["kauh"], opened["kauh"]], tmp_path)


def test_a_sound_that_both_corpora_hold_is_refused(opened, sounds, tmp_path):
    path = next((sounds / "icbhi").rglob("*.wav"))
    other = open_corpus("manifest", write_manifest(tmp_path, f"{path},p1,normal"), cache=tmp_path)
    with pytest.raises(InputError, match=r"holds the same sound as clip .* of icbhi, so that a model would be tested"):
        open_joined([opened["icbhi"], other], tmp_path)
    assert not [path for path in (tmp_path / "corpora").iterdir() if "icbhi+manifest" in path.name and path.is_dir()]


def test_of_three_corpora_each_can_be_tested_with_the_others_trained_on(opened, cache):
    icbhi, sprsound, kauh = (opened[name] for name in ("icbhi", "sprsound", "kauh"))
    every = open_joined([kauh, icbhi, sprsound], cache)
    assert {prepared.folder for prepared in every} == {open_joined([sprsound, kauh, icbhi], cache)[1].folder}
    assert [one.tested.name for one in every] == ["kauh", "icbhi", "sprsound"]
    assert [one.trained_on.name for one in every] == ["icbhi+sprsound", "kauh+sprsound", "icbhi+kauh"]
    facts = every[0].trained_on
    assert facts.description.startswith(f"icbhi: {icbhi.facts().description}; sprsound: SPRSound")
    assert facts.skipped == sprsound.facts().skipped == 1
    clips = every[0].clips()
    assert sorted(set(clips.meta[CORPUS])) == ["icbhi", "kauh", "sprsound"]
    (fold,) = CrossCorpus(facts.name).split(clips, 0)
    assert set(clips.meta[CORPUS].to_numpy()[fold.test]) == {"kauh"}
    assert set(clips.meta[CORPUS].to_numpy()[[*fold.train, *fold.valid]]) == {"icbhi", "sprsound"}
    assert len(fold.train) + len(fold.valid) + len(fold.test) == len(clips)


def test_a_name_that_reads_as_two_corpora_is_refused(opened, tmp_path):
    sound = write_sound(tmp_path / "a.wav", noise(seed=600))
    table = write_manifest(tmp_path, f"{sound},p,normal").rename(tmp_path / "mine+yours.csv")
    with pytest.raises(InputError, match=r"mine\+yours has a \+ in its name, which would read as several corpora"):
        open_joined([opened["icbhi"], open_corpus("manifest", table, cache=tmp_path)], tmp_path)


# Who is trained on and who is tested

tables = st.integers(2, 4).flatmap(
    lambda classes: st.tuples(
        *(
            st.lists(st.lists(st.integers(1, 3), min_size=classes, max_size=classes), min_size=low, max_size=8)
            for low in (2, 1)
        )
    )
)


@given(tables, st.integers(0, 5))
def test_one_corpus_is_tested_whole_and_the_other_divided_by_patient(counts, seed):
    clips = two_corpora(*counts)
    (fold,) = CrossCorpus("a").split(clips, seed)
    corpus = clips.meta[CORPUS].to_numpy()
    assert fold.test.tolist() == np.flatnonzero(corpus == "b").tolist()
    assert sorted([*fold.train, *fold.valid]) == np.flatnonzero(corpus == "a").tolist()
    parts = [set(clips.patient[rows].tolist()) for rows in (fold.train, fold.valid, fold.test)]
    assert all(parts)
    assert sum(map(len, parts)) == len(set.union(*parts))
    assert set(clips.label[fold.train].tolist()) == set(range(len(clips.classes)))
    (again,) = CrossCorpus("a").split(clips, seed)
    assert again.train.tolist() == fold.train.tolist()


@given(tables, st.randoms(use_true_random=False))
def test_the_tested_clips_decide_nothing_about_the_training(counts, random):
    clips = two_corpora(*counts)
    (fold,) = CrossCorpus("a").split(clips, 0)
    label = clips.label.copy()
    label[fold.test] = random.sample(label[fold.test].tolist(), len(fold.test))
    (other,) = CrossCorpus("a").split(replace(clips, label=label), 0)
    assert (other.train.tolist(), other.valid.tolist()) == (fold.train.tolist(), fold.valid.tolist())


def test_validation_is_a_tenth_and_the_seed_deals_it():
    clips = two_corpora([[2, 2]] * 40, [[1, 1]] * 3)
    folds = [next(CrossCorpus("a").split(clips, seed)) for seed in range(4)]
    assert {len(set(clips.patient[fold.valid].tolist())) for fold in folds} == {round(40 * VALIDATION)}
    assert len({tuple(fold.valid.tolist()) for fold in folds}) > 1


@pytest.mark.parametrize(
    ("clips", "message"),
    [
        (clips_with([[1, 1]] * 3), "the protocol cross-corpus needs a and one other corpus"),
        (two_corpora([[1, 1]] * 3, [[1, 1]], [[1, 1]]), "the protocol cross-corpus needs a and one other corpus"),
        (two_corpora([[1, 1]] * 3), "the protocol cross-corpus needs a and one other corpus"),
        (two_corpora([[1, 1]], [[1, 1]] * 3), "the corpus a has one patient only, and none to spare for validation"),
        (two_corpora([[1, 0]] * 3, [[1, 1]]), "the corpus a holds no clip of 'abnormal'"),
        (two_corpora([[1, 1]] * 3, [[0, 1]]), "the corpus b holds no clip of 'normal'"),
        (two_corpora([[1, 0], [0, 1]], [[1, 1]]), "none to spare for validation"),
    ],
)
def test_what_can_not_be_had_is_explained(clips, message):
    with pytest.raises(InputError, match=message):
        list(CrossCorpus("a").split(clips, 0))


def test_a_patient_of_both_corpora_is_refused():
    clips = two_corpora([[1, 1]] * 3, [[1, 1]] * 3)
    clips = replace(clips, patient=np.array([name.partition(":")[2] for name in clips.patient.tolist()]))
    with pytest.raises(InputError, match="patient p000 is in both corpora; rename the patient"):
        list(CrossCorpus("a").split(clips, 0))


# Protocol and identity


def test_the_protocol_says_what_it_was_trained_on():
    protocol = find_stored("cross-corpus-from-my clips")
    assert protocol.splitter == CrossCorpus("my clips")
    assert protocol.folds == 1
    assert protocol.warning.startswith("TRAINED ON my clips: ")


@pytest.mark.parametrize("name", ["cross-corpus", "cross-corpus-from-"])
def test_half_a_protocol_is_none(name):
    with pytest.raises(InputError):
        find(name)


def test_the_code_of_the_splitter_between_corpora_is_in_the_identity():
    assert splitter_targets(CrossCorpus("a")) == ["corpora.splits.cross_corpus:CrossCorpus"]
    assert splitter_targets(find("patients-5fold").splitter) == ["corpora.splits.leave_patients_out:LeavePatientsOut"]


# End to end


def run(results: Path, sounds: Path, *more: str, one: str = "icbhi", other: str = "sprsound") -> int:
    ours = ("--corpus", one, "--data", str(sounds / one), "--results", str(results), *MODELS)
    theirs = ("--protocol", "cross-corpus", "--other", other, "--other-data", str(sounds / other))
    return main(["run", *ours, *theirs, *more])


@pytest.fixture(scope="module")
def results(sounds, tmp_path_factory):
    """Both directions, without anything to set beside them; to be read only."""
    results = tmp_path_factory.mktemp("results")
    assert run(results, sounds) == 0
    return results


def folder(results: Path, tested: str = "sprsound", other: str = "icbhi") -> Path:
    return results / tested / "abnormal" / f"cross-corpus-from-{other}"


def test_each_direction_has_a_folder_of_its_own(results):
    found = {path.parent.relative_to(results).as_posix() for path in results.rglob("leaderboard.csv")}
    expected = {"icbhi/abnormal/cross-corpus-from-sprsound", "sprsound/abnormal/cross-corpus-from-icbhi"}
    assert found == expected


@pytest.mark.parametrize(("tested", "other"), [("icbhi", "sprsound"), ("sprsound", "icbhi")])
def test_every_patient_of_one_corpus_is_tested_and_none_trained_on(results, opened, tested, other):
    store = Store(folder(results, tested, other))
    everyone = {f"{tested}:{patient}" for patient in opened[tested].clips().patient.tolist()}
    everything = {f"{tested}:{clip}" for clip in opened[tested].clips().clip_id.tolist()}
    assert store.fits() == [FitKey("metadata", 0, 0), FitKey("prior", 0, 0)]
    for stored in store:
        facts = stored.record
        trained = {*facts.train_patients, *facts.valid_patients}
        assert trained == {f"{other}:{patient}" for patient in opened[other].clips().patient.tolist()}
        assert set(stored.predictions["patient"]) == set(facts.test_patients) == everyone
        assert set(stored.predictions["clip_id"]) == everything
        assert facts.corpus.name == tested
        assert facts.protocol == f"cross-corpus-from-{other}"


def test_the_outside_validator_finds_no_fault(results, validated):
    for tested, other in (("icbhi", "sprsound"), ("sprsound", "icbhi")):
        assert validated(folder(results, tested, other)).startswith("0 faults; 2 models")


def test_every_number_is_marked_with_what_it_was_trained_on(results):
    table = pd.read_csv(folder(results) / "leaderboard.csv")
    assert set(table["warning"]) == {"TRAINED ON icbhi"}
    text = written_text(folder(results))
    assert "> **TRAINED ON icbhi: nothing of the tested corpus was trained on." in text
    headings = [line for line in text.splitlines() if line.startswith("#") or line.startswith("**Table")]
    assert all("[TRAINED ON icbhi]" in line for line in headings)
    assert "Trained on `icbhi`: ICBHI 2017" in text
    assert "Tested on `sprsound`, every clip of it: SPRSound" in text
    assert "recordings that yield no clip: 1 of poor quality and without events" in text


def test_the_report_sets_each_model_beside_itself(results, sounds, tmp_path):
    results = shutil.copytree(results, tmp_path / "results")
    page = folder(results) / "crossing.md"
    text = page.read_text()
    assert "*in sprsound* can't be shown: `patients-5fold` of `sprsound`, task `abnormal`, was not run." in text
    assert "*from icbhi, adapted* can't be shown: `cross-corpus-adapted-from-icbhi` of `sprsound`" in text
    inside = ("--corpus", "sprsound", "--data", str(sounds / "sprsound"), "--results", str(results))
    options = ("--workers", "0", "--seeds", "1", "--trials", "none", "--models")
    assert main(["run", *inside, *options, "prior"]) == 0
    write_report(Store(page.parent))
    text = page.read_text()
    assert "*in sprsound* can't be shown" not in text
    beside = pd.read_csv(page.parent.with_name("patients-5fold") / "leaderboard.csv").set_index("model").loc["prior"]
    for metric, title in (("score", "Score"), ("auroc", "AUROC")):
        table = text.partition(f"** {title} of the same clips.")[2]
        row, lacking = (
            next(line for line in table.splitlines() if line.startswith(f"| {m}")) for m in ("prior", "meta")
        )
        value, low, high = (beside[f"{metric}{end}"] for end in ("", "_low", "_high"))
        assert row.split("|")[2].strip() == f"{value:.3f} [{low:.3f}, {high:.3f}]"
        assert [cell.strip() for cell in lacking.split("|")[2:5:2]] == ["not run", "not run"]
        assert row.split("|")[5].strip() == "+0.000 [+0.000, +0.000]"


def test_numbers_of_other_contents_are_not_set_beside(results, sounds, tmp_path):
    write_sprsound(tmp_path / "part", patients=5)
    copy = folder(results)
    part = ("--corpus", "sprsound", "--data", str(tmp_path / "part"), "--results", str(tmp_path))
    assert main(["run", *part, "--workers", "0", "--seeds", "1", "--trials", "none", "--models", "prior"]) == 0
    target = folder(tmp_path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.symlink_to(copy)
    found = crossing(load_results(Store(target)), target)
    assert found is not None
    assert found.inside.lacking == "was run on other contents of the corpus"


def test_the_index_keeps_them_apart(results):
    above, _, below = results_index(results).partition("## Trained on another corpus")
    assert "cross-corpus-from" not in above
    assert below.count("TRAINED ON ") == 6  # two rows: the mark itself, and beside both numbers


def test_several_corpora_are_trained_on_together_and_one_is_tested(sounds, tmp_path):
    more = ("--other", "kauh", "--other-data", str(sounds / "kauh"))
    assert run(tmp_path, sounds, *more) == 0
    found = {path.parent.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("leaderboard.csv")}
    assert found == {"icbhi/abnormal/cross-corpus-from-kauh+sprsound"}
    store = Store(tmp_path / found.pop())
    record = store.record(FitKey("prior", 0, 0))
    assert {patient.partition(":")[0] for patient in record.seen_patients} == {"kauh", "sprsound"}
    assert set(pd.read_csv(store.folder / "leaderboard.csv")["warning"]) == {"TRAINED ON kauh+sprsound"}
    assert "- Trained on `kauh+sprsound`: kauh: KAUH (Fraiwan" in (store.folder / "crossing.md").read_text()


def test_a_second_run_would_find_every_fit(results, joined):
    for prepared, tested, other in ((joined[0], "icbhi", "sprsound"), (joined[1], "sprsound", "icbhi")):
        store, protocol = Store(folder(results, tested, other)), find_stored(f"cross-corpus-from-{other}")
        for fit in store.fits():
            assert store.has(fit, fit_identity(prepared, "abnormal", protocol, REGISTRY[fit.model]))


def test_make_hands_both_corpora_over():
    """With names that a shell would take apart."""
    wanted = ["PROTOCOL=cross-corpus", "CORPUS=icbhi", "DATA=a b", "OTHER=sprsound", "OTHER_DATA=c d"]
    command = ["make", "--dry-run", "--no-print-directory", "benchmark", *wanted]
    printed = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    line = next(line for line in printed.replace("\\\n", " ").splitlines() if "respbench run" in line)
    words = shlex.split(line)
    for option, value in (("--data", "a b"), ("--other", "sprsound"), ("--other-data", "c d")):
        assert words[words.index(option) + 1] == value
    assert words[words.index("--protocol") + 1] == "cross-corpus"


def test_simulated_sounds_are_marked_on_either_side(sounds, cache):
    simulated = open_corpus("simulated", simulation=Simulation(patients=4, clips_per_patient=3), cache=cache)
    real = open_corpus("kauh", sounds / "kauh", cache=cache)
    assert {prepared.facts().simulated for prepared in open_joined([simulated, real], cache)} == {True}


def test_facts_travel_with_every_fit(results):
    facts = json.loads((folder(results) / "runs" / "prior" / "seed0-fold0.json").read_text())
    assert facts["corpus"]["tested"]["name"] == "sprsound"
    assert facts["corpus"]["trained_on"]["name"] == "icbhi"
