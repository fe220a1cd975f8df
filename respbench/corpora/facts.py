"""What is known of a prepared corpus as a whole."""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from respbench.corpora.choices import SOUND
from respbench.corpora.prepared.left_out import LEFT_OUT

RECORDED = ("modality", "channels", "unit", "person")
"""The facts about what was recorded, which a `corpora.measurement.Measurement` states."""


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
        left_out_patients: of how many known patients these are.
        lost_patients: how many of these have no clip left.
        overlapping: number of clips that overlap others of the same recording.
        fingerprint: identity of the content: samples and table.
        skipped: number of recordings of the source that make no clip.
        unlabeled_clips: number of clips of the user's own that have no label.
        tested: of joined corpora, the facts of the tested one.
        trained_on: of joined corpora, the facts of the other one, which is trained on in place of the tested one or
            beside it.
        modality: what was recorded, one of `corpora.choices.MODALITIES`.
        channels: names of the channels; none = one channel without a name.
        unit: of the samples, such as m/s²; empty = they are relative to the full scale.
        person: what reports call those who were recorded.
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
    left_out_patients: int = 0
    lost_patients: int = 0
    overlapping: int = 0
    tested: "CorpusFacts | None" = None
    trained_on: "CorpusFacts | None" = None
    modality: str = SOUND
    channels: tuple[str, ...] = ()
    unit: str = ""
    person: str = "patient"

    @property
    def unusable(self) -> str:
        """State in a clause what was left out as unusable, of how many patients, and of whom nothing is left."""
        if not self.left_out:
            return "0 clips left out as unusable"
        what = "clip, recording or file" if self.left_out == 1 else "clips, recordings or files"
        of = f" of {_patients(self.left_out_patients, 'known ')}" if self.left_out_patients else ""
        lost = f"; of {_patients(self.lost_patients)}, no clip is left" if self.lost_patients else ""
        return f"{self.left_out} {what}{of} left out as unusable ({LEFT_OUT}){lost}"

    @classmethod
    def read(cls, path: Path) -> "CorpusFacts":
        """Read the facts from a JSON file."""
        return msgspec.json.decode(path.read_bytes(), type=cls)

    def write(self, path: Path) -> None:
        """Write the facts as a JSON file, in one step, since other processes may be reading it."""
        unfinished = path.with_suffix(".tmp")
        unfinished.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=1))
        unfinished.replace(path)


def _patients(count: int, known: str = "") -> str:
    return f"{count} {known}patient{'s' * (count != 1)}"
