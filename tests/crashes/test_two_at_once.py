"""Two runs of one partition at once, as when the run queue is passed by: one wins, the other says so.

The first run stands still before one of its calls while the second does all of its work; then it goes on.
"""

import re
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

import dagster as dg
import pytest

from batch_assets.errors import BatchAssetsError
from tests.conftest import Aws
from tests.crashes.daemon import Daemon
from tests.crashes.lifetime import Kill, Lifetime
from tests.crashes.prefix import Prefix, etag, noise
from tests.crashes.quiet import check_quiet, waiting
from tests.world import KEY, NEXT_KEY, World, new_world, pictures

_SAYS_SO = re.compile(r"another run|was replaced while it was read|is older than the results that are loaded")
Work = Callable[[Prefix], None]


@dataclass
class Overtaken(Lifetime):
    """Stands still before a call, once, while other work is done in another thread."""

    at: int = 0
    meanwhile: Callable[[], object] = field(default=lambda: None)
    overtaken: bool = False

    def _reach(self, moment: Kill) -> None:
        if moment == Kill(self.at, "before") and not self.overtaken:
            self.overtaken = True
            with ThreadPoolExecutor(1) as pool, self.suspended():
                pool.submit(self.meanwhile).result()
        super()._reach(moment)


def nothing(_: Prefix) -> None:
    """There are pictures, and nothing was planned."""


def ended(prefix: Prefix) -> None:
    """A job has ended and is not loaded."""
    prefix.world.plan()
    prefix.world.finish_jobs()


def loaded_and_grown(prefix: Prefix) -> None:
    """Everything is loaded, and a hundred new pictures wait for a plan."""
    ended(prefix)
    prefix.world.load()
    prefix.put(_noises(100, first=200))


def plan(prefix: Prefix) -> None:
    """A run up to the batch job."""
    prefix.world.plan(by_schedule=True)


def load(prefix: Prefix) -> None:
    """A run from the results to the index."""
    prefix.world.load()


def plan_of_more(prefix: Prefix) -> None:
    """A plan that finds another picture."""
    prefix.put({"late.png": noise(500)})
    plan(prefix)


@dataclass(frozen=True)
class Case:
    """What there is, what was done before, and the two runs."""

    first: Work
    second: Work
    before: Work = nothing
    pictures: int = 100


CASES = {
    "plan, plan": Case(plan, plan),
    "plan, plan of more": Case(plan, plan_of_more),
    "plan, load": Case(plan, load, ended),
    "load, plan": Case(load, plan, ended),
    "load, load": Case(load, load, ended),
    "plan, plan of more, after a load": Case(plan, plan_of_more, loaded_and_grown),
    "plan, load, on demand": Case(plan, load, loaded_and_grown, 20),
    "plan, plan, on demand": Case(plan, plan, pictures=20),
    "plan, plan of more, on demand": Case(plan, plan_of_more, pictures=99),
}
_ALWAYS = {"plan, plan of more", "load, plan"}
_CASES = [
    pytest.param(case, id=name, marks=() if name in _ALWAYS else pytest.mark.soak) for name, case in CASES.items()
]
_SAMPLE, _ALL = 2, 1_000


@pytest.mark.filterwarnings("ignore:Implicitly cleaning up:ResourceWarning")  # a run that lost cleans up later
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "points", [pytest.param(_SAMPLE, id="sample"), pytest.param(_ALL, id="all", marks=pytest.mark.soak)]
)
@pytest.mark.parametrize("case", _CASES)
def test_two_runs_at_once_end_as_one_after_the_other(
    aws: Aws, subtests: pytest.Subtests, case: Case, points: int
) -> None:
    """At whatever call the first is overtaken: right rows, right vectors, and every picture is paid for once."""
    count = Overtaken()
    _both(aws, case, count)
    for at in range(1, len(count.calls) + 1, max(1, len(count.calls) // points)):
        with subtests.test(f"at call {at}", call=str(count.calls[at - 1])):
            _both(aws, case, Overtaken(at=at))


def _both(aws: Aws, case: Case, life: Overtaken) -> None:
    with new_world(aws) as world, (everybody := Lifetime()).running():
        prefix = Prefix(world, KEY)
        prefix.put({**_noises(case.pictures), "copy.png": noise(3)})
        case.before(prefix)
        life.meanwhile = partial(_says_so, case.second, prefix)
        with life.running():
            _says_so(case.first, prefix)
        if not life.overtaken:
            _says_so(case.second, prefix)
        assert life.overtaken is bool(life.at)
        daemon = Daemon(world)
        # What came while a job was in flight is seen by the next plan.
        for _ in range(2):
            daemon.plan()
            daemon.settle()
        contents = {key: etag(data) for key, data in prefix.eligible.items()}
        calls = Counter(contents[call.embeds.split("/", 3)[-1]] for call in everybody.calls if call.embeds)
        check_quiet(world, [prefix], calls)
        assert waiting(world, prefix) == 0


def _says_so(work: Work, prefix: Prefix) -> None:
    """Do some work; the only failure that there may be is one that tells of the other run."""
    try:
        work(prefix)
    except (dg.Failure, BatchAssetsError) as error:
        if not _SAYS_SO.search(str(error)):
            raise


def _noises(count: int, *, first: int = 0) -> dict[str, bytes]:
    return {f"{number:04d}.png": noise(number) for number in range(first, first + count)}


def test_two_sensors_at_once_ask_for_the_same_runs(world: World) -> None:
    """Dagster starts a run key once, so it does not matter who asks first."""
    world.put(pictures(100))
    world.plan()
    world.finish_jobs()
    one, other = world.tick("completion_sensor"), world.restarted().tick("completion_sensor")
    assert [request.run_key for request in one.requests] == [request.run_key for request in other.requests] != []


def test_two_submission_sensors_at_once_ask_for_the_same_runs(aws: Aws) -> None:
    """Also what is queued is asked for by one key."""
    with new_world(aws, max_live_jobs=1) as world:
        world.put(pictures(100))
        world.put(pictures(100, first=100), NEXT_KEY)
        world.plan()
        world.plan(NEXT_KEY)
        world.finish_jobs()
        one, other = world.tick("submission_sensor"), world.restarted().tick("submission_sensor")
        assert [request.run_key for request in one.requests] == [request.run_key for request in other.requests] != []


def test_a_second_instance_on_the_same_tables_makes_no_second_job(world: World) -> None:
    """It knows no run and no event of the first, and finds the job in the tables and by its name."""
    world.put(pictures(100))
    world.plan()
    with dg.DagsterInstance.ephemeral() as instance:
        second = World(world.aws, world.settings, world.definitions, instance)
        told = second.plan().metadata["batch_job"]
        assert (told["state"], len(world.jobs())) == ("submitted", 1)
        daemon = Daemon(second)
        daemon.settle()
        assert len(world.vectors()) == 100
    assert world.plan().metadata["batch_job"]["state"] == "nothing_to_do"
    assert world.table("batch_job", KEY).exists
    Daemon(world).settle()
    assert (len(world.jobs()), len(world.vectors())) == (1, 100)
