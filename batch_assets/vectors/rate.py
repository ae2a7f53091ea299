"""Client-side pace of writes to one index."""

import threading
import time
from collections.abc import Callable

_DECREASE = 0.7
_INCREASE = 1.1
_LOWEST = 0.05
_SECONDS_BETWEEN_CHANGES = 1.0


class RateLimiter:
    """Spaces writes evenly below the service's limits and gives way when it throttles nonetheless.

    Each call reserves its share of time: vectors / rate, or 1 / request rate if that is longer. There is
    no burst: the service is asked for what it promises and no more. A throttled answer lowers the pace by
    30 %, a good one raises it by 10 % up to where it started, each at most once a second, so that several
    calls in flight count as one event. Thread-safe.

    Limits: "Combined PutVectors and DeleteVectors requests", "Combined vectors inserted and deleted per
    second per vector index" (s3-vectors-limitations). Other processes that write to the same index are
    not known here; they show as throttling.
    """

    def __init__(
        self,
        *,
        vectors_per_second: float = 2_500,
        requests_per_second: float = 1_000,
        headroom: float = 0.02,
        monotonic: Callable[[], float] = time.monotonic,
        waiter: Callable[[float], object] = time.sleep,
    ) -> None:
        """Set the pace.

        Args:
            vectors_per_second: The service's limit on vectors.
            requests_per_second: The service's limit on calls.
            headroom: Share of both limits left unused.
            monotonic: Time in seconds.
            waiter: Waits so many seconds.
        """
        self._vectors_per_second = vectors_per_second * (1 - headroom)
        self._requests_per_second = requests_per_second * (1 - headroom)
        self._monotonic = monotonic
        self._waiter = waiter
        self._pace = 1.0
        self._changed_at = monotonic()
        self._free_at = monotonic()
        self._lock = threading.Lock()

    @property
    def pace(self) -> float:
        """Share of the full rate that is used now, above 0 and at most 1."""
        return self._pace

    def acquire(self, vectors: int) -> float:
        """Wait until a call with so many vectors may go; return the seconds waited."""
        with self._lock:
            now = self._monotonic()
            start = max(now, self._free_at)
            share = max(vectors / self._vectors_per_second, 1 / self._requests_per_second)
            self._free_at = start + share / self._pace
        wait_seconds = start - now
        if wait_seconds > 0:
            self._waiter(wait_seconds)
        return wait_seconds

    def throttled(self) -> None:
        """Report that the service refused a call for its rate."""
        self._change(_DECREASE)

    def succeeded(self) -> None:
        """Report that the service took a call."""
        if self._pace < 1.0:
            self._change(_INCREASE)

    def _change(self, factor: float) -> None:
        with self._lock:
            now = self._monotonic()
            if now - self._changed_at >= _SECONDS_BETWEEN_CHANGES or (factor < 1 and self._pace == 1.0):
                self._pace = min(1.0, max(_LOWEST, self._pace * factor))
                self._changed_at = now
