"""What a sensor's look has to keep to: its own bounds, and a cursor that is no memory.

A tick that passes Dagster's timeout is lost but keeps running, so a tick bounds itself, in time and in number.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

TICK_SECONDS = 20.0
MAX_RUN_REQUESTS = 25
MAX_EVENTS = 100
MAX_CANDIDATES = 1_000
SWEEP_PARTITIONS = 100


@dataclass(frozen=True)
class Cursor:
    """Where the next look begins: events up to `storage_id` were seen, partitions before `offset` were swept."""

    storage_id: int = 0
    offset: int = 0

    @classmethod
    def parse(cls, text: str | None) -> "Cursor":
        """A cursor as it was stored; anything else starts from the beginning, which is safe."""
        try:
            value = json.loads(text or "{}")
            return cls(int(value.get("storage_id", 0)), int(value.get("offset", 0)))
        except (ValueError, AttributeError, TypeError):
            return cls()

    def __str__(self) -> str:
        return json.dumps({"storage_id": self.storage_id, "offset": self.offset})


@dataclass(frozen=True)
class Deadline:
    """The time that a tick has, in seconds of the monotonic clock."""

    end: float = field(default_factory=lambda: time.monotonic() + TICK_SECONDS)

    @property
    def passed(self) -> bool:
        return time.monotonic() >= self.end


def swept(partitions: Sequence[str], offset: int) -> tuple[list[str], int]:
    """The next slice of all partitions to be looked at whatever the events say, and the offset after it."""
    if offset >= len(partitions):
        offset = 0
    chosen = list(partitions[offset : offset + SWEEP_PARTITIONS])
    return chosen, offset + len(chosen)


def newer(first: Mapping[str, int], second: Mapping[str, int]) -> set[str]:
    """Partitions whose newest event in `first` has no later one in `second`."""
    return {partition for partition, storage_id in first.items() if storage_id > second.get(partition, 0)}
