"""The write rate of one vector index, as a pair of token buckets on real time."""

import threading
import time
from collections.abc import Callable

from batch_assets.sandbox.errors import ModelledError
from batch_assets.sandbox.s3vectors import limits


class WriteRate:
    """Refuses writes above 1,000 requests or 2,500 vectors a second.

    Puts and deletes count together (s3-vectors-limitations). Each bucket holds one second's
    worth. Time is real and monotonic, whatever the sandbox's own clock says: a rate limit
    that ran faster than the client would never be met.
    """

    def __init__(
        self,
        *,
        requests_per_second: float = limits.WRITE_REQUESTS_PER_SECOND,
        vectors_per_second: float = limits.WRITE_VECTORS_PER_SECOND,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start with both buckets full."""
        self._rates = (requests_per_second, vectors_per_second)
        self._tokens = [requests_per_second, vectors_per_second]
        self._monotonic = monotonic
        self._filled_at = monotonic()
        self._lock = threading.Lock()

    def admit(self, vectors: int) -> None:
        """Take one request and so many vectors, or nothing at all.

        Raises:
            ModelledError: ``TooManyRequestsException`` when either bucket is too low.
        """
        with self._lock:
            self._refill()
            requested = (1.0, float(vectors))
            if any(have < want for have, want in zip(self._tokens, requested, strict=True)):
                raise ModelledError("TooManyRequestsException", "The request was denied due to request throttling.")
            self._tokens = [have - want for have, want in zip(self._tokens, requested, strict=True)]

    def _refill(self) -> None:
        now = self._monotonic()
        elapsed = now - self._filled_at
        self._filled_at = now
        self._tokens = [min(rate, have + rate * elapsed) for rate, have in zip(self._rates, self._tokens, strict=True)]
