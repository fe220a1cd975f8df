"""Decode a corpus once into a folder that every process can memory-map, named after its content."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

import numpy as np
import pandas as pd
from filelock import FileLock

from corpora.clips import HIDDEN, Clips, Signal, StoredSignals
from corpora.code_identity import code_identity
from corpora.cycles import UNLABELED, Cycle, classes_of
from corpora.digests import digest, file_digest
from corpora.durable import is_whole, replacing
from corpora.facts import CorpusFacts
from corpora.problems import InputError, InputErrors
from corpora.readers.audio import read_audio

Progress = Callable[[str, int, int], None]  # what is done, how many are done, how many there are

REMEDY = "Correct these, or leave them out of the corpus with --leave-out-bad (LEAVE_OUT_BAD=1 for make)."

TEXT_COLUMNS = {"clip_id": str, "patient": str, "recording": str}


@dataclass(frozen=True)
class Prepared:
    """A prepared corpus on disk.

    Attributes:
        folder: holds ``signals.npy``, ``offsets.npy``, ``table.csv``, ``corpus.json`` and, when clips were left out on
            request, ``left_out.csv``; when the source has recordings that yield no clip, ``skipped.csv``.
    """

    folder: Path

    def facts(self) -> CorpusFacts:
        """Read ``corpus.json``."""
        return CorpusFacts.read(self.folder / "corpus.json")

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
            meta=table.drop(columns=["clip_id", "patient", "label"]),
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
    problems: Sequence[tuple[str, str]] = (),
    leave_out_bad: bool = False,
    progress: Progress = lambda what, done, of: None,
) -> Prepared:
    """Decode cycles from audio files, unless the same files were prepared before.

    Args:
        cycles: what to decode.
        name: of the corpus, for folders and titles.
        rate: Hz to resample to.
        cache: prepared corpora lie here, each in a folder named after the content of its audio and of this code.
        description: one sentence about the corpus, for reports.
        classes: the labels that clips can have; empty = to be inferred from those that they have.
        skipped: recordings of the source that yield no clip, each with the reason; listed in ``skipped.csv``.
        problems: what of the source could not be made a cycle, each with what is wrong.
        leave_out_bad: leave out files that can't be used, listing them, instead of refusing the corpus.
        progress: called for every hundredth clip.

    Raises:
        InputErrors: files that can't be used, all of them at once, unless ``leave_out_bad``.
    """
    if problems and not leave_out_bad:
        raise InputErrors([problem for _, problem in problems], REMEDY)
    paths = sorted({cycle.path for cycle in cycles})
    where = (repr(replace(cycle, path=Path(cycle.path.name))) for cycle in cycles)
    code = code_identity("corpora.prepare:prepare_files")
    content = digest(
        [*(_digest(path) for path in paths), *where, str(rate), str(leave_out_bad), code, *map(str, problems)]
    )
    left_out = list(problems)
    rows = _decode(cycles, rate, left_out, leave_out_bad, progress)
    facts = CorpusFacts(name=name, description=description, simulated=False, rate=rate, classes=classes)
    return prepare_rows(f"{name}-{rate}", content, rows, cache, facts, left_out=left_out, skipped=skipped)


def _decode(
    cycles: list[Cycle], rate: int, left_out: list[tuple[str, str]], leave_out_bad: bool, progress: Progress
) -> Iterator[tuple[Cycle, Signal]]:
    """Yield the cycles that can be used with their sounds, and append the others to ``left_out``, with the reason."""
    first: dict[str, Cycle] = {}
    for done, cycle in enumerate(cycles):
        if done % 100 == 0:
            progress("decoding", done, len(cycles))
        try:
            signal = read_audio(cycle.path, rate, cycle.begin, cycle.end)
            same = first.setdefault(digest([signal.tobytes()]), cycle)
            if same is not cycle:
                source = f"{same.path} ({same.clip_id})"
                raise InputError(f"{cycle.path} ({cycle.clip_id}) holds the same sound as {source}; remove one")
        except InputError as problem:
            left_out.append((cycle.clip_id, str(problem)))
        else:
            yield cycle, signal
    progress("decoding", len(cycles), len(cycles))
    if left_out and not leave_out_bad:
        raise InputErrors([problem for _, problem in left_out], REMEDY)


def prepare_clips(
    make: Callable[[], Clips], name: str, rate: int, parameters: str, code: str, cache: Path, description: str
) -> Prepared:
    """Store clips that are generated instead of read, unless the same were stored before.

    Args:
        make: generates the clips; called only when needed.
        name: of the corpus.
        rate: of the clips in Hz.
        parameters: everything that the clips depend on besides the code.
        code: target of what generates them, as for `corpora.code_identity.code_identity`.
        cache, description: as in `prepare_files`.
    """

    def generate() -> Iterator[tuple[Cycle, Signal]]:
        yield from rows_of(make())  # made only when the rows are gone through

    facts = CorpusFacts(name=name, description=description, simulated=True, rate=rate)
    content = digest([parameters, code_identity(code)])
    return prepare_rows(name, content, generate(), cache, facts)


def rows_of(clips: Clips) -> Iterator[tuple[Cycle, Signal]]:
    """Yield clips as rows for `prepare_rows`."""
    for i, (signal, meta) in enumerate(zip(clips, clips.meta.to_dict("records"), strict=True)):
        cycle = Cycle(
            path=Path(),
            clip_id=str(clips.clip_id[i]),
            patient=str(clips.patient[i]),
            label=UNLABELED if clips.label[i] == HIDDEN else clips.classes[clips.label[i]],
            meta={str(key): value for key, value in meta.items()},
        )
        yield cycle, signal


def prepare_rows(
    name: str,
    content: str,
    rows: Iterable[tuple[Cycle, Signal]],
    cache: Path,
    facts: CorpusFacts,
    *,
    left_out: Sequence[tuple[str, str]] = (),
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
        left_out: clips that can't be used, each with the reason; complete when ``rows`` is exhausted.
        cache, skipped: as in `prepare_files`.
    """
    corpora = cache / "corpora"
    folder = corpora / f"{name}-{digest([content, code_identity('corpora.prepare:prepare_rows')])}"
    with _explained(corpora), FileLock(corpora / f"{folder.name}.lock"):
        if not is_whole(folder):
            with replacing(folder) as unfinished:
                cycles = _write_signals(unfinished, rows)
                _write_table(unfinished, cycles)
                facts = replace(
                    facts,
                    classes=facts.classes or classes_of({cycle.label for cycle in cycles} - {UNLABELED}),
                    left_out=len(left_out),
                    skipped=len(skipped),
                    unlabeled_clips=sum(cycle.label == UNLABELED for cycle in cycles),
                )
                if left_out:
                    _write_list(unfinished / "left_out.csv", ["clip_id", "problem"], left_out)
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
    description = facts.description or stored.description
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
        raise InputError(
            f"{corpora} can't be written ({error.strerror or error}); free some space or check its permissions, "
            "then run the same command again"
        ) from error


