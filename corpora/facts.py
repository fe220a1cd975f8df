"""What is known of a prepared corpus as a whole."""

from dataclasses import dataclass
from pathlib import Path

import msgspec


@dataclass(frozen=True, kw_only=True)
class CorpusFacts:
    """Facts of a prepared corpus, stored beside it and in the record of every fit.

    Attributes:
        name: of the corpus, as in the path of its results.
        description: one sentence for reports.
        simulated: whether no patient was recorded.
        rate: sampling rate in Hz.
        classes: names of the classes.
        left_out: number of clips, or of recordings and files that make no clip, that were left out as unusable.
        fingerprint: identity of the content: samples and table.
        skipped: number of recordings of the source that make no clip.
        unlabeled_clips: number of clips of the user's own that have no label.
        tested: across corpora, the facts of the tested one.
        trained_on: across corpora, the facts of the one that is trained on.
    """

    name: str
    description: str
    simulated: bool
    rate: int
    classes: tuple[str, ...] = ()
    left_out: int = 0
    fingerprint: str = ""
    skipped: int = 0
    unlabeled_clips: int = 0
    tested: "CorpusFacts | None" = None
    trained_on: "CorpusFacts | None" = None

    @classmethod
    def read(cls, path: Path) -> "CorpusFacts":
        """Read the facts from a JSON file."""
        return msgspec.json.decode(path.read_bytes(), type=cls)

    def write(self, path: Path) -> None:
        """Write the facts as a JSON file, in one step, since other processes may be reading it."""
        unfinished = path.with_suffix(".tmp")
        unfinished.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=1))
        unfinished.replace(path)
