"""Runs of `multi-corpus`: both directions, beside the same models trained in one corpus, on the same folds."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_up_results import written_text
from synthetic_corpora import noise, write_kauh, write_manifest, write_segmented, write_sound

from respbench.benchmarks.cli import main
from respbench.benchmarks.report.crossing import crossing
from respbench.benchmarks.report.index import results_index
from respbench.benchmarks.statistics.loading import load_results
from respbench.benchmarks.storage.records import FitKey
from respbench.benchmarks.storage.store import Store

DIRECTIONS = (("icbhi", "kauh"), ("kauh", "icbhi"))
OPTIONS = ("--workers", "0", "--repeats", "1", "--trials", "none")


def respbench(results: Path, corpus: str, *more: str) -> int:
    """Run a protocol on a corpus that lies beside the results."""
    data = ("--corpus", corpus, "--data", str(results.parent / corpus), "--results", str(results))
    return main(["run", *data, *OPTIONS, *more])


def on_both(results: Path, *more: str, other: str = "kauh") -> int:
    second = ("--protocol", "multi-corpus", "--other", other, "--other-data", str(results.parent / other))
    return respbench(results, "icbhi", *second, "--models", "prior,metadata", *more)


def folder(results: Path, tested: str, other: str) -> Path:
    return results / tested / "abnormal" / f"multi-corpus-with-{other}"


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Both directions, beside `patients-5fold` of each corpus, of other shares of classes. To be read only."""
    sounds = tmp_path_factory.mktemp("sounds")
    write_segmented(sounds / "icbhi", patients=8)
    write_kauh(sounds / "kauh", patients=22)
    results = sounds / "results"
    for corpus in ("icbhi", "kauh"):
        assert respbench(results, corpus, "--models", "prior,metadata,duration") == 0
    assert on_both(results) == 0
    return results


@pytest.mark.parametrize(("tested", "other"), DIRECTIONS)
def test_each_fold_is_that_of_the_corpus_alone_with_everyone_of_the_other_trained_on(results, tested, other):
    store, alone = Store(folder(results, tested, other)), Store(results / tested / "abnormal" / "patients-5fold")
    everyone = {f"{other}:{p}" for fit in Store(results / other / "abnormal" / "patients-5fold") for p in patients(fit)}
    assert len(store.fits()) == 2 * 5
    for key in store.fits():
        fit, own = store.read(key), alone.read(key)
        for part in ("test_patients", "valid_patients"):
            assert getattr(fit.record, part) == tuple(f"{tested}:{p}" for p in getattr(own.record, part))
        assert set(fit.record.train_patients) == {f"{tested}:{p}" for p in own.record.train_patients} | everyone
        assert [f"{tested}:{clip}" for clip in own.predictions["clip_id"]] == fit.predictions["clip_id"].tolist()
        assert fit.predictions["label"].tolist() == own.predictions["label"].tolist()
        assert not fit.record.unlabeled_patients
        assert not set(fit.record.test_patients) & fit.record.seen_patients
        assert (fit.record.corpus.name, fit.record.protocol) == (tested, f"multi-corpus-with-{other}")


def patients(fit):
    return fit.predictions["patient"]


@pytest.mark.parametrize(("tested", "other"), DIRECTIONS)
def test_the_other_corpus_changes_what_is_learned(results, tested, other):
    """Else the comparison would be of a model with itself."""
    store, alone = Store(folder(results, tested, other)), Store(results / tested / "abnormal" / "patients-5fold")
    key = FitKey("prior", 0, 0)
    one, two = (where.read(key).predictions["abnormal"].iloc[0] for where in (store, alone))
    assert not np.isclose(one, two)


def test_the_outside_validator_finds_no_fault(results, validated):
    for tested, other in DIRECTIONS:
        assert validated(folder(results, tested, other)).startswith("0 faults; 2 models")


@pytest.mark.parametrize(("tested", "other"), DIRECTIONS)
def test_the_report_says_what_was_added_and_what_that_is_worth(results, tested, other):
    place = folder(results, tested, other)
    assert set(pd.read_csv(place / "leaderboard.csv")["warning"]) == {f"ALSO TRAINED ON {other}"}
    text = written_text(place)
    assert (
        f"> **ALSO TRAINED ON {other}: these models were trained on labels of the tested corpus and of {other}." in text
    )
    headings = [line for line in text.splitlines() if line.startswith("#") or line.startswith("**Table")]
    assert all(f"[ALSO TRAINED ON {other}]" in line for line in headings)
    assert "Repeats: 1; each draws other folds and other initial weights." in text
    assert "their coverage was not simulated under this protocol" in text
    found = crossing(load_results(Store(place)), place)
    assert found is not None
    assert not found.inside.lacking
    assert sorted(found.additions("auroc")) == ["metadata", "prior"]
    assert [row[1] for row in found.addition_rows] == [1, 1]


