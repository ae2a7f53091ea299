"""The bounds that a sensor's look keeps by itself.

A tick that passes Dagster's timeout is lost but keeps running, so a tick bounds itself, in time and in number.
"""

import time
from dataclasses import dataclass, field

TICK_SECONDS = 20.0
MAX_RUN_REQUESTS = 25
MAX_EVENTS = 100


@dataclass(frozen=True)
class Deadline:
    """The time that a tick has, in seconds of the monotonic clock."""

    end: float = field(default_factory=lambda: time.monotonic() + TICK_SECONDS)

    @property
    def passed(self) -> bool:
        return time.monotonic() >= self.end