def _write_signals(folder: Path, rows: Iterable[tuple[Cycle, Signal]]) -> list[Cycle]:
    """Append each signal to one flat file, so that a corpus larger than memory can be prepared."""
    cycles: list[Cycle] = []
    offsets = [0]
    with (folder / "signals.npy").open("wb") as file:
        _write_header(file, 0)
        for cycle, signal in rows:
            file.write(signal[0].tobytes())
            cycles.append(cycle)
            offsets.append(offsets[-1] + signal.shape[1])
        file.seek(0)
        _write_header(file, offsets[-1])
    if not cycles:
        raise InputError("no clip of the corpus can be used; correct the files, or choose another folder")
    np.save(folder / "offsets.npy", np.array(offsets, dtype=np.int64))
    return cycles


def _write_header(file: BinaryIO, samples: int) -> None:
    """Write the header of a .npy file, padded so that the number of samples can be filled in afterwards."""
    np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": (samples,)})


def _write_table(folder: Path, cycles: list[Cycle]) -> None:
    rows = [{"clip_id": c.clip_id, "patient": c.patient, "label": c.label, **c.meta} for c in cycles]
    pd.DataFrame(rows).to_csv(folder / "table.csv", index=False, quoting=csv.QUOTE_MINIMAL, lineterminator="\n")


def _fingerprint(folder: Path, facts: CorpusFacts) -> str:
    """Hash samples, table, rate and classes of a corpus: not its name, nor what else is stated about it."""
    files = [file_digest(folder / name) for name in ("signals.npy", "offsets.npy", "table.csv")]
    return digest([*files, str(facts.rate), *facts.classes])


def _write_skipped(folder: Path, skipped: Mapping[str, str]) -> None:
    path, unfinished = folder / "skipped.csv", folder / "skipped.tmp"
    if skipped:
        _write_list(unfinished, ["recording", "reason"], skipped.items())
        unfinished.replace(path)
    else:
        path.unlink(missing_ok=True)


def _write_list(path: Path, columns: list[str], rows: Iterable[tuple[str, str]]) -> None:
    pd.DataFrame(list(rows), columns=columns).to_csv(path, index=False, lineterminator="\n")


def _digest(path: Path) -> str:
    """Hash a file; one that can't be read is reported later, when all files are decoded."""
    try:
        return file_digest(path)
    except OSError as error:
        return repr(error)
