"""Wall clock, CPU and peak memory of one piece of work in this process and the children it waits for."""

import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.model import Outcome

_STATUS = Path("/proc/self/status")
_CLEAR_REFERENCES = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One repetition.

    Attributes:
        wall_seconds: By the clock.
        cpu_seconds: User and system, of the process and of its children that have ended.
        worker_cpu_seconds: The children's part of it: above 0 if a pool worked.
        peak_bytes: Resident memory at its highest while the work was done, imports and what was made ready before
            included: of the process or of its largest child, whichever is more, not their sum.
        ready_bytes: Resident memory just before the work.
        outcome: What the work returned, its digest as text.
    """

    wall_seconds: float
    cpu_seconds: float
    worker_cpu_seconds: float
    peak_bytes: int
    ready_bytes: int
    outcome: Mapping[str, Any]


def measure(work: Callable[[], Outcome]) -> Sample:
    """Do the work once; a digest that is a function is called after the clocks are read."""
    ready_bytes = _reset_peak()
    child_before = _resource_bytes(resource.RUSAGE_CHILDREN)
    own_before, workers_before = _cpu_seconds(resource.RUSAGE_SELF), _cpu_seconds(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    outcome = work()
    wall_seconds = time.perf_counter() - begun
    own = _cpu_seconds(resource.RUSAGE_SELF) - own_before
    workers = _cpu_seconds(resource.RUSAGE_CHILDREN) - workers_before
    largest_child = _resource_bytes(resource.RUSAGE_CHILDREN)
    peak_bytes = max(_peak_bytes(), largest_child if largest_child > child_before else 0)
    return Sample(
        wall_seconds=wall_seconds,
        cpu_seconds=own + workers,
        worker_cpu_seconds=workers,
        peak_bytes=peak_bytes,
        ready_bytes=ready_bytes,
        outcome=_with_digest(outcome),
    )


def _with_digest(outcome: Outcome) -> Mapping[str, Any]:
    digest = outcome.get("digest")
    return dict(outcome) | {"digest": digest()} if callable(digest) else dict(outcome)


def _reset_peak() -> int:
    """Start the peak anew at what is resident now, and return that (Linux; proc(5), clear_refs)."""
    if _CLEAR_REFERENCES.exists():
        _CLEAR_REFERENCES.write_text(_RESET_PEAK, encoding="ascii")
    return _peak_bytes()


def _peak_bytes() -> int:
    """Return the high-water mark.

    On Linux from /proc, since ru_maxrss also remembers the process that this one was forked from.
    """
    if not _STATUS.exists():
        return _resource_bytes(resource.RUSAGE_SELF)
    fields = dict(line.split(":", 1) for line in _STATUS.read_text(encoding="ascii").splitlines())
    return int(fields["VmHWM"].split()[0]) * 1024


def _cpu_seconds(who: int) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def _resource_bytes(who: int) -> int:
    maximum = resource.getrusage(who).ru_maxrss
    return maximum if sys.platform == "darwin" else maximum * 1024
