"""Predictions from outside: what fits becomes a marked row, what doesn't is refused in one sentence."""

import csv
import gzip
import io
import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from synthetic_corpora import TINY_RUN

from respbench.benchmarks.cli import main
from respbench.benchmarks.outside import read_outside
from respbench.benchmarks.report.tables import LEADERBOARD
from respbench.benchmarks.storage.records import FitKey
from respbench.benchmarks.storage.store import Store

CORPUS = TINY_RUN[:6]
PROTOCOL = ("--protocol", "patients-2fold")


class Elsewhere:
    """A folder with folds that were exported, predictions that somebody made in them, and results."""

    def __init__(self, folder, folds, capsys):
        self.folder, self.results, self.folds, self.capsys = folder, folder / "results", folds, capsys
        tested = self.folds[self.folds["part"] == "test"]
        abnormal = np.random.default_rng(0).uniform(0.01, 0.99, len(tested)).round(4)
        self.table = tested[["clip_id", "seed", "fold"]].assign(
            normal=(1 - abnormal).round(4).astype(str), abnormal=abnormal.astype(str)
        )

    @property
    def store(self):
        return Store(self.results / "simulated" / "abnormal" / "patients-2fold")

    def write(self, table, name="mine.csv"):
        path = self.folder / name
        path.write_text(table if isinstance(table, str) else table.to_csv(index=False), encoding="utf-8")
        return path

    def score(self, path, *more):
        self.capsys.readouterr()
        status = main(["score", str(path), *CORPUS, *PROTOCOL, "--results", str(self.results), *more])
        output = self.capsys.readouterr()
        return status, output.out, output.err

    def refuses(self, table, *more, name="mine.csv"):
        """The message of a refusal that stores nothing."""
        path = table if not isinstance(table, str | pd.DataFrame) else self.write(table, name)
        before = sorted(self.results.rglob("*"))
        status, _, message = self.score(path, *more)
        assert status == 2, message
        assert message.startswith("respbench: ")
        assert message.count("\n") == 1
        assert "; " in message, "no remedy is named"
        assert sorted(self.results.rglob("*")) == before
        return message

    def rows(self):
        return LEADERBOARD.read(self.store.folder)


@pytest.fixture(scope="module")
def folds(tmp_path_factory, cache):
    """What `respbench folds` exports."""
    path = tmp_path_factory.mktemp("folds") / "folds.csv"
    assert main(["folds", *CORPUS, *PROTOCOL, "--repeats", "2", "--output", str(path)]) == 0
    return pd.read_csv(path, dtype=str)


@pytest.fixture
def elsewhere(tmp_path, folds, capsys):
    return Elsewhere(tmp_path, folds, capsys)


def without(table, *columns):
    return table.drop(columns=list(columns))


def one_seed(table):
    return without(table[table["seed"] == "0"], "seed")


def changed(table, row, **cells):
    table = table.reset_index(drop=True).copy()
    for column, value in cells.items():
        table.loc[row, column] = value
    return table


def test_folds_are_those_of_a_run_and_name_no_patient_twice(elsewhere):
    assert main(["run", *TINY_RUN, "--models", "prior", "--trials", "0", "--results", str(elsewhere.results)]) == 0
    for (fold, seed), rows in elsewhere.folds.groupby(["fold", "seed"]):
        parts = {part: set(found["patient"]) for part, found in rows.groupby("part")}
        assert set(parts) == {"train", "valid", "test"}
        assert not any(one & other for one, other in itertools.combinations(parts.values(), 2))
        if seed == "0":
            fit = elsewhere.store.read(FitKey("prior", 0, int(fold)))
            assert set(fit.predictions["clip_id"]) == set(rows.loc[rows["part"] == "test", "clip_id"])
            assert set(fit.record.train_patients) == parts["train"]


