"""Runs of `cross-corpus-adapted`: both directions, beside the same models without adaptation."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_up_results import written_text
from synthetic_corpora import write_kauh, write_segmented

from respbench.benchmarks.cli import main
from respbench.benchmarks.report.checks import run_checks
from respbench.benchmarks.report.index import results_index
from respbench.benchmarks.statistics.loading import load_results
from respbench.benchmarks.storage.records import FitKey
from respbench.benchmarks.storage.store import Store
from respbench.models.registry import REGISTRY
from respbench.models.selection import usual

SHIFTED = '''"""Loudness, standardized in each corpus: the smallest adaptation."""
import numpy as np

UNLABELED = True


def build(*, seed):
    return Shifted()


class Shifted:
    n_parameters = 4

    def fit(self, train, valid, unlabeled=None):
        self.mean = {c: loudness(train).mean() for c in ("icbhi", "kauh")}
        self.mean |= {c: loudness(part).mean() for part in (train, unlabeled) for c in set(part.meta["corpus"])}
        self.loud = (loudness(train) - self.center(train))[train.label == 1].mean() > 0
        return self

    def center(self, clips):
        return np.array([self.mean[corpus] for corpus in clips.meta["corpus"]])

    def predict_proba(self, clips):
        abnormal = 1 / (1 + np.exp(-(loudness(clips) - self.center(clips)) * (1 if self.loud else -1)))
        return np.column_stack([1 - abnormal, abnormal])


def loudness(clips):
    return np.array([np.log(np.square(signal, dtype=np.float64).mean()) for signal in clips])
'''


def respbench(results: Path, protocol: str = "cross-corpus-adapted") -> int:
    """Run both directions of ICBHI and KAUH, which lie beside the results."""
    sounds = results.parent
    ours = ("--corpus", "icbhi", "--data", str(sounds / "icbhi"), "--results", str(results), "--protocol", protocol)
    theirs = ("--other", "kauh", "--other-data", str(sounds / "kauh"), "--workers", "0", "--seeds", "1")
    models = ("--models", "prior,metadata", "--model", str(sounds / "shifted.py"))
    return main(["run", *ours, *theirs, *models, "--trials", "none"])


def folder(results: Path, tested: str, other: str, protocol: str = "cross-corpus-adapted") -> Path:
    return results / tested / "abnormal" / f"{protocol}-from-{other}"


DIRECTIONS = (("icbhi", "kauh"), ("kauh", "icbhi"))


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Both protocols across corpora, in both directions; KAUH has one class a patient. To be read only."""
    sounds = tmp_path_factory.mktemp("sounds")
    write_segmented(sounds / "icbhi", patients=6)
    write_kauh(sounds / "kauh", patients=12)
    (sounds / "shifted.py").write_text(SHIFTED)
    results = sounds / "results"
    assert respbench(results) == 0
    assert respbench(results, "cross-corpus") == 0
    return results


@pytest.mark.parametrize(("tested", "other"), DIRECTIONS)
def test_labels_are_of_one_corpus_and_unlabeled_patients_of_the_other(results, tested, other):
    fits = list(Store(folder(results, tested, other)))
    assert len(fits) == 3 * 5
    everyone = {patient for fit in fits for patient in fit.record.test_patients}
    for fit in fits:
        record = fit.record
        assert {p.partition(":")[0] for p in (*record.train_patients, *record.valid_patients)} == {other}
        assert set(record.test_patients) | set(record.unlabeled_patients) == everyone
        assert not set(record.test_patients) & record.seen_patients
        assert record.protocol == f"cross-corpus-adapted-from-{other}"


@pytest.mark.parametrize(("tested", "other"), DIRECTIONS)
def test_what_uses_no_unlabeled_clip_predicts_as_it_does_unadapted(results, tested, other):
    adapted, plain = (
        Store(folder(results, tested, other, protocol)) for protocol in ("cross-corpus-adapted", "cross-corpus")
    )
    for model in ("metadata", "prior", "shifted"):
        parts = [adapted.read(FitKey(model, 0, fold)).predictions for fold in range(5)]
        whole = plain.read(FitKey(model, 0, 0)).predictions.set_index("clip_id")
        pooled = pd.concat(parts).set_index("clip_id").loc[whole.index]
        assert pooled.equals(whole) == (model != "shifted")


