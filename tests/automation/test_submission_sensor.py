"""The submission sensor: it drains what is queued, and plans again what a job has left."""

import time

from tests.conftest import Aws
from tests.world import KEY, NEXT_KEY, World, new_world, pictures

SENSOR = "submission_sensor"
HOUR = 3600


def test_nothing_to_do_is_said(world: World) -> None:
    """An empty deployment asks for nothing."""
    assert world.tick(SENSOR).reason == "no partition is queued or incomplete"


def test_what_the_quota_holds_back_is_submitted_when_there_is_room(aws: Aws) -> None:
    """One job at a time is allowed: the second partition is queued, and sent when the first has ended."""
    with new_world(aws, max_live_jobs=1) as world:
        for number, key in enumerate((KEY, NEXT_KEY)):
            world.put(pictures(100, first=100 * number), key)
        world.plan(KEY)
        queued = world.plan(NEXT_KEY)
        assert queued.metadata["batch_job"]["state"] == "queued"
        assert queued.checks["manifest_is_with_bedrock"].passed
        full = world.tick(SENSOR)
        assert (full.requests, full.reason) == (
            [],
            "1 partitions are to be submitted; the account's 1 live batch jobs are in use",
        )
        world.finish_jobs()
        free = world.tick(SENSOR)
        assert free.partitions == [NEXT_KEY]
        (run,) = world.launch(free)
        assert run.metadata["batch_job"]["state"] == "submitted"


def test_two_looks_at_once_want_the_same_run(aws: Aws) -> None:
    """A queued partition is submitted once, however many looks find it."""
    with new_world(aws, max_live_jobs=1) as world:
        for number, key in enumerate((KEY, NEXT_KEY)):
            world.put(pictures(100, first=100 * number), key)
            world.plan(key)
        world.finish_jobs()
        keys = [[request.run_key for request in look.tick(SENSOR).requests] for look in (world, world.restarted())]
        assert keys[0] == keys[1]
        assert len(keys[0]) == 1


def test_a_partition_that_stays_queued_is_tried_at_growing_pauses(world: World) -> None:
    """A lock that nobody of ours put there does not go away by itself: no run every half minute, and no end either."""
    world.put(pictures(100))
    world.put_objects({f"photos/{KEY}/_batch_assets.jsonl": b"whose?"})
    world.plan()
    now = time.time()
    for _ in range(world.settings.max_load_attempts + 1):
        world.launch(world.tick(SENSOR, now=now))
        assert world.tick(SENSOR).requests == []
        now = time.time() + HOUR + 1
    world.delete("_batch_assets.jsonl")
    (run,) = world.launch(world.tick(SENSOR, now=now))
    assert run.metadata["batch_job"]["state"] == "submitted"


def test_a_partition_larger_than_a_job_goes_in_equal_waves(aws: Aws) -> None:
    """250 pictures at 200 a job are 125 and 125, one after the other, by the sensors alone."""
    with new_world(aws, max_records_per_job=200) as world:
        world.put(pictures(250))
        told = world.plan().metadata["batch_manifest"]
        assert (told["records"], told["later"]) == (125, 125)
        world.settle()
        assert [job["totalRecordCount"] for job in world.jobs()] == [125, 125]
        assert len(world.vectors()) == 250


def test_what_was_left_is_planned_once(patient: World) -> None:
    """A rest under the minimum is held by the run, and asks for no other run."""
    patient.put(pictures(110))
    patient.fault(partial_after=100, times=1)
    patient.embed()
    tick = patient.tick(SENSOR)
    assert tick.partitions == [KEY]
    (run,) = patient.launch(tick)
    assert run.metadata["batch_job"]["state"] == "held"
    assert patient.tick(SENSOR).requests == []


def test_a_partition_whose_run_has_not_ended_is_left_to_it(world: World) -> None:
    """One writer a partition."""
    world.put(pictures(110))
    world.fault(partial_after=100, times=1)
    world.embed()
    world.begin_run("plan_and_submit", KEY)
    tick = world.tick(SENSOR)
    assert tick.requests == []
    assert f"{KEY}: a run is under way" in tick.reason
