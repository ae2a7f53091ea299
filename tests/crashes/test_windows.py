"""Deaths and delays between two effects, while the world goes on: what a repeated run finds is not what it left."""

import threading
from collections.abc import Callable, Iterator

import dagster as dg
import pytest

from tests.conftest import Aws
from tests.crashes.daemon import Daemon
from tests.crashes.end_state import end_state
from tests.crashes.lifetime import Kill, Killed, Lifetime, When
from tests.crashes.prefix import Prefix, noise, vector_of
from tests.world import KEY, World, new_world, pictures

DAY, NEXT_DAY = "2026-11-18", "2026-11-19"
LOCK_IS_PUT = "PutObject _batch_assets.jsonl"
JOB_IS_CREATED = "CreateModelInvocationJob"
JOB_IS_RECORDED = "PutObject batch_job"

pytestmark = pytest.mark.filterwarnings("ignore:Implicitly cleaning up:ResourceWarning")  # the dead clean nothing up


@pytest.fixture
def hive(aws: Aws) -> Iterator[World]:
    """A deployment whose partitions share a folder that one job may use at a time."""
    with new_world(aws, prefix_template="photos/dt=%Y-%m-%d/", first_partition=DAY) as world:
        yield world


class _UntilCall(Lifetime):
    """Ends at the first call of a name."""

    def __init__(self, name: str, when: When) -> None:
        super().__init__()
        self._name, self._when = name, when

    def _reach(self, moment: Kill) -> None:
        if moment.when == self._when and str(self.calls[moment.call - 1]) == self._name:
            self.kill = moment
        super()._reach(moment)


class _BeforeCall(Lifetime):
    """Lets something happen before the first call of a name; to be sure that it is one, other threads wait."""

    def __init__(self, name: str, happens: Callable[[], None]) -> None:
        super().__init__()
        self._name, self._happens, self._once = name, happens, threading.Lock()
        self._happened = False

    def _reach(self, moment: Kill) -> None:
        if moment.when == "before" and str(self.calls[moment.call - 1]) == self._name:
            with self._once, self.suspended():
                if not self._happened:
                    self._happens()
                self._happened = True
        super()._reach(moment)


def _vector(world: World, name: str) -> list[float]:
    """The vector of a picture in the table."""
    table = world.table("embedding_table").rows()
    vectors = dict(zip(table["key"].to_pylist(), table["embedding"].to_pylist(), strict=True))
    vector: list[float] = vectors[f"photos/{KEY}/{name}"]
    return vector


def plan_until(world: World, call: str, when: When = "after", *, key: str = KEY) -> None:
    """Plan a partition in a process that dies at the first call of this name."""
    with _UntilCall(call, when).running(), pytest.raises(Killed):
        world.plan(key)


def come_to_rest(world: World, *keys: str) -> None:
    """The schedule plans, and the sensors do the rest."""
    daemon = Daemon(world)
    daemon.plan(*(keys or (KEY,)))
    daemon.settle()


@pytest.mark.parametrize("call", [LOCK_IS_PUT, JOB_IS_CREATED])
def test_nothing_is_left_in_the_lane_when_all_pictures_are_gone_after_a_death(world: World, call: str) -> None:
    """The next plan has nothing to send, and takes away what the dead run left."""
    world.put(pictures(100))
    plan_until(world, call)
    world.delete(*pictures(100))
    come_to_rest(world)
    assert end_state(world).stray == ()


def test_nothing_is_left_in_the_lane_when_the_rest_is_held_after_a_death(aws: Aws) -> None:
    """99 pictures are too few for a job; the manifest of 100 that the dead run left is of no use."""
    with new_world(aws, under_minimum="hold") as world:
        world.put(pictures(100))
        plan_until(world, LOCK_IS_PUT)
        world.delete("0000.png")
        come_to_rest(world)
        assert end_state(world).stray == ()


def test_a_job_that_nobody_recorded_is_loaded_though_the_pictures_have_changed(world: World) -> None:
    """It is found by the file in its lane, and only what it does not know is paid for."""
    world.put(pictures(100))
    plan_until(world, JOB_IS_CREATED)
    world.put(pictures(100, first=100))
    world.finish_jobs()
    come_to_rest(world)
    assert [job["totalRecordCount"] for job in world.jobs()] == [100, 100]
    assert len(world.vectors()) == 200


def test_a_job_that_nobody_recorded_is_safe_from_its_neighbour(hive: World) -> None:
    """The file in the shared folder is all that tells of its results: the other partition waits for their load."""
    hive.put(pictures(100), DAY)
    hive.put(pictures(100, first=200), NEXT_DAY)
    plan_until(hive, JOB_IS_CREATED, key=DAY)
    hive.put(pictures(1, first=100), DAY)
    hive.finish_jobs()
    told = hive.plan(NEXT_DAY).metadata["batch_job"]
    assert (told["state"], f"of partition {DAY}" in told["reason"]) == ("queued", True)
    come_to_rest(hive, DAY)
    assert [job["totalRecordCount"] for job in hive.jobs()] == [100, 100]
    assert len(hive.vectors()) == 201


