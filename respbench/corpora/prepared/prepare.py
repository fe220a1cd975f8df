"""Decode a corpus once into a folder that every process can memory-map, named after its content."""

import csv
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd
from filelock import FileLock

from respbench.corpora.clips import HIDDEN, Clips, Signal, StoredSignals
from respbench.corpora.code_identity.identity import code_identity, target_of
from respbench.corpora.cycles import UNLABELED, Cycle, Source, classes_of
from respbench.corpora.digests import digest, file_digest
from respbench.corpora.facts import RECORDED, CorpusFacts
from respbench.corpora.measurement import SOUNDS, Measurement
from respbench.corpora.overlaps import count_overlapping, stated_overlaps, with_overlaps
from respbench.corpora.patients import problems_of, shared_sounds
from respbench.corpora.prepared.decoding import REMEDY, Progress, decode
from respbench.corpora.prepared.durable import is_whole, replacing
from respbench.corpora.prepared.left_out import read_left_out, write_left_out
from respbench.corpora.prepared.rows import rows_of
from respbench.corpora.prepared.signal_files import write_kept_signals
from respbench.corpora.problems import InputError, InputErrors, Problem
from respbench.corpora.windows import WHOLE, Windows

OVERLAP = "overlap group"
"""Column of the stored table, only where clips overlap; no metadata."""

TEXT_COLUMNS = {"clip_id": str, "patient": str, "recording": str, OVERLAP: str}


@dataclass(frozen=True)
class Prepared:
    """A prepared corpus on disk.

    Attributes:
        folder: holds ``signals.npy``, ``offsets.npy``, ``table.csv`` and ``corpus.json``; ``left_out.csv`` if clips
            were left out on request, and ``skipped.csv`` if the source has recordings that yield no clip.
    """

    folder: Path

    def facts(self) -> CorpusFacts:
        """Read ``corpus.json``."""
        return CorpusFacts.read(self.folder / "corpus.json")

    def left_out(self) -> list[Problem]:
        """Read what was left out as unusable."""
        return read_left_out(self.folder)

    def clips(self) -> Clips:
        """Return the whole corpus; signals stay on disk until they are used."""
        facts = CorpusFacts.read(self.folder / "corpus.json")
        table = pd.read_csv(self.folder / "table.csv", dtype=TEXT_COLUMNS, keep_default_na=False, na_values=[""])
        labels = {name: i for i, name in enumerate(facts.classes)}
        return Clips(
            signals=StoredSignals(self.folder, np.arange(len(table))),
            rate=facts.rate,
            label=table["label"].map(labels).fillna(HIDDEN).to_numpy().astype(np.int64),
            patient=table["patient"].to_numpy(np.str_),
            clip_id=table["clip_id"].to_numpy(np.str_),
            classes=facts.classes,
            meta=table.drop(columns=["clip_id", "patient", "label", OVERLAP], errors="ignore"),
            overlap=table[OVERLAP].fillna("").to_numpy(np.str_) if OVERLAP in table else np.empty(0, dtype=np.str_),
            modality=facts.modality,
        )


