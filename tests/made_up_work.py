"""Jobs that end in every way that a job can end."""

import ctypes
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from respbench.benchmarks.execution.job import JobResult


@dataclass(frozen=True)
class Piece:
    """A job: ``deed`` says how it goes."""

    name: str
    results: Path
    deed: str = "fine"
    group: str = "jobs"

    def execute(self) -> JobResult:
        if self.deed == "dies" or (self.deed == "dies once" and not self._attempts()):
            self._note("attempts", f"{self._attempts() + 1}")
            os.kill(os.getpid(), signal.SIGKILL)
        if self.deed == "waits":
            self._note("begun", str(os.getpid()))
            threading.Event().wait()
        if self.deed == "sleeps":
            for _ in range(600):
                time.sleep(0.1)
        if self.deed == "is stuck":
            time.sleep(600)
        while self.deed == "swallows":
            with suppress(Exception):
                time.sleep(0.01)
        if self.deed == "fails late":
            return self._fail_late()
        if self.deed == "exits in C":
            ctypes.CDLL(None)._exit(3)
        if self.deed == "is terminated":
            os.kill(os.getpid(), signal.SIGTERM)
        if self.deed.startswith(("sys.", "os.", "raise ", "assert ")):
            exec(self.deed, {"os": os, "sys": sys})
        if self.deed == "full disk":
            raise OSError(28, "No space left on device")
        self._note("done", str(os.getpid()))
        return JobResult(name=self.name, group=self.group)

    def give_up(self, reason: str) -> JobResult:
        self._note("given up", reason)
        return JobResult(name=self.name, group=self.group, error=reason)

    def _fail_late(self) -> JobResult:
        try:
            while True:
                time.sleep(0.01)
        except Exception as error:
            return self.give_up(f"ValueError: {error}")

    def _attempts(self) -> int:
        file = self.results / f"{self.name}.attempts"
        return int(file.read_text()) if file.exists() else 0

    def _note(self, what: str, text: str) -> None:
        (self.results / f"{self.name}.{what}").write_text(text)
