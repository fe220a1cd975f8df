"""The user's own recordings without annotation, cut into unlabeled clips for semi-supervised models."""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile

from respbench.corpora.clips import HIDDEN, Clips, Signal
from respbench.corpora.code_identity.identity import code_identity
from respbench.corpora.cycles import UNLABELED, Cycle
from respbench.corpora.digests import digest
from respbench.corpora.facts import CorpusFacts
from respbench.corpora.patients import reduced
from respbench.corpora.prepared.prepare import Prepared, describe, prepare_rows
from respbench.corpora.prepared.rows import rows_of
from respbench.corpora.problems import InputError, InputErrors, Problem
from respbench.corpora.readers.audio import read_audio
from respbench.corpora.readers.containers import openable
from respbench.corpora.readers.files import counted, files_below, kind_of

CLIP = 3.0
"""s that a clip lasts: about the mean of ICBHI 2017's breathing cycles (2.7 s; Rocha et al. 2019)."""

SHORTEST_REST = CLIP / 2
"""s. The rest of a recording that is shorter yields no clip: it holds too little of a breath."""

ENDINGS = frozenset(
    {".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".au", ".snd", ".caf", ".w64"}
)
"""Of the files that libsndfile reads."""

PREFIX = "unlabeled:"

LONGEST_KNOWN = 1e9
"""s. A longer duration in the header means that the file was streamed and its length is unknown."""


@dataclass(frozen=True, kw_only=True)
class Recordings:
    """Unannotated recordings below a folder, cut but not yet decoded.

    Attributes:
        name: of the folder.
        cycles: the clips; each file is a patient of its own, as long as nothing else is known of it.
        skipped: files that yield no clip, each with the reason.
        rests: s of all rests that were left out.
    """

    name: str
    cycles: list[Cycle]
    skipped: dict[str, str]
    rests: float


def read_unlabeled(folder: Path) -> Recordings:
    """Cut all sounds below a folder into clips of `CLIP` s; the last one of a file may be shorter.

    Raises:
        InputError: the folder is missing, can't be read, or holds no sound to make a clip of.
    """
    if not folder.is_dir():
        raise InputError(f"{folder.absolute()} is not a folder; set UNLABELED to a folder that holds recordings")
    cycles: list[Cycle] = []
    skipped: dict[str, str] = {}
    rests = 0.0
    for path in files_below(folder):
        name = path.relative_to(folder).as_posix()
        if path.suffix.lower() not in ENDINGS:
            skipped[name] = f"{kind_of(path)} that can't be read as sound"
            continue
        spans, rest = _spans(path)
        if not spans:
            skipped[name] = f"{kind_of(path)} shorter than {SHORTEST_REST:g} s"
            continue
        rests += rest
        for begin, end in spans:
            clip = f"{PREFIX}{name}@{begin:g}-{'end' if end is None else f'{end:g}'}"
            cycles.append(
                Cycle(
                    path=path,
                    clip_id=clip,
                    patient=PREFIX + name,
                    label=UNLABELED,
                    begin=begin,
                    end=end,
                    meta={"recording": name},
                )
            )
    if not cycles:
        instead = f", but {counted(skipped.values())}" if skipped else ""
        raise InputError(
            f"{folder} holds no sound of at least {SHORTEST_REST:g} s (wav, flac, ogg, mp3, aiff, …){instead}; set "
            "UNLABELED to another folder"
        )
    return Recordings(name=folder.resolve().name or "unlabeled", cycles=cycles, skipped=skipped, rests=rests)


def _spans(path: Path) -> tuple[list[tuple[float, float | None]], float]:
    """Return begin and end of each clip of a file (s; None = the file's end), and the remaining seconds.

    Of an unusable file: one span of all of it, so that decoding reports the problem once.
    """
    try:
        seconds: float = soundfile.info(openable(path)).duration
    except (InputError, OSError, soundfile.SoundFileError):
        return [(0.0, None)], 0.0
    if not 0 < seconds < LONGEST_KNOWN:
        return [(0.0, None)], 0.0
    whole, rest = divmod(seconds, CLIP)
    spans: list[tuple[float, float | None]] = [(i * CLIP, (i + 1) * CLIP) for i in range(int(whole))]
    if rest >= SHORTEST_REST:
        return [*spans, (int(whole) * CLIP, None)], 0.0
    return spans, rest


def add_unlabeled(
    corpus: Prepared, recordings: Recordings, own: Prepared, cache: Path, leave_out_bad: bool
) -> Prepared:
    """Add unlabeled clips to a corpus, unless that was done before.

    The metadata keep the corpus' columns, of which ``recording`` alone is known of the unlabeled clips. A file or a
    folder that is called after a patient of the corpus, as in ICBHI's ``101_…``, is taken to be of that patient.

    Args:
        corpus: with labels.
        recordings: the user's.
        own: the same, prepared at the same rate.
        cache: as in `corpora.prepared.prepare.prepare_files`.
        leave_out_bad: leave out files that hold a sound of the corpus, listing them, instead of refusing them.

    Raises:
        InputError: files hold a sound of the corpus, or nothing is left.
    """
    known = corpus.facts()
    name = f"{known.name}+{recordings.name}"
    parts = [part.facts().fingerprint for part in (corpus, own)]
    left_out = [*corpus.left_out(), *own.left_out()]
    code = code_identity("respbench.corpora.unlabeled:add_unlabeled")
    content = digest([*parts, str(leave_out_bad), code, *map(repr, left_out)])
    facts = CorpusFacts(name=name, description="", simulated=known.simulated, rate=known.rate)

    def rows() -> Iterator[tuple[Cycle, Signal]]:
        labeled, unlabeled = corpus.clips(), own.clips()
        copies = _copies(labeled, recordings, unlabeled)
        if copies and not leave_out_bad:
            remedy = "Remove these, or leave them out with --leave-out-bad (LEAVE_OUT_BAD=1 for make)."
            raise InputErrors(list(dict.fromkeys(copies.values())), remedy)
        left_out.extend(Problem(name=name, text=text) for name, text in copies.items())
        kept = unlabeled.take(np.flatnonzero(~np.isin(unlabeled.clip_id, list(copies))))
        if not len(kept):
            raise InputError(f"no clip of {recordings.name} can be used; set UNLABELED to another folder")
        yield from rows_of(labeled)
        yield from _of_user(kept, labeled)

    prepared = prepare_rows(
        f"{name}-{known.rate}", content, rows(), cache, facts, left_out=left_out, skipped=recordings.skipped
    )
    clips = prepared.clips()
    describe(prepared, f"{known.description}; {_described(recordings, clips.clip_id[clips.label == HIDDEN].tolist())}")
    return prepared


def _of_user(clips: Clips, labeled: Clips) -> Iterator[tuple[Cycle, Signal]]:
    """Yield the user's clips, with the patients of the corpus where a name shows them."""
    patients = set(labeled.patient.tolist())
    for cycle, signal in rows_of(clips):
        recording = str(cycle.meta["recording"])
        patient = patient_of(recording, patients) or cycle.patient
        meta: dict[str, str | float] = {"recording": recording} if "recording" in labeled.meta else {}
        yield replace(cycle, patient=patient, label=UNLABELED, meta=meta), signal


def _copies(labeled: Clips, recordings: Recordings, unlabeled: Clips) -> dict[str, str]:
    """Find the unlabeled clips of files that are, or hold, a clip of the corpus, each with the problem of its file.

    A file may be a clip of the corpus that is longer than `CLIP`, so that short files are compared as a whole, too.
    """
    known = {digest([signal.tobytes()]): clip for signal, clip in zip(labeled, labeled.clip_id.tolist(), strict=True)}
    longest = labeled.seconds.max() + 1.0
    path_of = {cycle.clip_id: cycle.path for cycle in recordings.cycles}
    paths = [path_of[clip] for clip in unlabeled.clip_id.tolist()]

    def sounds() -> Iterator[tuple[Path, Signal]]:
        for path in dict.fromkeys(paths):
            if soundfile.info(path).duration <= longest:
                with suppress(InputError):  # something is wrong with a part of it, which was left out
                    yield path, read_audio(path, labeled.rate)
        yield from zip(paths, unlabeled, strict=True)

    same = {path: clip for path, signal in sounds() if (clip := known.get(digest([signal.tobytes()])))}
    return {
        clip: f"{path} holds the same sound as clip {same[path]} of the corpus, which may be tested; remove the file"
        for clip, path in zip(unlabeled.clip_id.tolist(), paths, strict=True)
        if path in same
    }


def patient_of(recording: str, patients: set[str]) -> str | None:
    """Find the patient of the corpus named by a file or a folder above it, as in ``101_1b1.wav`` and ``101/1.wav``.

    Names are compared as `corpora.patients.reduced`. The longest of several, since ``p1-2`` begins with ``p1``.
    """
    names = {reduced(name): name for name in patients}
    for part in map(reduced, reversed(Path(recording).with_suffix("").parts)):
        alike = [name for name in names if part.startswith(name) and not part[len(name) :][:1].isalnum()]
        if alike:
            return names[max(alike, key=len)]
    return None


def _described(recordings: Recordings, clip_ids: list[str]) -> str:
    """Describe the unlabeled clips."""
    counts = Counter(recordings.skipped.values())
    files = len({clip.rpartition("@")[0] for clip in clip_ids})
    apart = [f"{recordings.rests:.1f} s of rests shorter than {SHORTEST_REST:g} s"] if recordings.rests else []
    apart += [f"{count} {reason}" for reason, count in sorted(counts.items())]
    return (
        f"{len(clip_ids)} unlabeled clips of up to {CLIP:g} s from {files} recordings in "
        f"{recordings.name}" + f" (left out: {', '.join(apart)})" * bool(apart)
    )
