"""Tuning: what trials see; that they are the same however they come about; that nothing of them is lost or mixed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic_corpora import synthetic_clips

from respbench.benchmarks.cli import main
from respbench.benchmarks.options import TRIALS
from respbench.benchmarks.options import trials as parse_trials
from respbench.benchmarks.storage.records import FitKey, FitRecord, TrialRecord, TrialState
from respbench.benchmarks.storage.store import Store
from respbench.benchmarks.tuning import jobs as tuning_jobs
from respbench.benchmarks.tuning import study as tuning
from respbench.benchmarks.tuning.choice import CHALLENGERS, candidates, choose
from respbench.benchmarks.tuning.folds import INNER, inner_folds
from respbench.benchmarks.tuning.study import Study
from respbench.corpora.clips import Clips
from respbench.corpora.splits.folds import Fold
from respbench.corpora.splits.leave_patients_out import LeavePatientsOut
from respbench.models.registry import REGISTRY
from respbench.models.selection import from_file
from respbench.models.spec import ModelSpec

MODEL = '''"""Measures how loud a clip is, the better the nearer its parameter is to 3; fails where it is far away."""
import numpy as np


class Loud:
    n_parameters = 1

    def __init__(self, seed, near, watched):
        self.rng, self.near = np.random.default_rng(seed), near
        if watched:
            self.on_epoch = None

    def fit(self, train, valid, unlabeled=None):
        if self.near > 9:
            raise RuntimeError("too far")
        for epoch in range(8):
            if getattr(self, "on_epoch", None):
                self.on_epoch(epoch, self.predict_proba)
        return self

    def predict_proba(self, clips):
        loud = np.array([np.abs(signal).mean() for signal in clips])
        noise = np.random.default_rng(len(clips)).normal(0, abs(self.near - 3) * 0.01, len(clips))
        p = 1 / (1 + np.exp(-10 * (loud - loud.mean() + noise)))
        return np.stack([1 - p, p], axis=1)


def build(*, seed, near=6.0, watched=False):
    return Loud(seed, near, watched)


def space(trial):
    return {"near": trial.suggest_float("near", 0.0, 10.0)}
'''


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> ModelSpec:
    path = tmp_path_factory.mktemp("models") / "loud.py"
    path.write_text(MODEL)
    return from_file(path)


@pytest.fixture(scope="module")
def clips() -> Clips:
    """Abnormal ones are louder."""
    clips = synthetic_clips(patients=24, clips_each=6, samples=40)
    louder = [signal * (1 + 0.3 * label) for signal, label in zip(clips.signals, clips.label, strict=True)]
    return replace(clips, signals=louder)


@pytest.fixture(scope="module")
def records(spec: ModelSpec, clips: Clips) -> list[TrialRecord]:
    """The 25 trials of a study."""
    return trials(study_of(spec), 25, clips, outer(clips))


def outer(clips: Clips, seed: int = 0) -> Fold:
    return next(LeavePatientsOut(3).split(clips, seed))


def study_of(spec: ModelSpec, seed: int = 0) -> Study:
    return Study(spec, "a study", seed, 0)


def as_stored(record: TrialRecord) -> TrialRecord:
    """Read back what is written to the disk."""
    return msgspec.json.decode(json.dumps(asdict(record)), type=TrialRecord)


def trials(
    study: Study, count: int, clips: Clips, fold: Fold, order: Callable[[range], Any] = list
) -> list[TrialRecord]:
    """A study's trials, the batches in their order, the trials of a batch in ``order``."""
    records: list[TrialRecord] = []
    for batch in tuning.batches(count):
        done = {n: tuning.run_trial(study, n, tuning.history_of(n, records), clips, fold) for n in order(batch)}
        records += [as_stored(done[n]) for n in batch]
    return records


@given(count=st.integers(1, 60), more=st.integers(0, 60))
def test_a_larger_budget_begins_like_a_smaller_one(count: int, more: int) -> None:
    records = [TrialRecord(number=n) for n in range(count + more)]
    for known in (count, count + more):
        numbers = [n for batch in tuning.batches(known) for n in batch]
        assert numbers == list(range(known))
    for batch in tuning.batches(count):
        for number in batch:
            # A trial follows all trials of earlier batches and none of its own, however many are still to come.
            assert [record.number for record in tuning.history_of(number, records)] == list(range(batch[0]))


