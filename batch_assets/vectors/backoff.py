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
        """Return what a call answers, repeating it after 408, 429, 500, 503 and lost connections.

        Only for calls that may be repeated: PutVectors overwrites by key, DeleteVectors passes over
        unknown keys, GetVectors reads.

        Args:
            call: Makes the attempt.
            where: Operation, bucket and index, for the message.
            on_throttled: Told of every 429 and 503.

        Raises:
            VectorIndexError: For any other refusal at once, for these after the last attempt.
        """
        for attempt in range(1, self.max_attempts + 1):
            try:
                return call()
            except (ClientError, HTTPClientError) as error:
                status = _status(error)
                if status in THROTTLED:
                    on_throttled()
                if isinstance(error, ClientError) and status not in _TRANSIENT:
                    raise VectorIndexError(f"{where}: {error}") from error
                if attempt == self.max_attempts:
                    raise VectorIndexError(
                        f"{where}: still failing after {attempt} attempts, try again later: {error}"
                    ) from error
            ceiling = min(self.last_ceiling_seconds, self.first_ceiling_seconds * 2 ** (attempt - 1))
            self.waiter(self.jitter() * ceiling)
        raise VectorIndexError(f"{where}: max_attempts must be at least 1, not {self.max_attempts}")


def _status(error: ClientError | HTTPClientError) -> int | None:
    if not isinstance(error, ClientError):
        return None
    status: int | None = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return status
