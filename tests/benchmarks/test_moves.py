"""Results that are set aside, restored, or archived: nothing is lost, wherever a run is interrupted or damaged."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from made_up_results import CONTENTS, made_up_results
from rich.console import Console

from respbench.benchmarks.execution import jobs
from respbench.benchmarks.execution.timeout import OutOfTime
from respbench.benchmarks.report.tables import LEADERBOARD
from respbench.benchmarks.run import archive_or_restore_results
from respbench.benchmarks.storage.records import FitKey, TrialRecord
from respbench.benchmarks.storage.store import Store
from respbench.benchmarks.storage.studies import StoredStudy
from respbench.corpora.problems import InputError

KEY = FitKey("prior", 0, 0)
CODE = "code of prior"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return made_up_results(tmp_path, {"prior": 0.0}, seeds=1)


def interrupted(*_: Any) -> None:
    raise KeyboardInterrupt


def predictions(store: Store) -> Path:
    return store.folder / "runs" / "prior" / "seed0-fold0.csv.gz"


def test_an_interrupted_move_leaves_the_fit_whole_where_it_was(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for move, is_whole in (
        (lambda: store.set_aside(KEY), store.has),
        (lambda: store.restore(KEY, CODE), store.has_set_aside),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", interrupted)
            with pytest.raises(KeyboardInterrupt):
                move()
        assert is_whole(KEY, CODE)
        move()
    assert store.has(KEY, CODE)
    assert not store.has_set_aside(KEY, CODE)


def test_a_damaged_fit_does_not_replace_a_whole_one_that_was_set_aside(store: Store) -> None:
    record, content = store.folder / "runs" / "prior" / "seed0-fold0.json", predictions(store).read_bytes()
    text = record.read_bytes()
    store.set_aside(KEY)
    record.write_bytes(text)
    predictions(store).write_bytes(content[:40])
    store.set_aside(KEY)
    assert store.has_set_aside(KEY, CODE)


def test_a_trial_is_restored_where_no_folder_of_trials_is_left(store: Store) -> None:
    trial = TrialRecord(number=1, key="0123")
    study = StoredStudy(store.folder, KEY)
    study.write("001", trial)
    study.set_aside("001")
    (store.folder / "trials" / "prior" / "seed0-fold0").rmdir()
    study.restore("001", trial.key)
    assert study.read("001") == trial


def test_an_interrupted_run_of_another_corpus_does_not_hide_archived_results(store: Store) -> None:
    folder = store.folder
    plan: Any = SimpleNamespace(folder=folder, prepared=SimpleNamespace(facts=lambda: SimpleNamespace(fingerprint="b")))
    archive_or_restore_results(plan, Console(quiet=True))
    folder.mkdir()  # all that a run of corpus b leaves when it is interrupted before its first fit
    plan.prepared.facts = lambda: SimpleNamespace(fingerprint=CONTENTS)
    archive_or_restore_results(plan, Console(quiet=True))
    assert store.has(KEY, CODE)


def test_a_fit_that_ran_out_of_time_is_not_stored_as_an_error_of_its_model(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(*_: Any) -> None:
        raise OutOfTime

    monkeypatch.setattr(jobs, "folds_of", endless)
    parts: Any = [None] * 4
    with pytest.raises(OutOfTime):
        jobs.FitJob(*parts, KEY, CODE, store.folder).execute()
    assert not store.failures()


def test_a_table_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / LEADERBOARD.filename
    for content in (b"\xff\xfe", b"model,score\nsvm,0.5\n", b""):
        path.write_bytes(content)
        with pytest.raises(InputError, match="respbench report") as refused:
            LEADERBOARD.read(tmp_path)
        assert str(path) in str(refused.value)
