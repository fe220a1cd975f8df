"""Open the corpus that the options of a command name, and the results that come from it.

Imports nothing heavy until then.
"""

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from respbench.corpora.choices import CROSS_CORPUS, CROSS_CORPUS_ADAPTED, MULTI_CORPUS
from respbench.corpora.problems import InputError

if TYPE_CHECKING:
    from respbench.benchmarks.storage.store import Store
    from respbench.corpora.joined import Joined
    from respbench.corpora.prepared.prepare import Prepared
    from respbench.corpora.protocol import Protocol

OF_ANY_NAME = ("manifest", "series")
"""Choices that stand for any number of corpora, each called as its file."""


def open_prepared(
    options: argparse.Namespace,
    console: Console,
    corpus: str | None = None,
    data: Path | None = None,
    task: str | None = None,
) -> "Prepared":
    """Prepare the corpus of the options, or another one with the same options.

    Args:
        options: of a command that opens a corpus.
        console: shows how it goes.
        corpus: name of another one; None = that of the options.
        data: where the other one lies.
        task: decides what a clip is; None = that of the options.

    Raises:
        InputError: there is no such corpus, or it can't be used.
    """
    from respbench.benchmarks.execution.progress import Display, Output
    from respbench.corpora.catalog import open_corpus
    from respbench.corpora.simulated.simulation import Simulation
    from respbench.corpora.windows import Windows
    from respbench.corpora.wording import in_words_of

    simulation = Simulation(
        patients=options.patients,
        clips_per_patient=options.clips,
        difficulty=options.difficulty,
        seed=options.corpus_seed,
    )
    with Display(console) as display:
        prepared = open_corpus(
            corpus or options.corpus,
            data if corpus else options.data,
            task=task or options.task,
            rate=options.rate,
            windows=Windows(seconds=options.window, hop=options.hop),
            simulation=simulation,
            leave_out_bad=options.leave_out_bad,
            progress=display.step,
        )
    if isinstance(console, Output):
        console.words = partial(in_words_of, facts=prepared.facts())
    return prepared


def open_directions(options: argparse.Namespace, console: Console) -> "list[tuple[Joined, Protocol]]":
    """Prepare corpora for a protocol that joins them, each as what is tested, with the protocol for the others.

    Args:
        options: of `respbench run`.
        console: shows how it goes.

    Returns:
        Of two corpora both directions; of more the one that tests the corpus of the options. Where the other corpus is
        only added to the training, it need not be one that can be tested.

    Raises:
        InputError: the corpora are not different ones, can't be used, or can't be divided; in any direction, but for
            the second one of a protocol that also trains on the tested corpus, which is then left out.
    """
    from respbench.benchmarks.execution.jobs import folds_of
    from respbench.corpora.catalog import open_joined
    from respbench.corpora.protocols import adapted_from, trained_on, trained_with

    others = _others(options)
    parts = [open_prepared(options, console), *(open_prepared(options, console, *other) for other in others)]
    if len({part.facts().modality for part in parts}) == 1:  # else they are refused for that
        for part in parts:
            _require_task(part, options.task)
    protocol_of = {CROSS_CORPUS: trained_on, CROSS_CORPUS_ADAPTED: adapted_from, MULTI_CORPUS: trained_with}
    joined = open_joined(parts)[: None if len(others) == 1 else 1]
    tests = []
    for prepared in joined:
        protocol = protocol_of[options.protocol](prepared.trained_on.name)
        try:
            folds_of(prepared, options.task, protocol, 0)  # fails before anything is fitted
        except InputError as problem:
            if prepared is joined[0] or not protocol.also_trained_on:
                raise
            console.print(f"{problem}. {prepared.tested.name} is therefore trained on, and not tested.")
        else:
            tests.append((prepared, protocol))
    return tests


def _require_task(part: "Prepared", task: str) -> None:
    """Refuse a corpus whose labels don't make the task by its name, since of joined ones "the corpus" may be any."""
    from respbench.corpora.tasks import for_task

    try:
        for_task(part.clips(), task)
    except InputError as problem:
        raise InputError(f"{part.facts().name} can't be joined for the task {task}: {problem}") from None