def test_a_row_is_marked_compared_and_lasts(elsewhere):
    main(["run", *TINY_RUN, "--models", "prior,duration", "--trials", "0", "--results", str(elsewhere.results)])
    own = {key: elsewhere.store.read(key).record for key in elsewhere.store.fits()}
    status, out, err = elsewhere.score(elsewhere.write(elsewhere.table), "--name", "Mine-1.0")
    assert (status, err) == (0, "")
    assert "Mine-1.0 (from outside)" in out
    differences = out[out.index("Mine-1.0 minus") :]
    assert "prior" in differences
    assert "duration" in differences
    rows = elsewhere.rows()
    assert {model: row["warning"].rpartition("; ")[2] for model, row in rows.items()} == {
        "Mine-1.0": "FROM OUTSIDE",
        "prior": "SIMULATED",
        "duration": "SIMULATED",
    }
    before = (elsewhere.store.folder / "leaderboard.csv").read_bytes()
    assert main(["report", str(elsewhere.results)]) == 0
    assert (elsewhere.store.folder / "leaderboard.csv").read_bytes() == before
    main(["run", *TINY_RUN, "--models", "prior,duration", "--trials", "0", "--results", str(elsewhere.results)])
    assert elsewhere.rows() == rows
    assert {key: elsewhere.store.read(key).record for key in own} == own
    fit = elsewhere.store.read(FitKey("Mine-1.0", 1, 0))
    assert (fit.record.kind, fit.record.train_patients, fit.record.folds_assumed) == ("from outside", (), False)
    stated = elsewhere.table.set_index(["seed", "clip_id"])["abnormal"].astype(float)
    for clip, given in zip(fit.predictions["clip_id"], fit.predictions["abnormal"], strict=True):
        assert abs(given - stated["1", clip]) < 1e-6


def test_the_method_page_says_what_is_not_known(elsewhere):
    elsewhere.score(elsewhere.write(one_seed(without(elsewhere.table, "fold"))))
    page = (elsewhere.store.folder / "method.md").read_text()
    assert "`mine` comes from outside" in page
    assert "its file states no folds, those of the protocol are assumed" in page
    assert elsewhere.store.read(FitKey("mine", 0, 1)).record.folds_assumed


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: gzip.compress(text.encode()),
        lambda text: (text + "\n\n").encode(),
        lambda text: text.rstrip("\n").encode(),
        lambda text: text.replace(",", " , ").encode(),
    ],
    ids=["BOM", "CRLF", "gzip", "blank lines", "no end of line", "spaces"],
)
def test_one_file_written_in_other_ways_is_the_same(elsewhere, spoil):
    table, classes = elsewhere.table, ("normal", "abnormal")
    plain = read_outside(elsewhere.write(table), classes, None)
    path = elsewhere.folder / "other.csv"
    shuffled = table.sample(frac=1, random_state=0)[["fold", "abnormal", "clip_id", "normal", "seed"]]
    path.write_bytes(spoil(shuffled.to_csv(index=False)))
    assert read_outside(path, classes, None).identity == plain.identity
    other = read_outside(elsewhere.write(changed(table, 3, normal="0.25", abnormal="0.75")), classes, None)
    assert other.identity != plain.identity


def test_the_same_predictions_again_change_nothing(elsewhere):
    elsewhere.score(elsewhere.write(elsewhere.table))
    stored = {path.name: path.read_bytes() for path in elsewhere.store.folder.glob("runs/mine/*.csv.gz")}
    elsewhere.score(elsewhere.write(elsewhere.table.iloc[::-1]))
    assert {path.name: path.read_bytes() for path in elsewhere.store.folder.glob("runs/mine/*.csv.gz")} == stored
    assert not (elsewhere.store.folder / "stale").exists()


def test_predictions_that_this_suite_stored_score_as_they_do_there(elsewhere):
    main(["run", *TINY_RUN, "--models", "duration", "--trials", "0", "--results", str(elsewhere.results)])
    parts = [elsewhere.store.read(FitKey("duration", 0, fold)).predictions for fold in range(2)]
    elsewhere.score(elsewhere.write(pd.concat(parts)), "--name", "copy")
    rows = elsewhere.rows()
    assert rows["copy"]["auroc"] == rows["duration"]["auroc"]
    assert rows["copy"]["score"] == rows["duration"]["score"]


def test_folds_may_be_numbered_in_any_way(elsewhere):
    renamed = elsewhere.table.assign(fold=elsewhere.table["fold"].map({"0": "second", "1": "first"}))
    assert elsewhere.score(elsewhere.write(renamed))[0] == 0


