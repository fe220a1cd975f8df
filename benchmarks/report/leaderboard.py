"""The leaderboard: every model's metrics with intervals, computed from the stored predictions and nothing else."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from tabulate import tabulate

from benchmarks.statistics.bootstrap import Estimate, distributions, draws
from benchmarks.statistics.metrics import METRICS, Floats, Ints, Predictions, duration_strata
from benchmarks.statistics.results import Board, Entry
from benchmarks.storage.records import FitKey
from benchmarks.storage.store import CLIPS, Store, StoredFit
from corpora.problems import InputError
from corpora.protocols import find_stored

DIGITS = "%.7f"
"""Of leaderboard.csv: far finer than any interval, far coarser than rounding errors."""


UNDEFINED = "n/a"

Strata = dict[str, int]
"""The tenth of the durations that each tested clip is in, by clip_id; empty if no durations are stored."""

SUMMARY = {"score": "score", "auroc": "AUROC", "auroc_within_patients": "AUROC in patients"}
"""The metrics that fit on a terminal."""


def leaderboard(store: Store) -> Board:
    """Read a results folder and evaluate every model in it.

    A model is complete when it has every fold of the protocol for every seed that any model of the folder has. A fit
    that is stored but failed when it was repeated counts as failed.

    Args:
        store: the results folder.

    Raises:
        InputError: nothing is stored, a file was edited, or fits are mixed that can't be compared.
    """
    failures = store.failures()
    fits = [store.read(fit) for fit in store.fits() if fit not in failures]
    if not fits:
        first = f"; the first failure: {next(iter(failures.values()))}" if failures else ""
        raise InputError(f"{store.folder} has no finished fit{first}; run the benchmark (again), then the report")
    _refuse_mixtures(store, fits)
    patients = sorted({patient for stored in fits for patient in stored.predictions["patient"]})
    strata = strata_of(store, fits)
    record = fits[0].record
    protocol = find_stored(record.protocol)
    seeds = {stored.key.seed for stored in fits} | {fit.seed for fit in failures}
    weights = draws(len(patients))
    by_model: dict[str, list[StoredFit]] = defaultdict(list)
    for stored in fits:
        by_model[stored.key.model].append(stored)
    names = sorted({*by_model, *(fit.model for fit in failures)})
    wanted = len(seeds) * protocol.folds
    entries = [_entry(name, by_model[name], failures, wanted, patients, weights, strata) for name in names]
    return Board(
        corpus=record.corpus,
        task=record.task,
        protocol=protocol,
        classes=record.classes,
        patients=tuple(patients),
        entries=tuple(sorted(entries, key=_rank)),
        no_durations=_no_durations(strata),
    )


def strata_of(store: Store, fits: Sequence[StoredFit]) -> Strata:
    """See `Strata`.

    Raises:
        InputError: the stored clips are not those that were tested.
    """
    table = store.clips()
    if table is None:
        return {}
    known = dict(zip(table["clip_id"], table["seconds"], strict=True))
    tested = sorted({clip for stored in fits for clip in stored.predictions["clip_id"]})
    lacking = [clip for clip in tested if clip not in known]
    if lacking:
        raise InputError(
            f"{store.folder / CLIPS} lacks {len(lacking)} of the {len(tested)} tested clips, such as {lacking[0]}; "
            "delete it and run the benchmark again, which fits nothing that is stored"
        )
    strata: Ints = duration_strata(np.array([known[clip] for clip in tested], dtype=np.float64))
    return dict(zip(tested, strata.tolist(), strict=True))


def leaderboard_csv(board: Board) -> str:
    """leaderboard.csv: the metrics with their intervals, then status and warning; empty where a model is incomplete."""
    rows = []
    for entry in board.entries:
        row: dict[str, object] = {"model": entry.model}
        for metric in METRICS:
            value = entry.estimate(metric) if entry.complete else None
            row[metric] = value.value if value else np.nan
            row[f"{metric}_low"] = value.low if value else np.nan
            row[f"{metric}_high"] = value.high if value else np.nan
        rows.append({**row, "status": entry.status, "warning": "; ".join(board.flags)})
    return pd.DataFrame(rows).to_csv(index=False, float_format=DIGITS, lineterminator="\n")


def costs(entry: Entry) -> dict[str, Any]:
    """What a fit of this model costs, the median over its stored fits; empty values if there are none.

    Not the mean: the first fit that needs a feature computes it for all.
    """
    records = [stored.record for stored in entry.stored]
    if not records:
        names = ("fit_seconds", "tune_seconds", "predict_ms_per_clip", "parameters", "peak_mb", "threads", "hardware")
        return dict.fromkeys(names, "")
    predicted = sum(record.predict_seconds for record in records) / sum(record.test_clips for record in records)
    return {
        "fit_seconds": f"{np.median([record.fit_seconds for record in records]):.3f}",
        "tune_seconds": f"{np.median([record.tune_seconds for record in records]):.3f}",
        "predict_ms_per_clip": f"{1000 * predicted:.4f}",
        "parameters": round(np.mean([record.n_parameters for record in records])),
        "peak_mb": f"{max(record.peak_mb for record in records):.0f}",
        "threads": " or ".join(str(n) for n in sorted({record.threads for record in records})),
        "hardware": "; ".join(sorted({record.hardware for record in records})),
    }


def costs_csv(board: Board) -> str:
    """costs.csv: median seconds a fit, milliseconds a clip, size; in the leaderboard's order."""
    rows = [{"model": entry.model, **costs(entry), "warning": "; ".join(board.flags)} for entry in board.entries]
    return pd.DataFrame(rows).to_csv(index=False, lineterminator="\n")