def _others(options: argparse.Namespace) -> list[tuple[str, Path | None]]:
    """List the other corpora that the options name for a protocol that joins corpora, each with its place."""
    if options.unlabeled is not None:
        raise InputError(
            f"unlabeled recordings go with every protocol but {options.protocol}; leave out --unlabeled (UNLABELED for "
            "make), or choose another protocol"
        )
    if not options.other:
        raise InputError(
            f"the protocol {options.protocol} needs a second corpus; name it with --other, and where it lies with "
            "--other-data (OTHER and OTHER_DATA for make)"
        )
    names = [options.corpus, *options.other]
    twice = [name for name in options.other if names.count(name) > 1 and name not in OF_ANY_NAME]
    if twice and options.protocol == MULTI_CORPUS:
        raise InputError(
            f"{twice[0]} is named more than once, but {options.protocol} adds other corpora to the training; choose "
            "different ones for --corpus and --other (CORPUS and OTHER for make), or the protocol patients-5fold"
        )
    if twice:
        raise InputError(
            f"{twice[0]} can't be trained on and tested at once by {options.protocol}; choose two different "
            "corpora, or the protocol patients-5fold"
        )
    return list(zip(options.other, _places(options.other, options.other_data), strict=True))


def _places(names: list[str], given: list[Path]) -> list[Path | None]:
    """Where the data of corpora lie; None where they need none, or lie in their default place."""
    from respbench.corpora.catalog import NEEDED

    recorded = [name for name in names if name != "simulated"]
    if given and not recorded:
        raise InputError("OTHER=simulated takes no OTHER_DATA; leave it out")
    if len(given) not in (0, len(recorded)):
        raise InputError(
            f"--other-data is given {len(given)} times for {len(recorded)} corpora that have data; give it once for "
            "each --other but simulated, in the same order"
        )
    places: list[Path | None] = [*given] if given else [None] * len(recorded)
    found = [places.pop(0) if name in recorded else None for name in names]
    for name, place in zip(names, found, strict=True):
        if name in NEEDED and place is None:
            raise InputError(f"OTHER={name} needs OTHER_DATA={NEEDED[name]}")
    return found


def open_of_reports(options: argparse.Namespace, console: Console) -> "Prepared":
    """Prepare the corpus of the options for the tasks of the reports in their folder.

    Raises:
        InputError: there are no reports, some are about whole recordings and others not, or the corpus can't be used.
    """
    from respbench.corpora.choices import RECORDING_TASKS

    stores = stored_reports(options.folder)
    tasks = {record.task for store in stores if (record := next(map(store.record, store.fits()), None))}
    if len({task in RECORDING_TASKS for task in tasks}) > 1:
        raise InputError(
            f"{options.folder} holds reports on whole recordings and on parts of them; name the folder of one task"
        )
    return open_prepared(options, console, task=min(tasks, default="abnormal"))


def stored_reports(folder: Path) -> "list[Store]":
    """Find the results folders at or below a folder that hold stored fits, sorted.

    Raises:
        InputError: there are none.
    """
    from respbench.benchmarks.storage.store import Store

    folders = sorted({path.parents[2] for path in folder.resolve().rglob("runs/*/seed*-fold*.json")})
    if not folders:
        raise InputError(f"{folder} holds no stored runs; run `respbench run` first, or name another folder")
    return [Store(found) for found in folders]


def require_same_corpus(store: "Store", prepared: "Prepared") -> None:
    """Check that the fits of a results folder come from this corpus, or across corpora, that they were tested on it.

    Raises:
        InputError: they don't.
    """
    record = next((record for key in store.fits() if (record := store.record(key))), None)
    stored = record.corpus.tested or record.corpus if record else None
    facts = prepared.facts()
    if stored is None or facts.fingerprint not in {stored.fingerprint, record.corpus.fingerprint if record else ""}:
        name = f"{stored.name}, fingerprint {stored.fingerprint}" if stored else "a corpus that no record names"
        raise InputError(
            f"the fits in {store.folder} come from other sounds ({name}) than those given ({facts.name}, fingerprint "
            f"{facts.fingerprint}); give the corpus that they were run on with --corpus, --data and --rate"
        )
