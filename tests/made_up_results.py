"""A results folder as a run would leave it, with small made-up predictions, for the tests of the report."""

import gzip
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from respbench.benchmarks.report.checks import CHECKS, Finding, run_checks
from respbench.benchmarks.report.pages import report_pages
from respbench.benchmarks.report.source import Source
from respbench.benchmarks.statistics.results import Results
from respbench.benchmarks.storage.records import FitKey, FitRecord
from respbench.benchmarks.storage.store import Store
from respbench.corpora.clips import Clips
from respbench.corpora.digests import digest
from respbench.corpora.facts import CorpusFacts
from respbench.corpora.protocols import find_stored

ACTIVITIES = ("Eat_soup", "Climb_stairs", "Pour_water", "Sitdown_chair", "Walk")
KINDS = {"prior": "control", "metadata": "control", "duration": "control", "svm": "baseline", "xgboost": "baseline"}
STRENGTHS = {"prior": 0.0, "metadata": 0.6, "svm": 1.2}
PATIENTS = 24
CLIPS = 8
CONTENTS = "0123456789abcdef"


def synthetic_clips(classes: tuple[str, ...] = ("normal", "abnormal"), patients: int = PATIENTS) -> Clips:
    """Silent clips: 8 of each patient, labels and durations (1 to 10 ms) at random."""
    rng = np.random.default_rng(1)
    n = patients * CLIPS
    patient = np.repeat([f"{100 + i}" for i in range(patients)], CLIPS)
    return Clips(
        signals=[np.zeros((1, samples), dtype=np.float32) for samples in np.random.default_rng(2).integers(4, 41, n)],
        rate=4000,
        label=rng.integers(len(classes), size=n),
        patient=patient,
        clip_id=np.array([f"clip{i:04d}" for i in range(n)]),
        classes=classes,
        meta=pd.DataFrame(
            {"recording": [f"r{i // 4}" for i in range(n)], "device": "a stethoscope", "diagnosis": "a secret"}
        ),
    )


def task_of(classes: tuple[str, ...]) -> str:
    """Name of a task with these classes."""
    return ("abnormal" if len(classes) == 2 else "four-class") if "normal" in classes else "activity"


def made_up_activities(patients: int = PATIENTS) -> Clips:
    """As `synthetic_clips`, with the classes `ACTIVITIES`: all clips of the first class are of the first patient."""
    clips = synthetic_clips(ACTIVITIES, patients)
    first = clips.patient == clips.patient[0]
    label = np.where(first & (np.arange(len(clips)) < 3), 0, np.maximum(clips.label, 1))
    return replace(clips, label=label)


def probabilities(clips: Clips, strength: float, seed: int) -> NDArray[np.float64]:
    """Softmax of noise plus ``strength`` for the true class; strength 0 gives every clip the same row."""
    logits = np.zeros((len(clips), len(clips.classes)))
    if strength:
        logits = np.random.default_rng(seed).normal(size=logits.shape)
        logits[np.arange(len(clips)), clips.label] += strength
    odds = np.exp(logits + 0.01 * (np.arange(len(clips.classes)) == 0))
    result: NDArray[np.float64] = odds / odds.sum(axis=1, keepdims=True)
    return result


def curve(seed: int, epochs: int = 6, kept: int | None = None) -> list[dict[str, float]]:
    """A learning curve whose validation score is highest at the epoch kept, by default some other than the first."""
    rng = np.random.default_rng(seed)
    kept = int(rng.integers(1, epochs)) if kept is None else kept
    return [
        {
            "epoch": epoch,
            "train_loss": 0.7 * 0.8**epoch + 0.02 * rng.random(),
            "train_accuracy": 1 - 0.4 * 0.8**epoch,
            "valid_loss": 0.7 * 0.8**epoch + 0.03 * epoch + 0.02 * rng.random(),
            "valid_accuracy": 0.75 - 0.02 * abs(epoch - kept),
            "valid_score": 0.7 - 0.04 * abs(epoch - kept) + 0.02 * rng.random(),
            "kept": int(epoch == kept),
        }
        for epoch in range(epochs)
    ]


def semi_supervised(rows: list[dict[str, float]]) -> list[dict[str, float]]:
    """The learning curve of a method with a ramp, whose pseudo-labels become confident after the first epoch."""
    last = rows[-1]["epoch"]
    return [
        {
            **row,
            "unsupervised_loss": 0.004 * (1 - 0.5 * row["epoch"] / last),
            "alpha": float(np.exp(-5 * (1 - row["epoch"] / last) ** 2)),
            "confident": 0.8 * row["epoch"] / last,
            **({"confident_accuracy": 0.9 - 0.1 * row["train_loss"]} if row["epoch"] else {}),
        }
        for row in rows
    ]