def test_other_predictions_replace_a_row_only_on_request(elsewhere):
    table = elsewhere.table
    elsewhere.score(elsewhere.write(table))
    other = table.assign(normal=table["abnormal"], abnormal=table["normal"])
    assert "holds other predictions of that name; add --replace" in elsewhere.refuses(other)
    assert "differs from Mine by its case alone" in elsewhere.refuses(other, "--name", "Mine", "--replace")
    assert elsewhere.score(elsewhere.write(one_seed(other)), "--replace")[0] == 0
    assert {key.seed for key in elsewhere.store.fits()} == {0}
    assert list((elsewhere.store.folder / "stale" / "mine").glob("*/*.json"))


@pytest.mark.parametrize("name", ["svm", "SVM", "prior", "cnn-tuned", "svm-adventitious-tonal", "fixmatch-cnn"])
def test_names_of_own_models_are_taken(elsewhere, name):
    message = elsewhere.refuses(elsewhere.table, "--name", name, "--replace")
    assert f"{name} is the name of a model of this suite" in message


def test_a_row_that_this_suite_fitted_is_never_replaced(elsewhere):
    model = elsewhere.folder / "own.py"
    model.write_text("from respbench.models.prior import build\n")
    arguments = ("--models", "prior", "--model", str(model), "--trials", "0", "--results", str(elsewhere.results))
    assert main(["run", *TINY_RUN, *arguments]) == 0
    assert "holds fits that this suite made" in elsewhere.refuses(elsewhere.table, "--name", "own", "--replace")


@pytest.mark.parametrize("name", ["../up", ".hidden", "a b", "a/b", "-x" * 60, "näme"])
def test_names_that_are_no_folder_are_refused(elsewhere, name):
    assert "can't be the name of a row" in elsewhere.refuses(elsewhere.table, f"--name={name}")