def test_a_fold_without_a_class_is_named_and_stops_nothing(results):
    found = load_results(Store(folder(results, "kauh", "icbhi")))
    checks = {check.title: check.sentences for check in run_checks(found)}
    lacking = checks["Every fold tests every class"]
    assert lacking
    assert all(sentence.endswith("and is left out of the AUROC") for sentence in lacking)
    assert all(np.isfinite(model.value("auroc")) for model in found.complete)
    assert not checks["No fit was tested on patients seen in training"]


def test_the_report_says_whose_labels_and_whose_sounds(results):
    place = folder(results, "icbhi", "kauh")
    assert set(pd.read_csv(place / "leaderboard.csv")["warning"]) == {"TRAINED ON kauh, ADAPTED"}
    text = written_text(place)
    assert "> **TRAINED ON kauh, ADAPTED: every label that was learned from is of kauh;" in text
    headings = [line for line in text.splitlines() if line.startswith("#") or line.startswith("**Table")]
    assert all("[TRAINED ON kauh, ADAPTED]" in line for line in headings)
    assert "- Unlabeled: 16 to 20 clips of 4 to 5 further patients, whose labels are hidden." in text


def test_the_outside_validator_finds_no_fault(results, validated):
    for tested, other in DIRECTIONS:
        assert validated(folder(results, tested, other)).startswith("0 faults; 3 models")


def test_an_interrupted_run_goes_on_where_it_stopped(results, tmp_path, capsys):
    for name in ("icbhi", "kauh", "shifted.py"):
        (tmp_path / name).symlink_to(results.parent / name)
    copy = tmp_path / "results"
    kept, lost = folder(results, "icbhi", "kauh"), folder(copy, "icbhi", "kauh")
    for path in kept.glob("runs/*/*"):
        if path.name.split(".")[0] not in ("seed0-fold1", "seed0-fold4"):
            (target := lost / path.relative_to(kept)).parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    before = {path: path.stat().st_mtime_ns for path in lost.glob("runs/*/*")}
    assert respbench(copy) == 0
    assert "9 of 15 fits are stored already" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in before} == before
    for tested, other in DIRECTIONS:
        one, two = (folder(where, tested, other) / "leaderboard.csv" for where in (results, copy))
        assert one.read_bytes() == two.read_bytes()


def test_models_that_run_by_default_are_the_baselines_and_what_adapts():
    names = usual(adapted=True).split(",")
    assert {"prior", "metadata", "duration", "svm", "svm-adventitious", "planted-mlp"} <= set(names)
    specs = [REGISTRY[name] for name in names]
    assert {spec.supervised_baseline for spec in specs} - {""} <= set(names)
    assert not any(spec.name.endswith(("-cnn", "-cnn-gru", "-resnet-maps")) for spec in specs)
    assert len(names) == len(set(names))


def test_the_index_has_the_adapted_after_the_plain_one_and_links_both_side_by_side(results):
    section = results_index(results).partition("## Trained on another corpus")[2]
    rows = [line.split("|")[2].strip() for line in section.splitlines() if line.startswith("| [")]
    assert rows == ["TRAINED ON kauh", "TRAINED ON kauh, ADAPTED", "TRAINED ON icbhi", "TRAINED ON icbhi, ADAPTED"]
    links = [line for line in section.splitlines() if line.startswith("- [")]
    assert len(links) == 4
    assert all((results / line.partition("](")[2].rstrip(")")).exists() for line in links)


def test_facts_travel_with_every_fit(results):
    facts = json.loads((folder(results, "icbhi", "kauh") / "runs" / "prior" / "seed0-fold3.json").read_text())
    assert (facts["corpus"]["tested"]["name"], facts["corpus"]["trained_on"]["name"]) == ("icbhi", "kauh")