def prepare_files(
    cycles: list[Cycle],
    name: str,
    rate: int,
    cache: Path,
    *,
    description: str,
    classes: tuple[str, ...] = (),
    skipped: Mapping[str, str] = MappingProxyType({}),
    problems: Sequence[Problem] = (),
    leave_out_bad: bool = False,
    measurement: Measurement = SOUNDS,
    windows: Windows = WHOLE,
    progress: Progress = lambda what, done, of: None,
) -> Prepared:
    """Decode cycles from files, unless the same files were prepared before.

    Args:
        cycles: what to decode.
        name: of the corpus, for folders and titles.
        rate: Hz to resample to.
        cache: prepared corpora lie here, each in a folder named after the content of its files and of this code.
        description: one sentence about the corpus, for reports.
        classes: the labels that clips can have; empty = to be inferred from those that they have.
        skipped: recordings of the source that yield no clip, each with the reason; listed in ``skipped.csv``.
        problems: what of the source could not be made a cycle.
        leave_out_bad: leave out files that can't be used, listing them, instead of refusing the corpus.
        measurement: what the files hold, and how they are read.
        windows: what each cycle is cut into.
        progress: called for every hundredth clip.

    Raises:
        InputErrors: files that can't be used, all of them at once, unless ``leave_out_bad``.
    """
    digests = {path: _digest(path) for path in sorted({cycle.path for cycle in cycles})}
    shared = shared_sounds(cycles, digests)
    problems = [*problems, *problems_of(cycles, shared)]
    if problems and not leave_out_bad:
        raise InputErrors([problem.text for problem in problems], REMEDY)
    cycles = with_overlaps([cycle for cycle in cycles if cycle.clip_id not in shared], digests)
    where = (repr(replace(cycle, path=Path(cycle.path.name))) for cycle in cycles)
    code = code_identity("respbench.corpora.prepared.prepare:prepare_files", target_of(measurement.read))
    stated = {name: getattr(measurement, name) for name in RECORDED}
    choices = (str(rate), str(leave_out_bad), repr(windows), repr(stated))
    content = digest([*digests.values(), *where, *choices, code, *map(str, problems)])
    left_out, withdrawn = list(problems), set[Source]()
    rows = windows.cut(decode(cycles, rate, measurement, left_out, withdrawn, leave_out_bad, progress), rate)
    facts = CorpusFacts(name=name, description=description, simulated=False, rate=rate, classes=classes, **stated)
    return prepare_rows(
        f"{name}-{rate}", content, rows, cache, facts, left_out=left_out, withdrawn=withdrawn, skipped=skipped
    )


def prepare_clips(
    make: Callable[[], Clips], name: str, rate: int, parameters: str, code: str, cache: Path, description: str
) -> Prepared:
    """Store clips that are generated instead of read, unless the same were stored before.

    Args:
        make: generates the clips; called only when needed.
        name: of the corpus.
        rate: of the clips in Hz.
        parameters: everything that the clips depend on besides the code.
        code: target of what generates them, as for `corpora.code_identity.identity.code_identity`.
        cache, description: as in `prepare_files`.
    """

    def generate() -> Iterator[tuple[Cycle, Signal]]:
        yield from rows_of(make())  # made only when the rows are gone through

    facts = CorpusFacts(name=name, description=description, simulated=True, rate=rate)
    content = digest([parameters, code_identity(code)])
    return prepare_rows(name, content, generate(), cache, facts)


def prepare_rows(
    name: str,
    content: str,
    rows: Iterable[tuple[Cycle, Signal]],
    cache: Path,
    facts: CorpusFacts,
    *,
    left_out: Sequence[Problem] = (),
    withdrawn: Collection[Source] = (),
    skipped: Mapping[str, str] = MappingProxyType({}),
) -> Prepared:
    """Write the prepared folder under a temporary name and rename it when it is whole and on the disk.

    The folder is named after what its clips depend on; what is stated about them is updated where it exists already. A
    folder that a power loss cut short is replaced.

    Args:
        name: what the folder's name begins with.
        content: a digest of all that the rows depend on besides this code.
        rows: the clips; gone through only if they are not stored yet.
        facts: of the corpus; counts, fingerprint and, unless stated, classes are added. A description that is empty
            leaves the stored one.
        left_out: what can't be used; complete when ``rows`` is exhausted.
        withdrawn: sources of clips among the rows that can't be used after all; complete when ``rows`` is exhausted.
        cache, skipped: as in `prepare_files`.
    """
    corpora = cache / "corpora"
    folder = corpora / f"{name}-{digest([content, code_identity('respbench.corpora.prepared.prepare:prepare_rows')])}"
    with _explained(corpora), FileLock(corpora / f"{folder.name}.lock"):
        if not is_whole(folder):
            with replacing(folder) as unfinished:
                cycles = write_kept_signals(unfinished, rows, withdrawn)
                kept = {cycle.patient for cycle in cycles}
                affected = {problem.patient for problem in left_out} - {""}
                _write_table(unfinished, cycles)
                facts = replace(
                    facts,
                    classes=facts.classes or classes_of({cycle.label for cycle in cycles} - {UNLABELED}),
                    left_out=len(left_out),
                    left_out_patients=len(affected),
                    lost_patients=len(affected - kept),
                    overlapping=(overlapping := count_overlapping(cycles)),
                    description=facts.description and facts.description + stated_overlaps(overlapping),
                    skipped=len(skipped),
                    unlabeled_clips=sum(cycle.label == UNLABELED for cycle in cycles),
                )
                write_left_out(unfinished, left_out)
                _write_skipped(unfinished, skipped)
                replace(facts, fingerprint=_fingerprint(unfinished, facts)).write(unfinished / "corpus.json")
        else:
            _update(folder, facts, skipped)
    return Prepared(folder)