def test_results_of_another_corpus_are_left_alone(elsewhere):
    elsewhere.score(elsewhere.write(elsewhere.table))
    other = [*CORPUS[:-1], "2"]
    folds = elsewhere.folder / "other.csv"
    main(["folds", *other, *PROTOCOL, "--output", str(folds)])
    tested = pd.read_csv(folds, dtype=str).query("part == 'test'")
    path = elsewhere.write(tested[["clip_id"]].assign(normal="0.5", abnormal="0.5"), "theirs.csv")
    elsewhere.capsys.readouterr()
    assert main(["score", str(path), *other, *PROTOCOL, "--results", str(elsewhere.results)]) == 2
    assert "holds results of other contents of the corpus simulated" in elsewhere.capsys.readouterr().err


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda t: without(t, "clip_id"), "has no column 'clip_id'"),
        (lambda t: without(t, "abnormal"), "has no column 'abnormal', but 'clip_id', 'seed', 'fold', 'normal'"),
        (lambda t: t.rename(columns={"abnormal": "Abnormal"}), "has no column 'abnormal'"),
        (lambda t: t.assign(crackle="0"), "has the unknown column 'crackle'"),
        (lambda t: t.to_csv(index=False).replace("seed", "fold", 1), "has two columns 'fold'"),
        (lambda t: t.to_csv(index=False, sep=";"), "separated by commas"),
        (lambda t: t.to_csv(), "has the unknown column ''"),
        (lambda t: "", "has no column 'clip_id', but none"),
        (lambda t: "clip_id,normal,abnormal\n", "has no predictions, only a header"),
        (lambda t: t.iloc[1:], "lacks 1 of the 48 tested clips in seed 0"),
        (lambda t: t[t["seed"] == "0"].iloc[:-4].assign(seed="3"), "in seed 3"),
        (lambda t: pd.concat([t, t.iloc[:1]]), "line 98 predicts clip"),
        (lambda t: without(t, "seed"), "line 50 predicts clip"),
        (lambda t: changed(t, 3, clip_id="nobody"), "line 5 names the clip 'nobody', which the corpus doesn't have"),
        (lambda t: changed(t, 3, clip_id=""), "line 5 names the clip ''"),
        (lambda t: changed(t, 3, abnormal="nan"), "line 5 gives class abnormal the probability 'nan'"),
        (lambda t: changed(t, 3, abnormal="inf"), "line 5 gives class abnormal the probability 'inf'"),
        (lambda t: changed(t, 3, abnormal=""), "line 5 gives class abnormal the probability ''"),
        (lambda t: changed(t, 3, abnormal="high"), "line 5 gives class abnormal the probability 'high'"),
        (lambda t: changed(t, 3, normal="-0.2", abnormal="1.2"), "line 5 gives class normal the probability '-0.2'"),
        (lambda t: changed(t, 3, normal="0.5", abnormal="0.6"), "line 5 has probabilities that sum to 1.1"),
        (lambda t: changed(t, 3, normal="0", abnormal="0"), "line 5 has probabilities that sum to 0"),
        (lambda t: changed(t, 3, seed="-1"), "line 5 has the seed '-1'"),
        (lambda t: changed(t, 3, seed="0.0"), "line 5 has the seed '0.0'"),
        (lambda t: changed(t, 3, seed="²"), "line 5 has the seed '²'"),
        (lambda t: t.assign(fold="0"), "which the protocol divides otherwise in seed 0"),
        (
            lambda t: changed(t, 3, fold="7"),
            "line 5 has clip sim000_03 in fold '7', which the protocol divides otherwise",
        ),
        (lambda t: t.assign(label="normal"), "in the corpus it is 'abnormal'"),
        (lambda t: t.assign(patient="p"), "has the patient 'p', in the corpus it is"),
        (lambda t: t.to_csv(index=False).replace("sim000_00", "sim,000"), "line 2 has 6 cells under 5 columns"),
        (lambda t: t.to_csv(index=False) + '"', "line 98 is no line of a CSV file (unexpected end of data)"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_line_and_a_remedy(elsewhere, spoil, message):
    found = elsewhere.refuses(spoil(elsewhere.table))
    assert message in found
    assert str(elsewhere.folder / "mine.csv") in found


def test_files_that_are_no_text_are_refused(elsewhere):
    text = elsewhere.table.to_csv(index=False)
    path = elsewhere.folder / "mine.csv"
    for content, message in (
        (text.encode("utf-16"), "is no text in UTF-8"),
        (gzip.compress(text.encode())[:-20], "is damaged"),
        (b"\x1f\x8bnothing", "is damaged"),
        (b"\x89PNG\r\n\x1a\n\0\0", "is no text in UTF-8"),
    ):
        path.write_bytes(content)
        assert message in elsewhere.refuses(path)
    assert "can't be read (Is a directory)" in elsewhere.refuses(elsewhere.folder, "--name", "mine")
    assert "can't be read (No such file" in elsewhere.refuses(elsewhere.folder / "absent.csv")


def test_what_would_fill_the_memory_is_refused(elsewhere, monkeypatch):
    monkeypatch.setattr("respbench.benchmarks.outside.LARGEST", 1 << 20)
    path = elsewhere.folder / "mine.csv"
    for content in (bytes(2 << 20), gzip.compress(bytes(2 << 20))):
        path.write_bytes(content)
        assert "mine.csv holds more than 1 MiB, which is more than predictions need" in elsewhere.refuses(path)
    assert "holds more than 1 MiB" in elsewhere.refuses(Path("/dev/zero"), "--name", "mine")


def test_a_seed_is_stated_once(elsewhere):
    assert "--repeat must not be given" in elsewhere.refuses(elsewhere.table, "--repeat", "1")
    second = without(elsewhere.table[elsewhere.table["seed"] == "1"], "seed")
    assert elsewhere.score(elsewhere.write(second), "--repeat", "1")[0] == 0
    assert {key.seed for key in elsewhere.store.fits()} == {1}


def test_rounded_probabilities_are_divided_by_their_sum(elsewhere):
    table = elsewhere.table.assign(normal="0.3334", abnormal="0.667")
    assert elsewhere.score(elsewhere.write(table))[0] == 0
    fit = elsewhere.store.read(FitKey("mine", 0, 0))
    assert np.allclose(fit.predictions[["normal", "abnormal"]].sum(axis=1), 1, atol=1e-8)


def test_protocols_of_two_corpora_take_no_file(elsewhere):
    path = elsewhere.write(elsewhere.table)
    elsewhere.capsys.readouterr()
    assert main(["score", str(path), *CORPUS, "--protocol", "cross-corpus", "--results", str(elsewhere.results)]) == 2
    assert "needs two corpora" in elsewhere.capsys.readouterr().err


def test_names_with_commas_are_quoted(elsewhere):
    lines = io.StringIO()
    csv.writer(lines, quoting=csv.QUOTE_ALL).writerows([elsewhere.table.columns, *elsewhere.table.to_numpy().tolist()])
    assert elsewhere.score(elsewhere.write(lines.getvalue()))[0] == 0
