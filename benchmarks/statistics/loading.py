"""Load a results folder: evaluate every model in it from the stored predictions and nothing else."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from benchmarks.statistics.bootstrap import draws, mean_distributions, seed_distributions
from benchmarks.statistics.metrics import METRICS, Ints, Predictions, duration_strata
from benchmarks.statistics.results import ModelResults, Results
from benchmarks.storage.store import CLIPS, Store, StoredFit
from corpora.problems import InputError
from corpora.protocols import find_stored

Strata = Mapping[str, int]
"""Decile of duration of each tested clip, by clip_id; empty if no durations are stored."""


def load_results(store: Store) -> Results:
    """Read a results folder and evaluate every model in it.

    A model is complete when it has every fold of the protocol for every seed that any model of the folder has. A fit
    that is stored but failed when it was repeated counts as failed.

    Args:
        store: the results folder.

    Raises:
        InputError: nothing is stored, a file was edited, or fits are mixed that can't be compared.
    """
    failures = store.failures()
    fits = [store.read(key) for key in store.fits() if key not in failures]
    if not fits:
        first = f"; the first failure: {next(iter(failures.values()))}" if failures else ""
        raise InputError(f"{store.folder} has no finished fit{first}; run the benchmark (again), then the report")
    _refuse_mixtures(store, fits)
    record = fits[0].record
    protocol = find_stored(record.protocol)
    seeds = {fit.key.seed for fit in fits} | {key.seed for key in failures}
    patients = sorted({patient for fit in fits for patient in fit.predictions["patient"].unique()})
    strata = duration_deciles(store, fits)
    weights = draws(len(patients))
    by_model: dict[str, list[StoredFit]] = {key.model: [] for key in sorted(failures)}
    for fit in fits:
        by_model.setdefault(fit.key.model, []).append(fit)
    models = []
    for name, own in by_model.items():
        model = ModelResults(
            name=name,
            fits=tuple(own),
            failures={key: reason for key, reason in failures.items() if key.model == name},
            expected=len(seeds) * protocol.folds,
        )
        if model.complete:
            predictions = pool_seeds(own, patients, strata)
            seeds_apart = seed_distributions(list(predictions.values()), weights)
            model = replace(
                model,
                predictions=predictions,
                seed_values=tuple({metric: float(found[metric][0]) for metric in METRICS} for found in seeds_apart),
                distributions=mean_distributions(seeds_apart),
            )
        models.append(model)
    return Results(
        corpus=record.corpus,
        task=record.task,
        protocol=protocol,
        classes=record.classes,
        patients=tuple(patients),
        models=tuple(sorted(models, key=_rank)),
        has_clips=bool(strata),
        has_durations=len(set(strata.values())) > 1,
    )


def duration_deciles(store: Store, fits: Sequence[StoredFit]) -> Strata:
    """Compute the decile of duration of each tested clip.

    Raises:
        InputError: the stored clips are not those that were tested.
    """
    table = store.clips()
    if table is None:
        return {}
    seconds = dict(zip(table["clip_id"], table["seconds"], strict=True))
    tested = sorted({clip for fit in fits for clip in fit.predictions["clip_id"]})
    lacking = [clip for clip in tested if clip not in seconds]
    if lacking:
        raise InputError(
            f"{store.folder / CLIPS} lacks {len(lacking)} of the {len(tested)} tested clips, such as {lacking[0]}; "
            "delete it and run the benchmark again, which fits nothing that is stored"
        )
    strata: Ints = duration_strata(np.array([seconds[clip] for clip in tested], dtype=np.float64))
    return dict(zip(tested, strata.tolist(), strict=True))


def pool_seeds(fits: Sequence[StoredFit], patients: Sequence[str], strata: Strata) -> dict[int, Predictions]:
    """Pool the predictions of a model over the folds of each seed."""
    by_seed: dict[int, list[StoredFit]] = defaultdict(list)
    for fit in fits:
        by_seed[fit.key.seed].append(fit)
    number = {patient: i for i, patient in enumerate(patients)}
    return {seed: _pool(parts, number, strata) for seed, parts in by_seed.items()}


def _pool(parts: Sequence[StoredFit], number: Mapping[str, int], strata: Strata) -> Predictions:
    """One seed's predictions over all its folds; ``number`` is the index of each patient."""
    table = pd.concat([part.predictions.assign(fold=part.key.fold) for part in parts], ignore_index=True)
    classes = parts[0].record.classes
    label = {name: i for i, name in enumerate(classes)}
    return Predictions(
        label=_mapped(table["label"], label),
        probabilities=table[list(classes)].to_numpy(np.float64),
        patient=_mapped(table["patient"], number),
        fold=table["fold"].to_numpy(np.int64),
        classes=classes,
        stratum=_mapped(table["clip_id"], strata) if strata else None,
    )


def _mapped(names: "pd.Series[str]", index: Mapping[str, int]) -> Ints:
    return np.array(names.map(dict(index)), dtype=np.int64)


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
