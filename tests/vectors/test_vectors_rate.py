"""The client-side pace of writes."""

import pytest

from batch_assets.vectors.rate import RateLimiter


class SimulatedTime:
    """Monotonic time that passes only by waiting."""

    def __init__(self) -> None:
        """Start at zero."""
        self.seconds = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.seconds

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.seconds += seconds


@pytest.fixture
def time() -> SimulatedTime:
    """Give time that a test moves."""
    return SimulatedTime()


def limiter(time: SimulatedTime) -> RateLimiter:
    """Return a limiter with the service's limits and no headroom."""
    return RateLimiter(headroom=0, monotonic=time, waiter=time.wait)


def test_full_calls_keep_to_the_vectors_per_second(time: SimulatedTime) -> None:
    """25,000 vectors in calls of 500 take ten seconds, of which the last call's share is still to come."""
    pace = limiter(time)
    for _ in range(50):
        pace.acquire(500)
    assert time.seconds == pytest.approx(10 - 0.2)


def test_small_calls_keep_to_the_requests_per_second(time: SimulatedTime) -> None:
    """Calls of one vector go at 1,000 a second."""
    pace = limiter(time)
    for _ in range(1001):
        pace.acquire(1)
    assert time.seconds == pytest.approx(1.0)


def test_idle_time_is_not_saved_up(time: SimulatedTime) -> None:
    """After a pause the pace is the same: no second ever sees more than the limit."""
    pace = limiter(time)
    time.wait(100)
    assert [pace.acquire(2500), pace.acquire(2500)] == pytest.approx([0.0, 1.0])


def test_throttling_lowers_the_pace_once_a_second(time: SimulatedTime) -> None:
    """Four calls in flight that are throttled together count once."""
    pace = limiter(time)
    for _ in range(4):
        pace.throttled()
    assert pace.pace == pytest.approx(0.7)
    time.wait(1)
    pace.throttled()
    assert pace.pace == pytest.approx(0.49)


def test_a_lowered_pace_stretches_the_waits(time: SimulatedTime) -> None:
    """At 70 % a second's worth of vectors takes a second / 0.7."""
    pace = limiter(time)
    pace.throttled()
    pace.acquire(2500)
    assert pace.acquire(1) == pytest.approx(1 / 0.7)


def test_success_raises_the_pace_slowly_up_to_the_limit(time: SimulatedTime) -> None:
    """10 % a second, never above where it began."""
    pace = limiter(time)
    pace.throttled()
    pace.succeeded()
    assert pace.pace == pytest.approx(0.7)
    seen = []
    for _ in range(5):
        time.wait(1)
        pace.succeeded()
        seen.append(pace.pace)
    assert seen == pytest.approx([0.77, 0.847, 0.9317, 1.0, 1.0])


def test_the_pace_never_stops(time: SimulatedTime) -> None:
    """However often it is throttled, a twentieth is left."""
    pace = limiter(time)
    for _ in range(50):
        pace.throttled()
        time.wait(1)
    assert pace.pace == pytest.approx(0.05)
