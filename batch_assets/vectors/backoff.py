"""Repeating a call that the service could not take just now."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeVar

from botocore.exceptions import ClientError, HTTPClientError

from batch_assets.errors import VectorIndexError

_Answer = TypeVar("_Answer")

THROTTLED = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_TRANSIENT = THROTTLED | {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.INTERNAL_SERVER_ERROR}


@dataclass(frozen=True, kw_only=True)
class Backoff:
    """How often a call is repeated, and how long to wait between: full jitter under a doubling ceiling.

    Attributes:
        max_attempts: Attempts in all; those that boto3 makes inside one are not counted.
        first_ceiling_seconds: Longest wait after the first attempt.
        last_ceiling_seconds: Longest wait ever.
        waiter: Waits so many seconds.
        jitter: Gives a number from 0 to 1.
    """

    max_attempts: int = 10
    first_ceiling_seconds: float = 0.2
    last_ceiling_seconds: float = 20.0
    waiter: Callable[[float], object] = time.sleep
    jitter: Callable[[], float] = random.random

    def run(
        self,
        call: Callable[[], _Answer],
        *,
        where: str,
        on_throttled: Callable[[], object] = lambda: None,
    ) -> _Answer:
        """Return what a call answers, repeating it as `repeat` does.

        Args:
            call: Makes the attempt.
            where: Operation, bucket and index, for the message.
            on_throttled: Told of every 429 and 503.

        Raises:
            VectorIndexError: For any other refusal at once, for these after the last attempt.
        """
        try:
            return self.repeat(call, on_throttled=on_throttled)
        except (ClientError, HTTPClientError) as error:
            tried = f"still failing after {self.max_attempts} attempts, try again later: " if _may_pass(error) else ""
            raise VectorIndexError(f"{where}: {tried}{error}") from error

    def repeat(self, call: Callable[[], _Answer], *, on_throttled: Callable[[], object] = lambda: None) -> _Answer:
        """Return what a call answers, repeating it after 408, 429, 500, 503 and lost connections.

        Only for calls that may be repeated: PutVectors overwrites by key, DeleteVectors passes over
        unknown keys, GetVectors reads.

        Raises:
            ClientError: Any other refusal at once, these after the last attempt.
            HTTPClientError: The connection was lost in the last attempt too.
        """
        for attempt in range(1, self.max_attempts + 1):
            try:
                return call()
            except (ClientError, HTTPClientError) as error:
                if _status(error) in THROTTLED:
                    on_throttled()
                if attempt == self.max_attempts or not _may_pass(error):
                    raise
            ceiling = min(self.last_ceiling_seconds, self.first_ceiling_seconds * 2 ** (attempt - 1))
            self.waiter(self.jitter() * ceiling)
        raise VectorIndexError(f"max_attempts must be at least 1, not {self.max_attempts}")


def _may_pass(error: ClientError | HTTPClientError) -> bool:
    return not isinstance(error, ClientError) or _status(error) in _TRANSIENT


def _status(error: ClientError | HTTPClientError) -> int | None:
    if not isinstance(error, ClientError):
        return None
    status: int | None = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return status
