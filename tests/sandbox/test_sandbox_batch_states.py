"""How a batch job moves through its states as virtual time passes."""

from typing import Any

import pytest

from batch_assets.sandbox.bedrock.job import Job, Timeline
from batch_assets.sandbox.clock import VirtualClock
from batch_assets.sandbox.config import JobSchedule
from batch_assets.sandbox.faults.job_rule import JobFaults
from batch_assets.sandbox.server import start
from tests.conftest import Aws, wait_for
from tests.sandbox.conftest import Batch, text_records

COUNTERS = ("totalRecordCount", "processedRecordCount", "successRecordCount", "errorRecordCount")


def counters(job: Any) -> tuple[int, ...]:
    """Return the four counters of a described job."""
    return tuple(job[name] for name in COUNTERS)


def test_a_job_passes_every_state_in_order(batch: Batch) -> None:
    """Submitted, Validating, Scheduled, InProgress, Completed, each when its time has come."""
    batch.put_records(text_records())
    arn = batch.submit()
    seen = [batch.get(arn)["status"]]
    for seconds, status in ((30, "Validating"), (60, "Scheduled"), (810, "InProgress"), (900, "Completed")):
        batch.aws.advance(seconds)
        seen.append(batch.aws.wait_for_job(arn, status)["status"])
    assert seen == ["Submitted", "Validating", "Scheduled", "InProgress", "Completed"]


def test_counters_are_zero_until_work_begins_and_grow_while_it_goes_on(batch: Batch) -> None:
    """They follow the virtual clock, lag by up to a minute and add up."""
    batch.put_records(text_records(200))
    arn = batch.submit()
    batch.aws.advance(899)
    assert counters(batch.aws.wait_for_job(arn, "Scheduled")) == (0, 0, 0, 0)
    batch.aws.advance(1 + 450 + 20)
    half = _wait_for_counter(batch, arn, processed=93)
    assert counters(half) == (200, 93, 93, 0)
    batch.aws.advance(430)
    assert counters(batch.aws.wait_for_job(arn, "Completed")) == (200, 200, 200, 0)


def test_end_and_last_change_are_told(batch: Batch) -> None:
    """A finished job has an end time, no earlier than its schedule."""
    ended = batch.run(text_records())
    assert ended["status"] == "Completed"
    assert ended["lastModifiedTime"] == ended["endTime"]
    assert (ended["endTime"] - ended["submitTime"]).total_seconds() >= 1800


def test_a_job_that_is_stopped_early_writes_nothing(batch: Batch) -> None:
    """Stopping, then Stopped; before the work began there is no output."""
    batch.put_records(text_records())
    arn = batch.submit()
    batch.aws.bedrock.stop_model_invocation_job(jobIdentifier=arn)
    assert batch.get(arn)["status"] == "Stopping"
    batch.aws.advance(30)
    assert counters(batch.aws.wait_for_job(arn, "Stopped")) == (0, 0, 0, 0)
    assert batch.output_names(arn) == []


def test_a_job_that_is_stopped_midway_keeps_what_it_processed(batch: Batch) -> None:
    """The records processed by then are written and counted."""
    batch.put_records(text_records(200))
    arn = batch.submit()
    batch.aws.advance(900 + 450)
    _wait_for_counter(batch, arn, processed=93)
    batch.aws.bedrock.stop_model_invocation_job(jobIdentifier=arn)
    batch.aws.advance(30)
    stopped = batch.aws.wait_for_job(arn, "Stopped")
    # What was shown is a lower bound, what the schedule allowed by then an upper one.
    assert 93 <= stopped["processedRecordCount"] <= 100
    assert len(batch.output(arn)) == stopped["processedRecordCount"]


def test_a_job_too_slow_for_its_timeout_is_partially_completed() -> None:
    """On a schedule longer than the timeout, the records that fit are written."""
    day_seconds = 24 * 3600
    slow = JobSchedule(in_progress_seconds=day_seconds / 2, completed_seconds=day_seconds * 1.5)
    with start(speed=0, schedule=slow) as running:
        batch = Batch(Aws(running), Aws(running).new_bucket())
        batch.put_records(text_records(100))
        arn = batch.submit(timeoutDurationInHours=24)
        batch.aws.advance(day_seconds)
        ended = batch.aws.wait_for_job(arn, "PartiallyCompleted")
        assert counters(ended) == (100, 50, 50, 0)
        assert {line["recordId"] for line in batch.output(arn)} == {f"R{number:06}" for number in range(50)}


def test_a_job_that_waits_longer_than_its_timeout_expires() -> None:
    """On a schedule that never gets to it, nothing is processed."""
    slow = JobSchedule(in_progress_seconds=25 * 3600, completed_seconds=26 * 3600)
    with start(speed=0, schedule=slow) as running:
        batch = Batch(Aws(running), Aws(running).new_bucket())
        batch.put_records(text_records())
        arn = batch.submit(timeoutDurationInHours=24)
        batch.aws.advance(24 * 3600)
        assert counters(batch.aws.wait_for_job(arn, "Expired")) == (0, 0, 0, 0)
        assert batch.output_names(arn) == []


def test_a_fast_clock_runs_a_job_by_itself(aws: Aws) -> None:
    """Nobody moves the clock: at an hour a second a job is done in moments."""
    batch = Batch(aws, aws.new_bucket("photos"))
    batch.put_records(text_records())
    assert aws.wait_for_job(batch.submit(), "Completed", "Failed")["status"] == "Completed"


@pytest.mark.parametrize(
    ("seconds", "is_validated", "status"),
    [
        (0, False, "Submitted"),
        (29, False, "Submitted"),
        (30, False, "Validating"),
        (5000, False, "Validating"),
        (89, True, "Validating"),
        (90, True, "Scheduled"),
        (899, True, "Scheduled"),
        (900, True, "InProgress"),
        (5000, True, "InProgress"),
    ],
)
def test_a_state_is_the_later_of_schedule_and_work(seconds: float, is_validated: bool, status: str) -> None:
    """A job never shows a state that its time or its work has not reached."""
    clock = VirtualClock(speed=0)
    timeline = Timeline.of(clock.now(), JobSchedule(), timeout_hours=24)
    job = Job(arn="a/abcdefghijkl", parameters={}, timeline=timeline, faults=JobFaults())
    if is_validated:
        job.validated(total=100)
    clock.advance(seconds)
    assert job.status(clock.now()) == status


def _wait_for_counter(batch: Batch, arn: str, *, processed: int) -> Any:
    def described() -> Any:
        job = batch.get(arn)
        return job if job["processedRecordCount"] >= processed else None

    return wait_for(described, what=f"{processed} records of {arn}")