def test_trials_use_training_patients_only(spec: ModelSpec, clips: Clips) -> None:
    for seed in range(3):
        for fold in LeavePatientsOut(3).split(clips, seed):
            record = tuning.run_trial(study_of(spec, seed), 0, (), clips, fold)
            own = {*clips.patient[fold.train].tolist(), *clips.patient[fold.valid].tolist()}
            assert set(record.patients) == own
            assert not own & set(clips.patient[fold.test].tolist())


def test_a_confirmation_uses_other_folds_of_the_same_patients(
    spec: ModelSpec, clips: Clips, records: list[TrialRecord]
) -> None:
    fold, study = outer(clips), study_of(spec)
    record = tuning.confirm(study, records[1], clips, fold)
    own = {*clips.patient[fold.train].tolist(), *clips.patient[fold.valid].tolist()}
    assert set(record.patients) == own
    assert not own & set(clips.patient[fold.test].tolist())
    assert record.parameters == records[1].parameters
    assert len(record.inner_values) == tuning.REPEATS * INNER.folds
    assert record.value == np.mean(record.inner_values)
    shuffles = [study.seed, *(tuning.shuffle_of(study, repeat) for repeat in (1, 2))]
    tests = [{tuple(inner.test) for inner in inner_folds(clips, fold, shuffle)} for shuffle in shuffles]
    assert len(set.union(*tests)) == len(shuffles) * INNER.folds, "no test part occurs twice"
    watched = replace(spec, overrides={"watched": True})
    assert len(tuning.confirm(study_of(watched), records[0], clips, fold).inner_values) == INNER.folds


def test_nothing_about_test_patients_changes_a_trial() -> None:
    """Their labels are turned round and their sounds replaced by noise: a real model is proposed and judged alike."""
    clips = synthetic_clips(patients=24, clips_each=6, samples=2000)
    fold = outer(clips)
    rng = np.random.default_rng(1)
    label, signals = clips.label.copy(), list(clips.signals)
    label[fold.test] = 1 - label[fold.test]
    for row in fold.test:
        signals[row] = rng.normal(0, 1, (1, 2000)).astype(np.float32)
    changed = replace(clips, label=label, signals=signals)
    study = study_of(REGISTRY["svm"])
    one, other = (trials(study, 7, which, fold) for which in (clips, changed))
    assert one == other
    assert tuning.confirm(study, one[3], clips, fold) == tuning.confirm(study, other[3], changed, fold)
    assert len({record.value for record in one}) > 2


def test_a_study_is_the_same_in_any_order_and_finds_what_is_better(
    spec: ModelSpec, clips: Clips, records: list[TrialRecord]
) -> None:
    fold = outer(clips)
    # A smaller study begins like a larger one, also where the trials of a batch end in another order.
    assert trials(study_of(spec), 13, clips, fold, lambda batch: reversed(batch)) == records[:13]
    assert trials(study_of(spec, seed=1), 2, clips, fold)[1].parameters != records[1].parameters
    best = max((r for r in records if r.value is not None), key=lambda record: record.value)
    assert best.value > records[0].value
    assert abs(best.parameters["near"] - 3) < abs(6 - 3)
    # Later trials, which follow the earlier ones, lie nearer to what is best than those drawn at random.
    near = np.array([abs(record.parameters.get("near", 3) - 3) for record in records])
    assert near[13:].mean() < near[1:5].mean()


def test_trial_0_has_the_defaults_and_optuna_is_given_them(spec: ModelSpec, clips: Clips) -> None:
    record = tuning.run_trial(study_of(spec), 0, (), clips, outer(clips))
    assert record.parameters == {}
    assert record.suggested == {"near": 6.0}
    # What lies outside the space, as the machine's gamma "scale", Optuna isn't told.
    svm = tuning.proposal(REGISTRY["svm"], 0, tuning._ask(study_of(spec), 0, ()))
    assert svm["suggested"].keys() == svm["distributions"].keys()
    assert svm["suggested"]["C"] == 1.0
    assert "gamma" not in svm["suggested"]


