"""A process killed at any service call and started again: the end is that of a process that was never killed.

The calls of the whole loop are counted once, undisturbed; then the process dies before each of them, and after each
that has an effect. Each death is a subtest, so their number is in the report.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.conftest import Aws
from tests.crashes.daemon import Daemon
from tests.crashes.end_state import EndState, end_state
from tests.crashes.lifetime import Lifetime, moments
from tests.world import World, new_world, picture, pictures

Prepare = Callable[[World], None]


def first_run(world: World) -> None:
    """A prefix that nobody has planned yet, with a copy and two files that get no vector."""
    world.put({**pictures(100), "copy.png": picture(3), "words.txt": b"words", "broken.png": b"no picture"})


def second_round(world: World) -> None:
    """A prefix that was embedded and then changed: one overwritten, one deleted, one copied, a hundred new."""
    first_run(world)
    daemon = Daemon(world)
    daemon.plan()
    daemon.settle()
    world.put({**pictures(100, first=200), "0001.png": picture(901), "new_copy.png": picture(5)})
    world.delete("0002.png")


def a_tail(world: World) -> None:
    """Fewer pictures than a job takes."""
    world.put({**pictures(4), "copy.png": picture(3), "broken.png": b"no picture"})


@pytest.mark.filterwarnings("ignore:Implicitly cleaning up:ResourceWarning")  # a dead process cleans nothing up
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("prepare", "every"),
    [
        pytest.param(first_run, 8, id="first run, every eighth call"),
        pytest.param(first_run, 1, id="first run", marks=pytest.mark.soak),
        pytest.param(a_tail, 1, id="a tail", marks=pytest.mark.soak),
        pytest.param(second_round, 1, id="second round", marks=pytest.mark.soak),
    ],
)
def test_a_process_killed_at_any_call_and_started_again_ends_as_if_nothing_had_been(
    aws: Aws, subtests: pytest.Subtests, prepare: Prepare, every: int
) -> None:
    """Same rows, same vectors, one job a manifest, nothing stray: for a death at every call of the loop."""
    life = Lifetime()
    with _came_to_rest(aws, prepare, life) as undisturbed:
        assert undisturbed.stray == ()
    for kill in list(moments(life.calls))[::every]:
        with (
            subtests.test(str(kill), at=str(life.calls[kill.call - 1])),
            _came_to_rest(aws, prepare, Lifetime(kill)) as survived,
        ):
            assert survived == undisturbed


@contextmanager
def _came_to_rest(aws: Aws, prepare: Prepare, life: Lifetime) -> Iterator[EndState]:
    with new_world(aws) as world:
        prepare(world)
        daemon = Daemon(world, life)
        daemon.plan()
        daemon.settle()
        assert life.kill is None or life.dead
        yield end_state(world)