def record_of(
    clips: Clips,
    fit: FitKey,
    test: NDArray[np.int64],
    simulated: bool,
    protocol: str,
    twin: str = "",
    contents: str = CONTENTS,
) -> FitRecord:
    """The record of one fit. Under a label budget, four patients keep their labels."""
    kind = "semi-supervised" if twin else KINDS.get(fit.model, "network")
    rows = curve(100 * fit.seed + fit.fold) if kind in ("network", "semi-supervised") else []
    others = sorted(set(clips.patient.tolist()) - set(clips.patient[test].tolist()))
    labeled = 4 if "-labels" in protocol else len(others)
    return FitRecord(
        fingerprint=f"code of {fit.model}",
        model=fit.model,
        kind=kind,
        source="made up | for tests",
        corpus=CorpusFacts(
            name="made-up",
            description="SIMULATED sounds" if simulated else "made-up clips",
            simulated=simulated,
            rate=clips.rate,
            classes=clips.classes,
            left_out=0,
            fingerprint=contents,
            person="patient" if "normal" in clips.classes else "subject",
            modality="sound" if "normal" in clips.classes else "motion",
        ),
        task=task_of(clips.classes),
        protocol=protocol,
        classes=clips.classes,
        seed=fit.seed,
        fold=fit.fold,
        train_patients=tuple(others[2:labeled]),
        valid_patients=tuple(others[:2]),
        test_patients=tuple(sorted(set(clips.patient[test].tolist()))),
        unlabeled_patients=tuple(others[labeled:]),
        unlabeled_clips=(len(others) - labeled) * CLIPS,
        supervised_baseline=twin,
        train_clips=(labeled - 2) * CLIPS,
        valid_clips=2 * CLIPS,
        test_clips=len(test),
        parameters={"C": 1.0, "kernel": "rbf"},
        trials=(),
        curve=tuple(semi_supervised(rows) if twin else rows),
        fit_seconds=1.5 + fit.fold,
        tune_seconds=0.0,
        predict_seconds=0.25,
        n_parameters=1234,
        peak_mb=321.5,
        versions={"python": "3.11", "numpy": "2.4"},
        hardware="a made-up processor, 2 cores",
        threads=1,
    )


def made_up_results(
    results: Path,
    strengths: dict[str, float] | None = None,
    *,
    seeds: int = 2,
    classes: tuple[str, ...] = ("normal", "abnormal"),
    simulated: bool = False,
    protocol: str = "patients-3fold",
    twins: dict[str, str] | None = None,
    contents: str = CONTENTS,
) -> Store:
    """A store with every fit of the models in ``strengths``; patients go to the folds in turn, seed by seed anew.

    Models in ``twins`` are semi-supervised and have the noise of their twins: equal strengths give equal models.
    """
    clips = synthetic_clips(classes) if "normal" in classes else made_up_activities()
    task = task_of(classes)
    store = Store(results / "made-up" / task / protocol)
    store.write_clips(clips)
    divided = find_stored(protocol)
    folds = divided.count_folds((clips.patient if divided.divided_by == "patient" else clips.meta["device"]).tolist())
    for seed in range(seeds):
        owners = np.random.default_rng(seed).permutation(PATIENTS) % folds
        part = np.repeat(owners, CLIPS)
        models = STRENGTHS if strengths is None else strengths
        for model, strength in models.items():
            twin = (twins or {}).get(model, "")
            number = list(models).index(twin if twin in models else model)
            for fold in range(folds):
                fit, test = FitKey(model, seed, fold), np.flatnonzero(part == fold)
                tested = clips.take(test)
                record = record_of(clips, fit, test, simulated, protocol, twin, contents)
                store.write(fit, tested, probabilities(tested, strength, 1000 * number + 10 * seed + fold), record)
    return store


def fail(store: Store, model: str, seeds: int = 2, folds: int = 3) -> None:
    """Let every fit of a model fail."""
    for seed in range(seeds):
        for fold in range(folds):
            store.write_failure(FitKey(model, seed, fold), "Traceback …\nValueError: it broke | badly")


def change_record(store: Store, key: FitKey, **changes: Any) -> None:
    """Edit the record of a stored fit."""
    record = store.record(key)
    assert record is not None
    path = store.folder / "runs" / key.model / f"{key.stem}.json"
    path.write_text(json.dumps(asdict(replace(record, **changes))))


def change_predictions(store: Store, key: FitKey, find: str, put: str, count: int = -1) -> None:
    """Edit the predictions of a stored fit together with their digest."""
    path = store.folder / "runs" / key.model / f"{key.stem}.csv.gz"
    text = gzip.decompress(path.read_bytes()).decode().replace(find, put, count)
    path.write_bytes(gzip.compress(text.encode(), mtime=0))
    change_record(store, key, predictions_digest=digest([text]))


def found_by(results: Results, check: Callable[[Results], Iterator[Finding]]) -> list[Finding]:
    """What a check finds; the page would show it as sentences."""
    (found,) = [one for one in run_checks(results) if CHECKS[one.number - 1].find is check]
    assert len(found.sentences) == len(found.findings)
    return list(found.findings)


def written_text(folder: Path) -> str:
    """All pages of a report that was written, README.md first."""
    names = sorted((path.name for path in folder.glob("*.md")), key=lambda name: (name != "README.md", name))
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)


def report_text(results: Results, figures: Iterable[str], folder: Path) -> str:
    """All pages of a report, README.md first, without writing them."""
    return "\n".join(report_pages(Source(results=results, folder=folder, figures=tuple(figures))).values())
