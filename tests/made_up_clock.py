"""A clock that made-up models advance, and nothing else."""

EXTRACTION, PREDICTION, WRITING = 0.005, 0.25, 7.0
"""s per clip, s per call, s per file of the cache."""


class Clock:
    """Stands for the module `time`."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def process_time(self) -> float:
        """As `time.process_time`."""
        return self.seconds

    def perf_counter(self) -> float:
        """As `time.perf_counter`."""
        return self.seconds


CLOCK = Clock()