def cell(value: Estimate, digits: int = 3, signed: bool = False) -> str:
    """``0.623 [0.571, 0.672]``; ``n/a`` if the metric is undefined here."""
    if not np.isfinite(value.value):
        return UNDEFINED
    sign = "+" if signed else ""
    number, low, high = (f"{part:{sign}.{digits}f}" for part in (value.value, value.low, value.high))
    return f"{number} [{low}, {high}]"


def summary(board: Board) -> str:
    """The leaderboard for a terminal of 80 columns: score, AUROC and AUROC within patients with their intervals."""
    rows = []
    for entry in board.entries:
        shown = [cell(entry.estimate(m), 2) if entry.complete else UNDEFINED for m in SUMMARY]
        rows.append([entry.model, *shown, entry.status.partition(" (")[0]])
    table = tabulate(rows, headers=["model", *SUMMARY.values(), "status"], tablefmt="simple", disable_numparse=True)
    warnings = [board.corpus.description] if board.corpus.simulated else []
    warnings += [board.protocol.warning] if board.protocol.warning else []
    note = f"95 % intervals over {len(board.patients)} patients; sorted by score"
    return "\n".join([board.title + board.flagged, *warnings, "", table, "", note])


def _rank(entry: Entry) -> tuple[bool, float, str]:
    """Best score first, equal scores by name, incomplete models last."""
    return (not entry.complete, -entry.estimate("score").value if entry.complete else 0.0, entry.model)


def _entry(
    model: str,
    fits: list[StoredFit],
    failures: dict[FitKey, str],
    wanted: int,
    patients: list[str],
    weights: Floats,
    strata: Strata,
) -> Entry:
    own = {fit: reason for fit, reason in failures.items() if fit.model == model}
    if len(fits) < wanted:
        return Entry(model, tuple(fits), own, wanted)
    by_seed: dict[int, list[StoredFit]] = defaultdict(list)
    for stored in fits:
        by_seed[stored.key.seed].append(stored)
    seeds = {seed: _pool(parts, patients, strata) for seed, parts in by_seed.items()}
    return Entry(model, tuple(fits), own, wanted, seeds, distributions(list(seeds.values()), weights))


def _pool(parts: Sequence[StoredFit], patients: list[str], strata: Strata) -> Predictions:
    """One seed's predictions over all its folds."""
    table = pd.concat([part.predictions.assign(fold=part.key.fold) for part in parts], ignore_index=True)
    classes = parts[0].record.classes
    number = {patient: i for i, patient in enumerate(patients)}
    return Predictions(
        label=np.array([classes.index(name) for name in table["label"]], dtype=np.int64),
        probabilities=table[list(classes)].to_numpy(np.float64),
        patient=np.array([number[patient] for patient in table["patient"]], dtype=np.int64),
        fold=table["fold"].to_numpy(np.int64),
        classes=classes,
        stratum=np.array([strata[clip] for clip in table["clip_id"]], dtype=np.int64) if strata else None,
    )


def _refuse_mixtures(store: Store, fits: list[StoredFit]) -> None:
    """Numbers from different corpora, folds or code don't belong in one table."""
    first = fits[0]
    fingerprints: dict[str, str] = {}
    tested: dict[tuple[int, int], tuple[str, frozenset[str]]] = {}
    for stored in fits:
        fit, record = stored.key, stored.record
        for what in ("task", "protocol", "classes"):
            if getattr(record, what) != getattr(first.record, what):
                raise InputError(f"{store.folder} mixes {what} of {first.key} and {fit}; {_mend(store, fit.model)}")
        if record.corpus.fingerprint != first.record.corpus.fingerprint:
            raise InputError(
                f"{store.folder}: {first.key.model} and {fit.model} were run on different contents of the corpus; "
                "run all models again, or give each corpus a RESULTS folder of its own"
            )
        if fingerprints.setdefault(fit.model, record.fingerprint) != record.fingerprint:
            raise InputError(
                f"{store.folder}: the fits of {fit.model} come from different code or parameters; "
                + _mend(store, fit.model)
            )
        clips = frozenset(stored.predictions["clip_id"])
        other, theirs = tested.setdefault((fit.seed, fit.fold), (fit.model, clips))
        if theirs != clips:
            raise InputError(
                f"{store.folder}: {other} and {fit.model} were tested on different clips in {fit.stem}; "
                + _mend(store, fit.model)
            )


def _no_durations(strata: Strata) -> str:
    """Why a folder has no AUROC within durations."""
    if not strata:
        return (
            f"The durations of the clips are not stored here ({CLIPS} is missing), so there is no AUROC within "
            "durations; the same benchmark run again adds them without fitting anything."
        )
    if len(set(strata.values())) == 1:
        return "All tested clips are equally long, so there is no AUROC within durations."
    return ""


def _mend(store: Store, model: str) -> str:
    return f"delete {store.folder / 'runs' / model} and run it again with all its seeds"
