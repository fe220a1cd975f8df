"""The command line on a corpus in which one thing is spoiled, and what every refusal has in common.

Status 2, one sentence that names the file and the remedy, no traceback. Each test makes a good corpus (the fixture
``respbench``), spoils one thing, and runs the command that a user would.
"""

from pathlib import Path

import numpy as np
import pytest
from synthetic_corpora import write_sound

from respbench.benchmarks.cli import main

BAD = "120_1b1_Al_sc_Meditron_segment_1_0_0.wav"


class Command:
    """Runs respbench on a folder of its own, and checks what every refusal has in common."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.sounds = folder / "sounds"
        self.cache = folder / "cache"
        self.results = folder / "results"
        self.capsys = capsys

    def __call__(self, name: str, *more: str, corpus: str = "icbhi", data: Path | None = None) -> tuple[int, str]:
        arguments = [name, "--corpus", corpus, "--data", str(data or self.sounds), "--results", str(self.results)]
        status = main([*arguments, *more])
        return status, self.capsys.readouterr().err

    def accepts(self) -> None:
        """Check that the same command succeeds on good sounds."""
        assert self("prepare") == (0, "")

    def refuses(self, *more: str, name: str = "prepare", corpus: str = "icbhi", data: Path | None = None) -> str:
        """Return the message of a refusal, after the checks that every refusal has in common."""
        before = finished(self.cache)
        status, message = self(name, *more, corpus=corpus, data=data)
        assert status == 2
        assert message.startswith("respbench: ")
        assert message.count("respbench: ") == 1
        assert "Traceback" not in message
        if "found in the data" in message:
            assert message.startswith("respbench: 1 problem found in the data:\n- ")
            assert len(message.strip().splitlines()) == 3
        else:
            assert len(message.strip().splitlines()) == 1
        assert name == "run" or finished(self.cache) == before
        assert not list(self.cache.rglob(".*")), "something half-written is left"
        assert not [path for path in self.results.rglob("*") if path.is_file()]
        return message


def finished(cache: Path) -> set[str]:
    """The prepared corpora in a cache."""
    return {path.parent.name for path in cache.glob("corpora/*/corpus.json")}


def spoil(respbench: Command, sound: np.ndarray | None = None, content: bytes | None = None, name: str = BAD) -> Path:
    """Add one bad file."""
    path = respbench.sounds / name
    if sound is not None:
        write_sound(path, sound, subtype="FLOAT" if name.endswith("wav") else "PCM_16")
    if content is not None:
        path.write_bytes(content)
    return path


def cut(path: Path, share: float) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    return path


def run_refused(respbench: Command, *more: str) -> str:
    message = respbench.refuses("--models", "prior", "--workers", "0", *more, name="run")
    assert not list(respbench.results.rglob("*")), "a refused run leaves folders behind"
    return message