def test_the_index_keeps_them_apart(results):
    above, _, below = results_index(results).partition("## Trained on several corpora")
    assert "multi-corpus-with" not in above
    assert below.count("ALSO TRAINED ON ") == 6  # two rows: the mark itself, and beside both numbers
    assert below.count("/crossing.md)") == 2


def test_several_corpora_are_added_and_one_is_tested(results, tmp_path):
    for corpus in ("icbhi", "kauh"):
        (tmp_path / corpus).symlink_to(results.parent / corpus)
    assert on_both(tmp_path / "results", "--other", "simulated", "--patients", "12", "--clips", "3") == 0
    found = {path.parent.relative_to(tmp_path / "results").as_posix() for path in tmp_path.rglob("leaderboard.csv")}
    assert found == {"icbhi/abnormal/multi-corpus-with-kauh+simulated"}
    record = Store(tmp_path / "results" / found.pop()).record(FitKey("prior", 0, 0))
    assert record is not None
    assert {name.partition(":")[0] for name in record.train_patients} == {"icbhi", "kauh", "simulated"}
    assert {name.partition(":")[0] for name in (*record.valid_patients, *record.test_patients)} == {"icbhi"}


def test_a_corpus_too_small_to_be_tested_can_be_added(results, tmp_path, capsys):
    (tmp_path / "icbhi").symlink_to(results.parent / "icbhi")
    write_kauh(tmp_path / "kauh", patients=3)
    assert on_both(tmp_path / "results") == 0
    printed = capsys.readouterr().out
    assert (
        "kauh can't be tested by multi-corpus, which has its folds of patients-5fold: the corpus has 3 pat" in printed
    )
    assert "kauh is therefore trained on, and not tested." in printed
    assert [path.parent.name for path in tmp_path.rglob("leaderboard.csv")] == ["multi-corpus-with-kauh"]


def test_a_corpus_too_small_to_be_tested_is_refused_as_the_tested_one(results, tmp_path, capsys):
    (tmp_path / "kauh").symlink_to(results.parent / "kauh")
    write_segmented(tmp_path / "icbhi", patients=3)
    assert on_both(tmp_path / "results") == 2
    assert "icbhi can't be tested by multi-corpus, which has its folds of patients-5fold" in capsys.readouterr().err
    assert not (tmp_path / "results").exists()


def test_a_second_run_finds_every_fit(results, tmp_path, capsys):
    for corpus in ("icbhi", "kauh"):
        (tmp_path / corpus).symlink_to(results.parent / corpus)
    shutil.copytree(folder(results, "icbhi", "kauh"), folder(tmp_path / "results", "icbhi", "kauh"))
    assert on_both(tmp_path / "results") == 0
    assert "10 of 10 fits are stored already" in capsys.readouterr().out


@pytest.mark.parametrize("protocol", ["cross-corpus", "multi-corpus"])
def test_a_corpus_without_the_classes_of_the_task_is_named(protocol, tmp_path, capsys):
    """Of joined corpora, "the corpus" could be any."""
    write_segmented(tmp_path / "icbhi", patients=8)
    sounds = [write_sound(tmp_path / f"{number}.wav", noise(seed=500 + number)) for number in range(4)]
    rows = [f"{path.name},{path.stem},{('normal', 'abnormal')[number % 2]}" for number, path in enumerate(sounds)]
    mine = write_manifest(tmp_path, *rows)
    second = ("--protocol", protocol, "--other", "manifest", "--other-data", str(mine))
    assert respbench(tmp_path / "results", "icbhi", *second, "--task", "four-class", "--models", "prior") == 2
    error = capsys.readouterr().err
    assert f"{mine.stem} can't be joined for the task four-class: the corpus is labeled normal and abnormal" in error
    assert not (tmp_path / "results").exists()


def test_two_corpora_of_movements_of_the_users_own_are_joined(tmp_path):
    """As two manifests are: both are of the choice ``series``, and called as their files."""
    for seed, name in enumerate(("one", "two")):
        rows = ["path,subject,label,rate"]
        for subject in range(8):
            for label in ("walk", "sit"):
                file = tmp_path / f"{name}-{subject}-{label}.csv"
                samples = np.random.default_rng([seed, subject, len(label)]).normal(size=(60, 3))
                pd.DataFrame(samples, columns=["x", "y", "z"]).to_csv(file, index=False)
                rows.append(f"{file.name},{name}{subject},{label},50")
        (tmp_path / f"{name}.csv").write_text("\n".join(rows) + "\n")
    corpora = [*("--corpus", "series", "--data", str(tmp_path / "one.csv"))]
    corpora += [*("--other", "series", "--other-data", str(tmp_path / "two.csv"))]
    to = ("--results", str(tmp_path / "results"), "--models", "prior")
    assert main(["run", "--protocol", "multi-corpus", *corpora, *to, *OPTIONS]) == 0
    found = {path.parent.relative_to(tmp_path / "results").as_posix() for path in tmp_path.rglob("leaderboard.csv")}
    assert found == {"one/activity/multi-corpus-with-two", "two/activity/multi-corpus-with-one"}
