"""Two prepared corpora side by side in a third, so that a model can be fitted on one and tested on the other."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpora.clips import Clips, Signal
from corpora.crossing import CORPUS
from corpora.cycles import TWO_CLASSES, Cycle
from corpora.fingerprint import code_fingerprint, digest
from corpora.prepare import Prepared, prepare_rows
from corpora.problems import InputError
from corpora.tasks import for_task


@dataclass(frozen=True)
class Joined(Prepared):
    """Two corpora in one prepared folder, of which one is tested and the other trained on.

    Both directions share the folder, and so the features computed from it.

    Attributes:
        tested: name of the one that is tested, under which results are filed.
    """

    tested: str

    def facts(self) -> dict[str, object]:
        """As of any corpus, with the name of the tested one; ``tested`` and ``trained_on`` hold the facts of each."""
        whole: dict[str, Any] = super().facts()
        parts = {part["name"]: part for part in whole.pop("parts")}
        tested = parts.pop(self.tested)
        (trained_on,) = parts.values()
        return {
            **whole,
            "name": self.tested,
            "description": f"tested: {tested['description']}; trained on: {trained_on['description']}",
            "simulated": tested["simulated"] or trained_on["simulated"],
            "left_out": tested["left_out"] + trained_on["left_out"],
            "tested": tested,
            "trained_on": trained_on,
        }


def join(one: Prepared, other: Prepared, cache: Path) -> tuple[Joined, Joined]:
    """Put two corpora side by side, unless that was done before.

    Patients and clips are called ``<corpus>:<name>``, so that patient 101 of the one is not patient 101 of the other.
    The metadata keep the columns of both, empty where a corpus doesn't know them, and gain `CORPUS` (in place of a
    column of that name). Where one corpus is labelled normal and abnormal only, so is the whole.

    Args:
        one: a corpus.
        other: another, of the same sampling rate.
        cache: as in `corpora.prepare.prepare_files`.

    Returns:
        What tests ``one``, and what tests ``other``.

    Raises:
        InputError: both have the same name, or hold the same sound.
    """
    by_name = sorted(((str(prepared.facts()["name"]), prepared) for prepared in (one, other)), key=lambda pair: pair[0])
    names = [name for name, _ in by_name]
    if names[0] == names[1]:
        raise InputError(
            f"both corpora are called {names[0]}, so that nobody could tell which was trained on and which tested; "
            "choose two different ones, or give one of them another name as a manifest"
        )
    parts = [prepared.facts() for _, prepared in by_name]
    clips = {name: prepared.clips() for name, prepared in by_name}
    if any(part.classes == TWO_CLASSES for part in clips.values()):
        clips = {name: for_task(part, "abnormal") for name, part in clips.items()}
    (rate,) = {part.rate for part in clips.values()}
    content = digest([*(str(part["fingerprint"]) for part in parts), code_fingerprint(__name__)])
    facts: dict[str, object] = {"name": "+".join(names), "rate": rate, "parts": parts}
    prepared = prepare_rows(f"{'+'.join(names)}-{rate}", content, _rows(clips), cache, facts)
    return Joined(prepared.folder, str(one.facts()["name"])), Joined(prepared.folder, str(other.facts()["name"]))


def _rows(clips: dict[str, Clips]) -> Iterator[tuple[Cycle, Signal]]:
    """Every clip of both, under its new name."""
    heard: dict[str, tuple[str, str]] = {}
    for corpus, part in clips.items():
        for i, (signal, meta) in enumerate(zip(part, part.meta.to_dict("records"), strict=True)):
            clip = str(part.clip_id[i])
            whose, same = heard.setdefault(digest([signal.tobytes()]), (corpus, clip))
            if whose != corpus:
                raise InputError(
                    f"clip {clip} of {corpus} holds the same sound as clip {same} of {whose}, so that a model would be "
                    "tested on what it was trained on; choose corpora that have no recording in common"
                )
            patient, label = f"{corpus}:{part.patient[i]}", part.classes[part.label[i]]
            known = {**{str(key): value for key, value in meta.items()}, CORPUS: corpus}
            yield Cycle(Path(), f"{corpus}:{clip}", patient, label, meta=known), signal