def describe(prepared: Prepared, description: str) -> None:
    """Store one sentence about a prepared corpus, for reports."""
    folder = prepared.folder
    with _explained(folder.parent), FileLock(folder.parent / f"{folder.name}.lock"):
        replace(prepared.facts(), description=description).write(folder / "corpus.json")


def _update(folder: Path, facts: CorpusFacts, skipped: Mapping[str, str]) -> None:
    """Update what is stated about a prepared corpus; its clips don't change."""
    stored = CorpusFacts.read(folder / "corpus.json")
    stated = facts.description and facts.description + stated_overlaps(stored.overlapping)
    description = stated or stored.description
    updated = replace(stored, description=description, simulated=facts.simulated, skipped=len(skipped))
    if updated != stored:
        updated.write(folder / "corpus.json")
    _write_skipped(folder, skipped)


@contextmanager
def _explained(corpora: Path) -> Iterator[None]:
    """Create the folder, and turn failures to write into errors with a remedy."""
    try:
        corpora.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        place = Path(error.filename) if isinstance(error.filename, str) else corpora
        # A lock or folder that can't be made, or a file within; anything else is a recording.
        written = place.is_relative_to(corpora) or corpora.is_relative_to(place)
        what = f"{corpora} can't be written" if written else f"{place} can't be read"
        raise InputError(
            f"{what} ({error.strerror or error}); free some space or check its permissions, then run the same command "
            "again"
        ) from error


def _write_table(folder: Path, cycles: list[Cycle]) -> None:
    rows = [{"clip_id": c.clip_id, "patient": c.patient, "label": c.label, **c.meta} for c in cycles]
    table = pd.DataFrame(rows)
    if any(cycle.overlap for cycle in cycles):
        table[OVERLAP] = [cycle.overlap for cycle in cycles]
    table.to_csv(folder / "table.csv", index=False, quoting=csv.QUOTE_MINIMAL, lineterminator="\n")


def _fingerprint(folder: Path, facts: CorpusFacts) -> str:
    """Hash samples, table, rate and classes of a corpus: not its name, nor what else is stated about it."""
    files = [file_digest(folder / name) for name in ("signals.npy", "offsets.npy", "table.csv")]
    return digest([*files, str(facts.rate), *facts.classes])


def _write_skipped(folder: Path, skipped: Mapping[str, str]) -> None:
    path, unfinished = folder / "skipped.csv", folder / "skipped.tmp"
    if skipped:
        table = pd.DataFrame(skipped.items(), columns=["recording", "reason"])
        table.to_csv(unfinished, index=False, lineterminator="\n")
        unfinished.replace(path)
    else:
        path.unlink(missing_ok=True)


def _digest(path: Path) -> str:
    """Hash a file; one that can't be read is reported later, when all files are decoded."""
    try:
        return file_digest(path) if path.is_file() else f"{path} is no file"  # a pipe or a device may have no end
    except OSError as error:
        return f"{path}: {error!r}"