def test_what_is_trained_epoch_by_epoch_is_given_up_when_it_falls_behind(spec: ModelSpec, clips: Clips) -> None:
    watched = replace(spec, overrides={"watched": True, "near": 3.0})
    records = trials(study_of(watched), 9, clips, outer(clips))
    assert records[0].state == "complete"
    assert len(records[0].curve) == 8
    assert records[0].value == records[0].curve[-1]
    pruned = [record for record in records if record.state == "pruned"]
    assert pruned
    for record in pruned:
        assert len(record.curve) == tuning.WARM_UP + 1
        assert record.value is None
        assert max(record.curve) < records[0].curve[tuning.WARM_UP]
    # One inner fold only, which holds all training patients.
    assert records[1].patients == records[0].patients


def test_failed_trials_stay_in_the_record_and_are_never_confirmed(records: list[TrialRecord]) -> None:
    failed = [record for record in records if record.state == TrialState.FAILED]
    assert failed
    assert all(record.error == "RuntimeError: too far" and record.parameters["near"] > 9 for record in failed)
    assert not {record.number for record in failed} & {record.number for record in candidates(records)}
    with pytest.raises(ValueError, match=r"no trial of \d+ was completed; the first failed: RuntimeError: too far"):
        choose(failed, [])


def test_every_inner_fold_of_a_trial_is_stored(records: list[TrialRecord]) -> None:
    complete = [record for record in records if record.value is not None]
    assert {len(record.inner_values) for record in complete} == {INNER.folds}
    assert [np.mean(record.inner_values) for record in complete] == [record.value for record in complete]


def test_auroc_of_a_trial_is_scikit_learns(clips: Clips) -> None:
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(0)
    for classes in (2, 4):
        some = synthetic_clips(patients=10, clips_each=8, classes=classes)
        p = rng.dirichlet(np.ones(classes), len(some))
        expected = roc_auc_score(some.label, p[:, 1] if classes == 2 else p, multi_class="ovr")
        assert tuning.auroc_of(some, p) == pytest.approx(expected)
    with pytest.raises(ValueError, match="not finite"):
        tuning.auroc_of(clips, np.full((len(clips), 2), np.nan))
    one = np.flatnonzero(clips.label == 1)
    with pytest.raises(ValueError, match="lack a class"):
        tuning.auroc_of(clips.take(one), np.full((len(one), 2), 0.5))


def test_a_trial_is_identified_by_its_study_its_number_and_its_history(spec: ModelSpec) -> None:
    record = TrialRecord(number=0, parameters={"near": 1.0}, value=0.5)
    study = study_of(spec)
    keys = {
        tuning.key_of(study, 1, (record,)),
        tuning.key_of(study, 2, (record,)),
        tuning.key_of(replace(study, fingerprint="changed"), 1, (record,)),
        tuning.key_of(replace(study, fold=1), 1, (record,)),
        tuning.key_of(replace(study, seed=1), 1, (record,)),
        tuning.key_of(study, 1, (replace(record, value=0.6),)),
    }
    assert len(keys) == 6
    # How long a trial took is chance.
    assert tuning.key_of(study, 1, (replace(record, seconds=3.0),)) in keys


@pytest.mark.parametrize(("text", "count"), [("none", 0), ("quick", 3), ("standard", 20), ("thorough", 100), ("7", 7)])
def test_budgets_have_names(text: str, count: int) -> None:
    assert parse_trials(text) == count


def test_make_leaves_the_default_of_trials_to_the_command_line() -> None:
    assert parse_trials("quick") == TRIALS
    assert "\nTRIALS ?=\n" in (Path(__file__).parents[2] / "Makefile").read_text()


# Through the command line

CORPUS = ("--patients", "16", "--clips", "4", "--corpus-seed", "1", "--protocol", "patients-2fold", "--workers", "0")


def respbench(results: Path, *more: str) -> int:
    return main(["run", *CORPUS, "--results", str(results), *more])


def stored(results: Path) -> Store:
    return Store(results / "simulated" / "abnormal" / "patients-2fold")


