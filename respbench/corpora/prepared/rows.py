"""Clips as rows of a prepared corpus: what each was cut from or made of, and its signal."""

from collections.abc import Iterator
from pathlib import Path

from respbench.corpora.clips import HIDDEN, Clips, Signal
from respbench.corpora.cycles import UNLABELED, Cycle


def rows_of(clips: Clips) -> Iterator[tuple[Cycle, Signal]]:
    """Yield clips as rows for `corpora.prepared.prepare.prepare_rows`."""
    for i, (signal, meta) in enumerate(zip(clips, clips.meta.to_dict("records"), strict=True)):
        cycle = Cycle(
            path=Path(),
            clip_id=str(clips.clip_id[i]),
            patient=str(clips.patient[i]),
            label=UNLABELED if clips.label[i] == HIDDEN else clips.classes[clips.label[i]],
            meta={str(key): value for key, value in meta.items()},
            overlap=str(clips.overlap[i]),
        )
        yield cycle, signal
