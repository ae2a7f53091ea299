"""How often each operation was called: what proves that nothing was paid for twice."""

import threading
from collections import Counter, defaultdict
from typing import Literal

Event = Literal["calls", "succeeded", "disturbed"]


class CallCounts:
    """Counters by service and operation; safe to use from several threads.

    ``calls`` arrived, ``succeeded`` had their effect and a success for an answer, even if the answer was then cut off,
    ``disturbed`` were refused or cut off by a fault rule.
    """

    def __init__(self) -> None:
        """Start at nothing."""
        self._lock = threading.Lock()
        self._counts: defaultdict[tuple[str, str], Counter[Event]] = defaultdict(Counter)

    def add(self, service: str, operation: str, event: Event) -> None:
        """Count one event."""
        with self._lock:
            self._counts[service, operation][event] += 1

    def reset(self) -> None:
        """Count from nothing again."""
        with self._lock:
            self._counts.clear()

    def describe(self) -> dict[str, dict[str, dict[str, int]]]:
        """Return the counters by service and operation."""
        described: dict[str, dict[str, dict[str, int]]] = {}
        with self._lock:
            for (service, operation), counts in sorted(self._counts.items()):
                events: tuple[Event, ...] = ("calls", "succeeded", "disturbed")
                described.setdefault(service, {})[operation] = {event: counts[event] for event in events}
        return described