@pytest.mark.soak
def test_a_neighbour_of_a_job_that_nobody_recorded_does_not_wait_for_a_person(hive: World) -> None:
    """Nothing else in the event log tells of that job: the neighbour names its partition, and a sensor plans it."""
    hive.put(pictures(100), DAY)
    hive.put(pictures(100, first=200), NEXT_DAY)
    plan_until(hive, JOB_IS_CREATED, key=DAY)
    assert hive.plan(NEXT_DAY).metadata["batch_job"]["unrecorded_partition"] == DAY
    assert hive.tick("submission_sensor").partitions[0] == DAY
    hive.settle()
    assert [job["totalRecordCount"] for job in hive.jobs()] == [100, 100]
    assert len(hive.vectors()) == 200


def test_a_lane_is_not_kept_for_a_dead_run_that_paid_for_nothing(hive: World) -> None:
    """The neighbour's job was never created, so its folder is free."""
    hive.put(pictures(100), DAY)
    hive.put(pictures(100, first=200), NEXT_DAY)
    plan_until(hive, LOCK_IS_PUT, key=DAY)
    assert hive.plan(NEXT_DAY).metadata["batch_job"]["state"] == "submitted"


@pytest.mark.soak
def test_what_was_embedded_on_demand_before_a_death_is_not_sent_with_a_job(world: World) -> None:
    """The tail has grown into a job meanwhile: it holds only the pictures that have no result."""
    world.put(pictures(20))
    plan_until(world, JOB_IS_RECORDED, "before")
    world.put(pictures(100, first=20))
    come_to_rest(world)
    assert [job["totalRecordCount"] for job in world.jobs()] == [100]
    assert len(world.vectors()) == 120


def test_a_manifest_that_was_loaded_is_not_sent_again(world: World) -> None:
    """Materialised alone, the job has an old manifest before it: all of its pictures have vectors by now."""
    world.put(pictures(100))
    world.embed()
    with pytest.raises(dg.Failure, match="100 of its pictures have a vector or were refused meanwhile"):
        world.materialize("batch_job")
    assert len(world.jobs()) == 1


def test_the_next_attempt_of_a_manifest_is_loaded_though_a_picture_was_written_anew(world: World) -> None:
    """The same bytes at another time: the copy that the loader reads is that of this attempt."""
    prefix = Prefix(world, KEY)
    prefix.put({f"{number}.png": noise(number) for number in range(100)})
    world.fault(expire=True, times=1)
    world.embed()
    prefix.past = dict(prefix.objects)
    prefix.restore("7.png")
    come_to_rest(world)
    assert [job["status"] for job in world.jobs()] == ["Expired", "Completed"]
    assert len(world.vectors()) == 100


def test_a_picture_that_changed_while_its_job_ran_and_changed_back_has_its_own_vector(world: World) -> None:
    """Bedrock has read other bytes than those that were there before and after."""
    prefix = Prefix(world, KEY)
    prefix.put({f"{number}.png": noise(number) for number in range(101)})
    world.plan()
    prefix.put({"7.png": noise(999)})
    world.finish_jobs()
    prefix.restore("7.png")
    come_to_rest(world)
    assert _vector(world, "7.png") == pytest.approx(vector_of(noise(7)).tolist(), abs=1e-5)


def test_a_picture_that_is_overwritten_before_its_on_demand_call_and_changed_back_has_its_own_vector(
    world: World,
) -> None:
    """What the model made of the other bytes is not kept."""
    prefix = Prefix(world, KEY)
    prefix.put({f"{number}.png": noise(number) for number in range(4)})
    with _BeforeCall("InvokeModel", lambda: prefix.put({"3.png": noise(999)})).running():
        world.plan()
    world.settle()
    prefix.restore("3.png")
    come_to_rest(world)
    assert _vector(world, "3.png") == pytest.approx(vector_of(noise(3)).tolist(), abs=1e-5)


def test_a_picture_that_was_missing_at_its_on_demand_call_is_embedded_when_it_is_back(world: World) -> None:
    """That the model could not read it was no fault of the picture."""
    prefix = Prefix(world, KEY)
    prefix.put({f"{number}.png": noise(number) for number in range(4)})
    with _BeforeCall("InvokeModel", lambda: prefix.delete(["3.png"])).running():
        world.plan()
    world.settle()
    prefix.restore("3.png")
    come_to_rest(world)
    assert len(world.vectors()) == 4
