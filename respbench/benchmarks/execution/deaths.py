"""What a worker process died of."""

import signal
from contextlib import suppress
from pathlib import Path

FEWER = "run the same command with fewer workers (WORKERS for make), or where there is more memory"


def kills_for_memory() -> int | None:
    """Count the processes that Linux has killed since it started because memory ran out; None = unknown."""
    with suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/vmstat").read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
    return None


def cause_of_death(code: int | None, kills_before: int | None) -> str:
    """Name what ended a worker process.

    Args:
        code: its exit status; -n = signal n; None = unknown.
        kills_before: `kills_for_memory` before it died.
    """
    if code is None:
        return f"its worker process died; if memory ran out, {FEWER}"
    if code >= 0:
        return f"its worker process ended with exit status {code}"
    if -code != signal.SIGKILL:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        return f"its worker process died of {name} ({signal.strsignal(-code)})"
    kills = kills_for_memory()
    if kills is None or kills_before is None:
        return f"its worker process was killed (SIGKILL); if memory ran out, {FEWER}"
    if kills > kills_before:
        return f"its worker process was killed because memory ran out; {FEWER}"
    return "its worker process was killed by another process (SIGKILL), not for lack of memory"
