"""Budgets as a person meets them in Dagster, and runs that are cancelled."""

import os
import signal
import threading
from collections.abc import Iterator
from decimal import Decimal

import pytest
from dagster._core.errors import DagsterExecutionInterruptedError

from tests.conftest import Aws, wait_for
from tests.world import KEY, NEXT_KEY, World, new_world, pictures

ALLOW = {"allow_over_budget": True}


@pytest.fixture
def poor(aws: Aws) -> Iterator[World]:
    """A deployment whose partitions may cost less than 100 pictures do, and in which 100 pictures lie."""
    with new_world(aws, max_cost_per_partition_usd=Decimal("0.002")) as world:
        world.put(pictures(100))
        yield world


def test_above_the_partitions_budget_the_check_shows_the_numbers(poor: World) -> None:
    """Nothing is submitted; state, check and metadata say what it would cost and what is allowed."""
    run = poor.plan()
    told, check = run.metadata["batch_job"], run.checks["manifest_is_with_bedrock"]
    assert (told["state"], told["cost_usd"], check.passed, poor.jobs()) == ("held", 0, False, [])
    numbers = "100 records in a batch job cost 0.003 USD"
    assert numbers in told["reason"]
    assert numbers in (check.description or "")
    assert "BATCH_ASSETS_MAX_COST_PER_PARTITION_USD=0.002" in told["reason"]
    assert run.metadata["batch_manifest"]["cost_usd"] == 0.003


def test_neither_sensors_nor_schedule_pass_a_partitions_budget(poor: World) -> None:
    """The flag in a schedule's run is no person's word."""
    poor.plan()
    poor.settle()
    told = poor.plan(by_schedule=True, config=ALLOW).metadata["batch_job"]
    assert (told["state"], poor.jobs()) == ("held", [])


def test_a_person_allows_it_once(poor: World) -> None:
    """The manifest goes out; the next one is judged anew, with what this one has cost."""
    assert poor.plan(config=ALLOW).metadata["batch_job"]["state"] == "submitted"
    poor.settle()
    assert len(poor.vectors()) == 100
    poor.put(pictures(100, first=500))
    told = poor.plan().metadata["batch_job"]
    assert told["state"] == "held"
    assert "with what the partition has cost before 0.006 USD" in told["reason"]


def test_a_raised_budget_needs_only_another_plan(poor: World) -> None:
    """Also by the schedule: it was held by a setting, not by a person."""
    poor.plan()
    with new_world(
        poor.aws, source_bucket=poor.settings.source_bucket, vector_bucket=poor.settings.vector_bucket
    ) as richer:
        assert richer.plan(by_schedule=True).metadata["batch_job"]["state"] == "submitted"


def test_a_persons_word_holds_while_the_quota_is_full(aws: Aws) -> None:
    """The sensor submits later what the person has allowed."""
    with new_world(aws, max_live_jobs=1, max_cost_per_partition_usd=Decimal("0.0031")) as world:
        world.put(pictures(100, first=500), NEXT_KEY)
        world.plan(NEXT_KEY)
        world.put(pictures(200))
        assert world.plan(config=ALLOW).metadata["batch_job"]["state"] == "queued"
        world.settle()
        assert len(world.vectors()) == 300


def test_a_persons_word_is_for_the_manifest_that_it_was_given_for(aws: Aws) -> None:
    """More pictures came while it was queued: that is another sum."""
    with new_world(aws, max_live_jobs=1, max_cost_per_partition_usd=Decimal("0.0031")) as world:
        world.put(pictures(100, first=500), NEXT_KEY)
        world.plan(NEXT_KEY)
        world.put(pictures(200))
        world.plan(config=ALLOW)
        world.put(pictures(400))
        world.settle()
        assert world.rows("batch_job")[-1]["state"] == "held"
        assert len(world.vectors()) == 100


def test_what_a_full_day_leaves_is_queued_and_tried_again(aws: Aws) -> None:
    """The sensor asks again, with growing pauses, and nothing more is paid meanwhile."""
    with new_world(aws, max_cost_per_day_usd=Decimal("0.004")) as world:
        for number, key in enumerate((KEY, NEXT_KEY)):
            world.put(pictures(100, first=100 * number), key)
        assert world.plan(KEY).metadata["batch_job"]["state"] == "submitted"
        told = world.plan(NEXT_KEY).metadata["batch_job"]
        assert told["state"] == "queued"
        assert "BATCH_ASSETS_MAX_COST_PER_DAY_USD=0.004" in told["reason"]
        first = world.tick("submission_sensor")
        assert first.partitions == [NEXT_KEY]
        assert world.launch(first)[0].metadata["batch_job"]["state"] == "queued"
        assert world.tick("submission_sensor").requests == []
        assert len(world.jobs()) == 1


def test_a_second_instance_counts_on_the_same_day(aws: Aws) -> None:
    """The day's table lies beside the other tables: whoever works on them shares the budget."""
    with new_world(aws, max_cost_per_day_usd=Decimal("0.004")) as world:
        for number, key in enumerate((KEY, NEXT_KEY)):
            world.put(pictures(100, first=100 * number), key)
        world.plan(KEY)
        same = {name: getattr(world.settings, name) for name in ("source_bucket", "vector_bucket", "role_arn")}
        with new_world(aws, max_cost_per_day_usd=Decimal("0.004"), **same) as second:
            assert second.plan(NEXT_KEY).metadata["batch_job"]["state"] == "queued"


def test_cancelling_a_run_leaves_its_paid_job_alone(world: World) -> None:
    """The run is interrupted while Bedrock answers; the job goes on, and the next run finds it by its name."""
    world.put(pictures(100))
    world.fault(service="bedrock", operation="GetModelInvocationJob", times=1, latency_seconds=4)

    def cancel() -> None:
        wait_for(world.jobs, what="the job to be submitted")
        os.kill(os.getpid(), signal.SIGINT)

    person = threading.Thread(target=cancel)
    person.start()
    with pytest.raises((DagsterExecutionInterruptedError, KeyboardInterrupt)):
        world.plan()
    person.join()
    assert [job["status"] for job in world.jobs()] == ["Submitted"]
    assert world.rows("batch_manifest") != []
    assert world.plan().metadata["batch_job"]["state"] == "attached"
    world.settle()
    assert [job["status"] for job in world.jobs()] == ["Completed"]
    assert len(world.vectors()) == 100


def test_only_answered_records_count_as_paid(world: World) -> None:
    """A job that failed while it was validated has cost nothing, whatever its manifest would have."""
    world.put(pictures(100))
    world.fault(fail_job="no", times=1)
    world.embed()
    world.plan()
    world.finish_jobs()
    world.load()
    world.plan()
    assert [(row["answered"], row["loaded"]) for row in world.rows("batch_job")[:2]] == [(0, True), (100, True)]
