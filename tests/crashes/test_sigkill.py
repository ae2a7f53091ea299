"""A sample of real deaths: a run in a process of its own is killed, and a daemon with the same Dagster home goes on."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest

from tests.conftest import Aws
from tests.crashes.daemon import Daemon
from tests.crashes.end_state import EndState, end_state
from tests.crashes.lifetime import Kill, Lifetime, moments
from tests.crashes.process import run_until
from tests.world import KEY, World, new_world, picture, pictures

pytestmark = pytest.mark.slow

_SHARES = [0.7, *(pytest.param(share, marks=pytest.mark.soak) for share in (0.1, 0.3, 0.5, 0.95))]


@dataclass(frozen=True)
class Undisturbed:
    """What is left when nobody is killed, and the moments at which somebody could have been."""

    left: EndState
    planning: list[Kill]
    loading: list[Kill]


@pytest.fixture(scope="module")
def undisturbed(aws: Aws, _still_sandbox: None) -> Undisturbed:
    """A whole loop in one piece."""
    planning, loading = Lifetime(), Lifetime()
    with new_world(aws, pictures=True) as world:
        _fill(world)
        with planning.running():
            world.plan()
        world.finish_jobs()
        with loading.running():
            world.load()
        return Undisturbed(end_state(world), moments(planning.calls), moments(loading.calls))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A Dagster home with the storage that Dagster takes by itself: SQLite."""
    (tmp_path / "dagster.yaml").write_text("telemetry:\n  enabled: false\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("share", _SHARES)
def test_a_plan_that_was_killed_is_made_up_for(aws: Aws, home: Path, undisturbed: Undisturbed, share: float) -> None:
    """Run monitoring finds the run dead, and it is started again."""
    with _deployed(aws, home) as world:
        _run_until(world, home, "plan_and_submit", undisturbed.planning, share)
        daemon = Daemon(world)
        daemon.report_dead_runs()
        daemon.plan()
        daemon.settle()
        assert end_state(world) == undisturbed.left


@pytest.mark.parametrize("share", _SHARES)
def test_a_load_that_was_killed_is_made_up_for(aws: Aws, home: Path, undisturbed: Undisturbed, share: float) -> None:
    """The completion sensor sees that the job is not loaded, or not indexed, and asks for another run."""
    with _deployed(aws, home) as world:
        world.plan()
        world.finish_jobs()
        _run_until(world, home, "load", undisturbed.loading, share)
        daemon = Daemon(world)
        daemon.report_dead_runs()
        daemon.settle()
        assert end_state(world) == undisturbed.left


def _run_until(world: World, home: Path, job: str, possible: list[Kill], share: float) -> None:
    kill = possible[int(share * len(possible))]
    assert run_until(world, home, job, KEY, kill) == -signal.SIGKILL


@contextmanager
def _deployed(aws: Aws, home: Path) -> Iterator[World]:
    with new_world(aws, pictures=True) as fresh, dg.DagsterInstance.from_config(str(home)) as instance:
        _fill(fresh)
        yield World(aws, fresh.settings, fresh.definitions, instance)


def _fill(world: World) -> None:
    world.put({**pictures(100), "copy.png": picture(3), "words.txt": b"words", "broken.png": b"no picture"})
