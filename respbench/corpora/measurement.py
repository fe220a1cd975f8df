"""`Measurement`: what the files of a corpus hold, and how one of them is read."""

from collections.abc import Callable
from dataclasses import dataclass

from respbench.corpora.choices import SOUND
from respbench.corpora.clips import Signal
from respbench.corpora.cycles import Cycle
from respbench.corpora.readers.audio import read_audio


def read_sound(cycle: Cycle, rate: int) -> Signal:
    """Decode the stretch of a sound; see `corpora.readers.audio.read_audio`."""
    return read_audio(cycle.path, rate, cycle.begin, cycle.end)


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What was recorded and how it is read.

    Attributes:
        read: from a cycle and the sampling rate in Hz to its signal; raises InputError. A function of a module, so that
            its code is part of what a prepared corpus is named after.
        rate: Hz of what is recorded; 0 = sounds are resampled to what the user chooses.
        noun: what one recording is, for messages.
        modality, channels, unit, person: as in `corpora.facts.CorpusFacts`.
    """

    read: Callable[[Cycle, int], Signal] = read_sound
    rate: int = 0
    noun: str = "sound"
    modality: str = SOUND
    channels: tuple[str, ...] = ()
    unit: str = ""
    person: str = "patient"


SOUNDS = Measurement()
