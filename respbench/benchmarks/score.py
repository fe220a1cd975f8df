"""Score predictions that were made elsewhere: a row of its own beside the models of a results folder."""

import re
from dataclasses import dataclass
from pathlib import Path

from respbench.benchmarks.execution.jobs import folds_of
from respbench.benchmarks.outside import OutsidePredictions, read_outside
from respbench.benchmarks.storage.lock import writing_to
from respbench.benchmarks.storage.records import FitKey, FitRecord
from respbench.benchmarks.storage.store import Store
from respbench.corpora.clips import Clips
from respbench.corpora.prepared.prepare import Prepared
from respbench.corpora.problems import InputError
from respbench.corpora.protocol import Protocol
from respbench.corpora.splits.folds import Fold
from respbench.models.ablations import ABLATIONS, models_of
from respbench.models.registry import REGISTRY
from respbench.models.spec import ModelKind

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""What a name may be made of: it is that of a folder, too."""

TUNED = "-tuned"


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is to be scored.

    Attributes:
        file: of the predictions.
        prepared: the corpus that they are for.
        task: one of `corpora.choices.TASKS`.
        protocol: whose folds they were made in.
        results: the results folder.
        name: of their row; empty = after the file.
        repeat: the seed of all rows, if the file doesn't state it; None = 0.
        replace: whether other predictions of this name are set aside.
    """

    file: Path
    prepared: Prepared
    task: str
    protocol: Protocol
    results: Path
    name: str = ""
    repeat: int | None = None
    replace: bool = False

    @property
    def folder(self) -> Path:
        """``<results>/<corpus>/<task>/<protocol>``."""
        return self.results / self.prepared.facts().name / self.task / self.protocol.name

    @property
    def model(self) -> str:
        """Name of the row."""
        return self.name or self.file.name.removesuffix(".gz").removesuffix(".csv")


def score(request: Request) -> Store:
    """Check predictions, and store them as fits of a model that is marked as from outside.

    Returns:
        The store, whose report then has the row.

    Raises:
        InputError: the file doesn't fit the corpus, the task or the protocol, or its name is taken.
    """
    _check_name(request.model)
    classes = tuple(folds_of(request.prepared, request.task, request.protocol, 0)[0].classes)
    table = read_outside(request.file, classes, request.repeat)
    repeats = {}
    for seed in sorted(set(table.seeds.tolist())):
        clips, folds = folds_of(request.prepared, request.task, request.protocol, seed)
        repeats[seed] = (clips, folds, table.of_repeat(seed, clips, folds))
    store = Store(request.folder)
    with writing_to(request.folder, request.prepared.folder.parent.parent):
        _check_corpus(request, store)
        store.refuse_links()
        _make_room(request, store, table.identity)
        store.write_clips(clips)
        for seed, (clips, folds, probabilities) in repeats.items():
            for number, fold in enumerate(folds):
                key = FitKey(request.model, seed, number)
                record = _record(request, table, key, clips, fold)
                store.write(key, clips.take(fold.test), probabilities[fold.test], record)
    return store


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise InputError(
            f"{name!r} can't be the name of a row; choose one with --name, of letters, digits, '-', '_' and '.'"
        )
    own = {spec.name.casefold() for spec in (*REGISTRY.values(), *models_of(ABLATIONS.values()))}
    if name.casefold().removesuffix(TUNED) in own:
        raise InputError(f"{name} is the name of a model of this suite; choose another one with --name")


def _check_corpus(request: Request, store: Store) -> None:
    stored = store.corpus_fingerprint()
    if stored and stored != request.prepared.facts().fingerprint:
        raise InputError(
            f"{store.folder} holds results of other contents of the corpus {request.prepared.facts().name}; choose "
            "another folder with --results, or give the corpus that it was run on"
        )


def _make_room(request: Request, store: Store, identity: str) -> None:
    """Set the predictions aside that the name stood for, if that is asked for."""
    stored = [key for key in store.fits() if key.model.casefold() == request.model.casefold()]
    records = {key: record for key in stored if (record := store.record(key))}
    folder = store.folder.absolute() / "runs"
    if any(record.kind != ModelKind.OUTSIDE for record in records.values()):
        raise InputError(f"{folder / stored[0].model} holds fits that this suite made; choose another name with --name")
    if any(key.model != request.model for key in stored):
        raise InputError(
            f"{folder / stored[0].model} differs from {request.model} by its case alone, which some disks "
            "ignore; choose another name with --name"
        )
    others = [key for key in stored if key not in records or records[key].fingerprint != identity]
    if others and not request.replace:
        raise InputError(
            f"{folder / request.model} holds other predictions of that name; add --replace to put these "
            "in their place, or choose another name with --name"
        )
    for key in others:
        store.set_aside(key)


def _record(request: Request, table: OutsidePredictions, key: FitKey, clips: Clips, fold: Fold) -> FitRecord:
    """Everything that is known about one fold of the predictions; what isn't is empty."""
    folds = "as its column states" if table.folds_stated else "assumed to be those of the protocol"
    return FitRecord(
        fingerprint=table.identity,
        model=key.model,
        kind=ModelKind.OUTSIDE.value,
        source=f"predictions made elsewhere, from the file {table.path.name}; folds {folds}",
        corpus=request.prepared.facts(),
        task=request.task,
        protocol=request.protocol.name,
        classes=table.classes,
        seed=key.seed,
        fold=key.fold,
        train_patients=(),
        valid_patients=(),
        test_patients=tuple(sorted(set(clips.patient[fold.test].tolist()))),
        unlabeled_patients=(),
        train_clips=0,
        valid_clips=0,
        test_clips=len(fold.test),
        unlabeled_clips=0,
        versions={},
        hardware="",
        threads=0,
        parameters={},
        curve=(),
        fit_seconds=0.0,
        tune_seconds=0.0,
        predict_seconds=0.0,
        n_parameters=0,
        peak_mb=0.0,
        folds_assumed=not table.folds_stated,
    )
