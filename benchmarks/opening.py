"""Open the corpus that the options of a command name, and the results that come from it.

Imports nothing heavy until then.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from corpora.problems import InputError

if TYPE_CHECKING:
    from benchmarks.storage.store import Store
    from corpora.prepare import Prepared


def open_prepared(
    options: argparse.Namespace, console: Console, corpus: str | None = None, data: Path | None = None
) -> "Prepared":
    """Prepare the corpus of the options, or another one with the same options.

    Args:
        options: of a command that opens a corpus.
        console: shows how it goes.
        corpus: name of another one; None = that of the options.
        data: where the other one lies.

    Raises:
        InputError: there is no such corpus, or it can't be used.
    """
    from benchmarks.execution.progress import Display
    from corpora.catalog import open_corpus
    from corpora.simulated.simulation import Simulation

    simulation = Simulation(
        patients=options.patients,
        clips_per_patient=options.clips,
        difficulty=options.difficulty,
        seed=options.corpus_seed,
    )
    with Display(console) as display:
        return open_corpus(
            corpus or options.corpus,
            data if corpus else options.data,
            rate=options.rate,
            simulation=simulation,
            leave_out_bad=options.leave_out_bad,
            progress=display.step,
        )


def stored_reports(folder: Path) -> "list[Store]":
    """Find the results folders at or below a folder that hold stored fits, sorted.

    Raises:
        InputError: there are none.
    """
    from benchmarks.storage.store import Store

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
