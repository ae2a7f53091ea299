"""The completion sensor: it sees jobs end, loads their partitions, and tells how they get on."""

import time
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pytest

from tests.conftest import Aws, wait_for
from tests.world import KEY, NEXT_KEY, World, new_world, pictures

SENSOR = "completion_sensor"
MINUTE, DAY = 60, 86_400
BROKEN = {"code": "ValidationException", "status": 400, "message": "injected"}


@pytest.fixture
def flying(world: World) -> World:
    """A world with a batch job that was just submitted."""
    world.put(pictures(100))
    world.plan()
    return world


def test_nothing_to_do_is_said(world: World) -> None:
    """An empty deployment is waited for in peace."""
    assert world.tick(SENSOR).reason == "no batch job is in flight"


def test_it_says_what_it_waits_for(flying: World) -> None:
    """The skip reason counts the jobs by their status."""
    assert flying.tick(SENSOR).reason == "waiting for batch jobs: 1 Submitted"


def test_each_status_is_observed_once(flying: World) -> None:
    """A look that finds nothing new reports nothing, also after a restart."""
    assert flying.tick(SENSOR).statuses == ["Submitted"]
    assert flying.tick(SENSOR).statuses == []
    flying.aws.advance(1000)
    arn = flying.jobs()[0]["jobArn"]
    flying.aws.wait_for_job(arn, "InProgress")
    assert flying.tick(SENSOR).statuses == ["InProgress"]
    assert flying.tick(SENSOR, now=time.time() + 30).statuses == []


def test_progress_is_observed_at_most_every_ten_minutes(flying: World) -> None:
    """Half the records are done, but the last report is fresh; later it is not."""
    flying.aws.advance(1000)
    arn = flying.jobs()[0]["jobArn"]
    flying.aws.wait_for_job(arn, "InProgress")
    flying.tick(SENSOR)
    flying.aws.advance(350)
    wait_for(lambda: flying.jobs()[0]["processedRecordCount"] >= 30, what="the job to process a third")
    soon, later = time.time() + 5 * MINUTE, time.time() + 11 * MINUTE
    assert flying.tick(SENSOR, now=soon).statuses == []
    assert flying.tick(SENSOR, now=later).statuses == ["InProgress"]


def test_an_ended_job_is_loaded(flying: World) -> None:
    """All three assets of the partition are materialised, and then nothing is left to do."""
    flying.finish_jobs()
    tick = flying.tick(SENSOR)
    assert tick.partitions == [KEY]
    assert tick.statuses == ["Completed"]
    (run,) = flying.launch(tick)
    assert run.metadata.keys() == {"embedding_table", "rejected_images", "vector_index"}
    after = flying.tick(SENSOR)
    assert (after.requests, after.statuses) == ([], [])


def test_two_looks_at_once_want_the_same_run(flying: World) -> None:
    """The run key is the partition's job and the attempt, so Dagster starts one run of the two."""
    flying.finish_jobs()
    first, second = flying.tick(SENSOR), flying.tick(SENSOR)
    assert [request.run_key for request in first.requests] == [request.run_key for request in second.requests]
    assert str(first.requests[0].run_key).endswith("|1")


def test_a_restarted_sensor_wants_the_same_run(flying: World) -> None:
    """What a look remembers is a cache: another process finds the same in the event log."""
    flying.finish_jobs()
    before = flying.tick(SENSOR)
    restarted = flying.restarted()
    assert [request.run_key for request in restarted.tick(SENSOR).requests] == [
        request.run_key for request in before.requests
    ]


def test_a_failed_load_is_tried_again_after_a_pause_and_a_bounded_number_of_times(aws: Aws) -> None:
    """Two attempts are set: the second comes after a minute, and then a person has to look."""
    with new_world(aws, max_load_attempts=2) as world:
        world.plan()
        world.fault(service="s3", operation="ListObjectsV2", error={"code": "AccessDenied", "status": 403})
        first = world.tick(SENSOR)
        world.launch(first, fails=True)
        now = time.time()
        early, second = world.tick(SENSOR, now=now + 30), world.tick(SENSOR, now=now + MINUTE + 1)
        assert early.requests == []
        assert "tried again in" in early.reason
        keys = [str(tick.requests[0].run_key) for tick in (first, second)]
        assert [key.partition("|")[2] for key in keys] == ["1", "2"]
        world.launch(second, fails=True)
        never = world.tick(SENSOR, now=time.time() + DAY)
        assert never.requests == []
        assert "2 runs of load did not bring it about" in never.reason
        assert "by hand" in never.reason


def test_a_load_that_works_the_second_time_is_done(world: World) -> None:
    """The failure was the service's; nothing but the index was left to do."""
    world.plan()
    world.fault(service="s3vectors", operation="CreateIndex", times=1, error=BROKEN)
    world.launch(world.tick(SENSOR), fails=True)
    world.launch(world.tick(SENSOR))
    assert world.tick(SENSOR).requests == []


def test_what_was_held_is_loaded_at_once(patient: World) -> None:
    """There is no job to wait for: the tables can say what waits."""
    patient.put(pictures(3))
    patient.plan()
    tick = patient.tick(SENSOR)
    assert tick.partitions == [KEY]
    patient.launch(tick)
    assert patient.table("embedding_table").facts["waiting"] == 3


def test_a_queued_partition_is_waited_for(aws: Aws) -> None:
    """Queued is no end: it is counted among what is waited for, and not loaded."""
    with new_world(aws, max_live_jobs=1) as world:
        for number, key in enumerate((KEY, NEXT_KEY)):
            world.put(pictures(100, first=100 * number), key)
            world.plan(key)
        tick = world.tick(SENSOR)
        assert (tick.requests, tick.reason) == ([], "waiting for batch jobs: 1 Submitted, 1 queued")


def test_a_job_that_the_service_does_not_know_is_named(world: World) -> None:
    """The service forgets old jobs: the reason says which partition waits for which job, and nothing breaks."""
    arn = "arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/abcdefghijkl"
    submitted_at = dg.MetadataValue.timestamp(datetime(2026, 11, 18, tzinfo=UTC))
    told: dict[str, Any] = {"state": "submitted", "token": arn, "job_arn": arn, "records": 100}
    told["submitted_at"] = submitted_at
    world.instance.report_runless_asset_event(dg.AssetMaterialization("batch_job", partition=KEY, metadata=told))
    tick = world.tick(SENSOR)
    assert tick.requests == []
    assert f"{KEY}: batch job {arn} cannot be read" in tick.reason
