"""Virtual time: a clock that can run faster than the wall's and be moved forward."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class VirtualClock:
    """``now = base + real time * speed + advances``; it never goes back."""

    def __init__(self, *, speed: float = 1.0) -> None:
        """Start at the present, at ``speed`` virtual seconds per real second."""
        self._changed = threading.Condition()
        self._base = datetime.now(UTC)
        self._real_base_seconds = time.monotonic()
        self._speed = _checked(speed, "speed")

    @property
    def speed(self) -> float:
        """Virtual seconds per real second."""
        return self._speed

    def now(self) -> datetime:
        """Return the virtual time, in UTC."""
        with self._changed:
            elapsed_seconds = (time.monotonic() - self._real_base_seconds) * self._speed
            return self._base + timedelta(seconds=elapsed_seconds)

    def set_speed(self, speed: float) -> None:
        """Run at another speed from now on; raises ValueError for a negative one."""
        with self._changed:
            self._rebase(self.now())
            self._speed = _checked(speed, "speed")
            self._changed.notify_all()

    def advance(self, seconds: float) -> None:
        """Jump forward; raises ValueError for a negative number of seconds."""
        step = timedelta(seconds=_checked(seconds, "advance_seconds"))
        with self._changed:
            self._rebase(self.now() + step)
            self._changed.notify_all()

    def wake(self) -> None:
        """Let every waiter look at its own reason to stop waiting."""
        with self._changed:
            self._changed.notify_all()

    def wait_until(self, moment: datetime, *, or_when: Callable[[], bool]) -> None:
        """Block until the virtual ``moment`` or until ``or_when`` holds after a ``wake``."""
        with self._changed:
            while self.now() < moment and not or_when():
                self._changed.wait(timeout=self._real_seconds_until(moment))

    def _rebase(self, moment: datetime) -> None:
        self._base = moment
        self._real_base_seconds = time.monotonic()

    def _real_seconds_until(self, moment: datetime) -> float | None:
        if not self._speed:
            return None
        remaining_seconds = (moment - self.now()).total_seconds() / self._speed
        return min(max(remaining_seconds, 0.0), threading.TIMEOUT_MAX)


def _checked(value: float, name: str) -> float:
    if not 0 <= value < float("inf"):
        raise ValueError(f"{name} must be a finite number that is not negative, got {value}")
    return float(value)
