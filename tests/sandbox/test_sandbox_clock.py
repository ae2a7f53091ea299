"""Virtual time."""

import threading
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_assets.sandbox.clock import VirtualClock


def test_a_frozen_clock_moves_only_when_told() -> None:
    """At speed 0 time is what ``advance`` makes it."""
    clock = VirtualClock(speed=0)
    before = clock.now()
    assert clock.now() == before
    clock.advance(3600)
    assert clock.now() - before == timedelta(hours=1)


def test_a_fast_clock_passes_a_moment_by_itself() -> None:
    """At a day a second, an hour is over in moments."""
    clock = VirtualClock(speed=86_400)
    moment = clock.now() + timedelta(hours=1)
    clock.wait_until(moment, or_when=lambda: False)
    assert clock.now() >= moment


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1e6)), max_size=10))
def test_time_never_goes_back(changes: list[tuple[float, float]]) -> None:
    """Whatever the speeds and steps."""
    clock = VirtualClock()
    seen = [clock.now()]
    for speed, step_seconds in changes:
        clock.set_speed(speed)
        seen.append(clock.now())
        clock.advance(step_seconds)
        seen.append(clock.now())
    assert seen == sorted(seen)


@pytest.mark.parametrize("change", ["advance", "wake", "speed"])
def test_who_waits_notices_a_change(change: str) -> None:
    """A waiter on a frozen clock goes on when time is moved, or its reason to stop holds."""
    clock = VirtualClock(speed=0)
    moment = clock.now() + timedelta(hours=1)
    stopped = threading.Event()
    waiter = threading.Thread(target=clock.wait_until, args=(moment,), kwargs={"or_when": stopped.is_set})
    waiter.start()
    match change:
        case "advance":
            clock.advance(3600)
        case "speed":
            clock.set_speed(86_400)
        case _:
            stopped.set()
            clock.wake()
    waiter.join(10)
    assert not waiter.is_alive()


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_impossible_times_are_refused(value: float) -> None:
    """Neither backwards nor to no end."""
    clock = VirtualClock()
    with pytest.raises(ValueError, match="speed"):
        clock.set_speed(value)
    with pytest.raises(ValueError, match="advance_seconds"):
        clock.advance(value)