def record_of(store: Store, key: FitKey) -> FitRecord:
    record = store.record(key)
    assert record is not None
    return record


def leaderboard(results: Path) -> bytes:
    return (stored(results).folder / "leaderboard.csv").read_bytes()


def trial_files(results: Path, names: str = "[0-9]*") -> dict[Path, int]:
    """Stored trials, and when they were written."""
    return {path: path.stat().st_mtime_ns for path in results.rglob(f"trials/*/*/{names}.json")}


def studies(results: Path) -> list[Any]:
    """Trials and confirmations of each tuned fit, without the time that they took."""
    store = stored(results)
    facts = [record_of(store, key) for key in store.fits() if key.model.endswith("-tuned")]
    return [[replace(trial, seconds=0) for trial in (*f.trials, *f.confirmations)] for f in facts]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of one undisturbed, serial run."""
    results = tmp_path_factory.mktemp("whole")
    assert respbench(results, "--models", "prior,metadata", "--trials", "6") == 0
    return results


def test_a_tuned_model_has_a_row_beside_its_defaults(whole: Path) -> None:
    store = stored(whole)
    assert {fit.model for fit in store.fits()} == {"prior", "metadata", "metadata-tuned"}
    for fold in range(2):
        facts, untuned = (record_of(store, FitKey(name, 0, fold)) for name in ("metadata-tuned", "metadata"))
        assert facts.untuned == "metadata"
        assert [trial.number for trial in facts.trials] == list(range(6))
        confirmed = [trial.number for trial in facts.confirmations]
        assert confirmed == [trial.number for trial in candidates(facts.trials)]
        assert confirmed[0] == 0
        assert len(confirmed) == CHALLENGERS + 1
        best = choose(facts.trials, facts.confirmations)
        assert facts.chosen_trial == best.number
        assert facts.parameters == {**untuned.parameters, **best.parameters}
        assert facts.tune_seconds > 0
        assert untuned.trials == ()
        for trial in (*facts.trials, *facts.confirmations):
            assert set(trial.patients) == {*facts.train_patients, *facts.valid_patients}
            assert not set(trial.patients) & set(facts.test_patients)
        same = store.read(FitKey("metadata-tuned", 0, fold)).predictions.equals(
            store.read(FitKey("metadata", 0, fold)).predictions
        )
        assert same == (best.number == 0)


def test_more_trials_go_on_from_those_that_are_there(whole: Path, tmp_path: Path) -> None:
    models = ("--models", "prior,metadata")
    assert respbench(tmp_path, *models, "--trials", "2") == 0
    before = trial_files(tmp_path)
    assert len(before) == 4
    assert respbench(tmp_path, *models, "--trials", "6") == 0
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert leaderboard(tmp_path) == leaderboard(whole)


def test_confirmations_go_on_from_those_that_are_there(whole: Path, tmp_path: Path) -> None:
    results = tmp_path / "results"
    shutil.copytree(whole, results)
    files = trial_files(results, "confirmation-*")
    assert len(files) == 2 * (1 + CHALLENGERS)
    lost, touched, ended, *kept = sorted(files)
    ended.write_text(ended.read_text().replace('"retryable": false', '"retryable": true'))
    lost.unlink()
    touched.write_text(touched.read_text().replace('"key": "', '"key": "not'))
    for record in results.rglob("runs/metadata-tuned/*.json"):
        record.unlink()
    assert respbench(results, "--models", "prior,metadata", "--trials", "6") == 0
    after = trial_files(results, "confirmation-*")
    assert {path for path in files if after[path] != files[path]} == {lost, touched, ended}
    assert all(after[path] == files[path] for path in kept)
    assert studies(results) == studies(whole)
    assert leaderboard(results) == leaderboard(whole)


def test_records_of_versions_without_confirmations_are_read(whole: Path, tmp_path: Path) -> None:
    results = tmp_path / "results"
    shutil.copytree(whole, results)
    store, key = stored(results), FitKey("metadata-tuned", 0, 0)
    path = store.folder / "runs" / key.model / f"{key.stem}.json"
    facts = json.loads(path.read_text())
    del facts["confirmations"]
    for trial in facts["trials"]:
        del trial["inner_values"]
    path.write_text(json.dumps(facts))
    record = store.read(key).record
    assert record.confirmations == ()
    assert {trial.inner_values for trial in record.trials} == {()}
    assert main(["report", str(store.folder)]) == 0


def test_killed_twice_it_ends_the_same(whole: Path, tmp_path: Path) -> None:
    """SIGKILL to the whole process group, while it fits and while it tunes; no trial that was stored is run again.

    `endurance.py` does so with workers, at random moments.
    """
    options = ("--models", "prior,metadata", "--trials", "6")
    arguments = ["run", *CORPUS, "--results", str(tmp_path), *options]
    for least in (1, 4):
        process = subprocess.Popen(
            [sys.executable, "-m", "respbench", *arguments],
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        # Where this process had to wait, the run may have ended: then there is nothing to kill, and all to compare.
        while len(trial_files(tmp_path)) < least and process.poll() is None:
            time.sleep(0.01)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        found = trial_files(tmp_path)
        assert len(found) >= least
    assert respbench(tmp_path, *options) == 0
    after = trial_files(tmp_path)
    assert len(after) == 12
    assert {path: after[path] for path in found} == found
    assert studies(tmp_path) == studies(whole)
    assert leaderboard(tmp_path) == leaderboard(whole)
    for path in stored(whole).folder.glob("runs/*/*.csv.gz"):
        assert (stored(tmp_path).folder / path.relative_to(stored(whole).folder)).read_bytes() == path.read_bytes()
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_trial_that_was_touched_or_whose_space_changed_is_set_aside_and_restored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "loud.py"
    path.write_text(MODEL)
    executed: list[int] = []

    def counted(study: Study, number: int, *more: Any) -> TrialRecord:
        executed.append(number)
        return tuning.run_trial(study, number, *more)

    monkeypatch.setattr(tuning_jobs, "run_trial", counted)

    def run(trials: int) -> str:
        executed.clear()
        options = ("--models", "prior", "--model", str(path), "--trials", str(trials))
        assert respbench(tmp_path / "results", *options) == 0
        return capsys.readouterr().out

    def parameters() -> list[dict[str, Any]]:
        facts = record_of(stored(tmp_path / "results"), FitKey("loud-tuned", 0, 0))
        return [dict(trial.parameters) for trial in facts.trials]

    run(6)
    first = parameters()
    # A trial with another value: those after it would have proposed something else.
    store = stored(tmp_path / "results")
    file = store.folder / "trials/loud-tuned/seed0-fold0/003.json"
    file.write_text(file.read_text().replace('"key": "', '"key": "not'))
    (store.folder / "runs/loud-tuned/seed0-fold0.json").unlink()
    assert "2 stored trials of loud-tuned came from other code" in run(6)
    assert executed == [3, 5]
    assert parameters() == first
    path.write_text(MODEL.replace("0.0, 10.0", "0.0, 5.0"))
    assert "12 stored trials of loud-tuned came from other code or settings" in run(6)
    assert sorted(executed) == sorted([*range(6)] * 2)
    assert max(drawn["near"] for drawn in parameters() if drawn) <= 5 < max(drawn["near"] for drawn in first if drawn)
    # With the first space and another number of trials, the fits are missing and what their studies share is restored.
    path.write_text(MODEL)
    run(7)
    assert sorted(executed) == [6, 6]
    assert parameters()[:6] == first


def test_a_model_without_any_complete_trial_fails_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "loud.py"
    path.write_text(MODEL.replace("if self.near > 9", "if True"))
    assert respbench(tmp_path / "results", "--models", "prior", "--model", str(path), "--trials", "2") == 1
    assert "no trial of 2 was completed; the first failed: RuntimeError: too far" in capsys.readouterr().out
    assert len(stored(tmp_path / "results").failures()) == 4


def test_some_models_are_never_tuned(tmp_path: Path) -> None:
    assert not tuning.tunable(REGISTRY["cnn-lecture"]), "the practical's recipe is what it is"
    assert not tuning.tunable(REGISTRY["prior"]), "nothing to tune"
    assert not tuning.tunable(REGISTRY["ensemble"])
    assert tuning.tunable(REGISTRY["fixmatch-cnn"])
