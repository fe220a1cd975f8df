"""Load a results folder: evaluate every model in it from the stored predictions and nothing else."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from respbench.benchmarks.statistics.groups import groups_of
from respbench.benchmarks.statistics.intervals import leave_one_out
from respbench.benchmarks.statistics.metrics import Floats, Ints, Predictions, evaluate
from respbench.benchmarks.statistics.results import ModelResults, Results
from respbench.benchmarks.storage.records import FitKey
from respbench.benchmarks.storage.store import CLIPS, Store, StoredFit
from respbench.corpora.problems import InputError
from respbench.corpora.protocol import Protocol
from respbench.corpora.protocols import find_stored

Measure = Callable[[Predictions, Floats], dict[str, Floats]]
"""Computes metrics by name from the predictions of a repeat and weights (rows, patients), as `evaluate` does."""


@dataclass(frozen=True, kw_only=True)
class Numbering:
    """How patients and clips are numbered in the predictions of all models of a folder.

    Attributes:
        patients: number of everyone who was tested, by name, sorted.
        clips: row of each tested clip in their table, by clip_id; None = no table is stored.
        groups: of each of these clips, see `groups_of`.
    """

    patients: Mapping[str, int]
    clips: Mapping[str, int] | None
    groups: Mapping[str, Ints]


def load_results(store: Store, measure: Measure = evaluate, seeds: Collection[int] | None = None) -> Results:
    """Read a results folder and evaluate every model in it.

    A model is complete when it has every fold of the protocol for each of its repeats, of which models may differ in
    number. A fit that is stored but failed when it was repeated counts as failed.

    Args:
        store: the results folder.
        measure: computes the metrics; one that computes few of them saves time.
        seeds: of the repeats to load; None = all.

    Raises:
        InputError: nothing is stored, a file was edited, or fits are mixed that can't be compared.
    """
    failures = {key: reason for key, reason in store.failures().items() if seeds is None or key.seed in seeds}
    stored = (key for key in store.fits() if seeds is None or key.seed in seeds)
    fits = [store.read(key) for key in stored if key not in failures]
    if not fits:
        first = f"; the first failure: {next(iter(failures.values()))}" if failures else ""
        raise InputError(f"{store.folder} has no finished fit{first}; run the benchmark (again), then the report")
    _refuse_mixtures(store, fits)
    record = fits[0].record
    protocol = find_stored(record.protocol)
    clips = tested_clips(store, fits)
    numbering = Numbering(
        patients=_numbered(sorted({patient for fit in fits for patient in fit.predictions["patient"].unique()})),
        clips=None if clips is None else _numbered(clips["clip_id"]),
        groups={} if clips is None else groups_of(clips),
    )
    by_model: dict[str, list[StoredFit]] = {key.model: [] for key in sorted(failures)}
    for fit in fits:
        by_model.setdefault(fit.key.model, []).append(fit)
    folds = _folds(store, protocol, {key.fold for key in (*failures, *(fit.key for fit in fits))})
    models = [_model(name, own, failures, protocol, folds, numbering, measure) for name, own in by_model.items()]
    return Results(
        corpus=store.corpus(record.corpus),
        task=record.task,
        protocol=protocol,
        classes=record.classes,
        patients=tuple(numbering.patients),
        models=tuple(sorted(models, key=_rank)),
        clips=clips,
    )


def tested_clips(store: Store, fits: Sequence[StoredFit]) -> pd.DataFrame | None:
    """Read the table of the tested clips, sorted by clip_id; None if it is not stored.

    Raises:
        InputError: the stored clips are not those that were tested.
    """
    table = store.clips()
    if table is None:
        return None
    tested = sorted({clip for fit in fits for clip in fit.predictions["clip_id"]})
    lacking = sorted(set(tested) - set(table["clip_id"]))
    if lacking:
        raise InputError(
            f"{store.folder / CLIPS} lacks {len(lacking)} of the {len(tested)} tested clips, such as {lacking[0]}; "
            "delete it and run the benchmark again, which fits nothing that is stored"
        )
    return table.set_index("clip_id").loc[tested].reset_index()


def _folds(store: Store, protocol: Protocol, seen: set[int]) -> int:
    """Number of folds of each repeat; ``seen`` are those that were run, which count where no clips are stored."""
    if protocol.folds is not None:
        return protocol.folds
    table = store.clips()
    return 1 + max(seen) if table is None else protocol.count_folds(table[protocol.divided_by])


def _model(
    name: str,
    fits: Sequence[StoredFit],
    failures: Mapping[FitKey, str],
    protocol: Protocol,
    folds: int,
    numbering: Numbering,
    measure: Measure,
) -> ModelResults:
    """One model; evaluated if it is complete."""
    own = {key: reason for key, reason in failures.items() if key.model == name}
    model = ModelResults(name, tuple(fits), own, expected=0, draws=protocol.few_labels)
    model = replace(model, expected=model.repeats * folds)
    if not model.complete:
        return model
    predictions = {seed: _pool([fit for fit in fits if fit.key.seed == seed], numbering) for seed in model.seeds}
    return replace(
        model, predictions=predictions, values=_values(list(predictions.values()), len(numbering.patients), measure)
    )


def _values(repeats: Sequence[Predictions], patients: int, measure: Measure) -> dict[str, Floats]:
    """Each metric, (repeats, 1 + patients)."""
    weights = leave_one_out(patients)
    found = [measure(predictions, weights) for predictions in repeats]
    return {metric: np.array([one[metric] for one in found]) for metric in found[0]}


def _pool(parts: Sequence[StoredFit], numbering: Numbering) -> Predictions:
    """One seed's predictions over all its folds."""
    tables = [part.predictions for part in parts]

    def column(name: str) -> NDArray[Any]:
        return np.concatenate([table[name].to_numpy() for table in tables])

    classes = parts[0].record.classes
    clip = None if numbering.clips is None else _mapped(column("clip_id"), numbering.clips)
    return Predictions(
        label=_mapped(column("label"), _numbered(classes)),
        probabilities=np.array([column(name) for name in classes], dtype=np.float64).T,
        patient=_mapped(column("patient"), numbering.patients),
        fold=np.repeat([part.key.fold for part in parts], [len(table) for table in tables]),
        classes=classes,
        clip=clip,
        groups={} if clip is None else {name: group[clip] for name, group in numbering.groups.items()},
    )


def _numbered(names: Iterable[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(names)}


def _mapped(names: NDArray[Any], numbers: Mapping[str, int]) -> Ints:
    return np.fromiter(map(numbers.__getitem__, names.tolist()), dtype=np.int64, count=len(names))


def _rank(model: ModelResults) -> tuple[bool, float, str]:
    """Best score first, equal scores by name, incomplete models last."""
    return (not model.complete, -model.value("score") if model.complete else 0.0, model.name)


def _refuse_mixtures(store: Store, fits: Sequence[StoredFit]) -> None:
    """Refuse fits of different corpora, folds or code in one table."""
    first = fits[0]
    fingerprints: dict[str, str] = {}
    tested: dict[tuple[int, int], tuple[str, frozenset[str]]] = {}
    for fit in fits:
        key, record = fit.key, fit.record
        advice = f"delete {store.folder / 'runs' / key.model} and run it again with all its seeds"
        for what in ("task", "protocol", "classes"):
            if getattr(record, what) != getattr(first.record, what):
                raise InputError(f"{store.folder} mixes {what} of {first.key} and {key}; {advice}")
        if record.corpus.fingerprint != first.record.corpus.fingerprint:
            raise InputError(
                f"{store.folder}: {first.key.model} and {key.model} were run on different contents of the corpus; "
                "run all models again, or give each corpus a RESULTS folder of its own"
            )
        if fingerprints.setdefault(key.model, record.fingerprint) != record.fingerprint:
            raise InputError(
                f"{store.folder}: the fits of {key.model} come from different code or parameters; {advice}"
            )
        clips = frozenset(fit.predictions["clip_id"])
        other, theirs = tested.setdefault((key.seed, key.fold), (key.model, clips))
        if theirs != clips:
            raise InputError(
                f"{store.folder}: {other} and {key.model} were tested on different clips in {key.stem}; {advice}"
            )
