"""What a queue of events gains in half an hour in which ten jobs end: calls of Bedrock, and seconds until a load."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import fmean

import pytest

from batch_assets.automation.completion import ASSETS, Look, verdict
from batch_assets.automation.event_log import Verdicts
from batch_assets.bedrock.job_events import EventQueue
from batch_assets.bedrock.jobs import ENDED_STATUSES
from tests.conftest import Aws, wait_for
from tests.event_queues import events_queue
from tests.world import World, new_world, pictures, still_sandbox

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1200)]

WATCHED_SECONDS, JOBS, BETWEEN_SECONDS = 1860, 10, 143
JOB_TAKES = timedelta(seconds=1800)


@dataclass
class Watched:
    """What half an hour came to: service calls by name, and for each load how long its job had ended."""

    calls: dict[str, int]
    waited_seconds: list[float]


@pytest.fixture(autouse=True, scope="module")
def _still_sandbox(aws: Aws) -> Iterator[None]:
    with still_sandbox(aws):
        yield


def test_half_an_hour_with_and_without_a_queue(aws: Aws, record_property: Callable[[str, object], None]) -> None:
    """A third of the calls of Bedrock and of the wait, or less."""
    with events_queue(aws) as made:
        found = {
            "polling": half_an_hour(aws, None, interval_seconds=30),
            "events": half_an_hour(aws, made.url, interval_seconds=5),
        }
    for name, watched in found.items():
        record_property(f"{name}: calls", watched.calls)
        record_property(f"{name}: mean seconds to load", round(fmean(watched.waited_seconds), 1))
        assert len(watched.waited_seconds) == JOBS
    polling, events = found["polling"], found["events"]
    assert bedrock(events) * 3 < bedrock(polling)
    assert fmean(events.waited_seconds) * 3 < fmean(polling.waited_seconds)


def bedrock(watched: Watched) -> int:
    """Calls of Bedrock."""
    return sum(number for name, number in watched.calls.items() if name.startswith("bedrock."))


def half_an_hour(aws: Aws, queue_url: str | None, *, interval_seconds: int) -> Watched:
    """Submit jobs one after the other, then let half an hour pass look by look; nothing is loaded, only wanted."""
    with new_world(aws, first_partition="2026/11/01", events_queue_url=queue_url or "") as world:
        for number in range(JOBS):
            key = f"2026/11/{number + 1:02}"
            world.put(pictures(100, first=100 * number), key)
            world.plan(key)
            aws.advance(BETWEEN_SECONDS)
        return _watched(world, queue_url, interval_seconds)


def _watched(world: World, queue_url: str | None, interval_seconds: int) -> Watched:
    aws = world.aws
    queue = EventQueue(aws.client("sqs"), queue_url, invisible_seconds=1) if queue_url else None
    submitted = {str(job["jobArn"]): job["submitTime"] for job in world.jobs()}
    aws.control("calls", method="DELETE")
    cursor: str | None = None
    seen_at: dict[str, datetime] = {}
    verdicts = Verdicts(ASSETS, verdict)
    for second in range(0, WATCHED_SECONDS, interval_seconds):
        aws.advance(interval_seconds)
        now: datetime = wait_for(lambda: _settled(aws, submitted), what="the jobs that are due to end")
        current = verdicts.current(world.instance)
        look = Look(world.settings, world.instance, aws.bedrock, current, queue, cursor, now=1.8e9 + second)
        result = look.result()
        cursor = result.cursor
        for event in result.asset_events:
            world.instance.report_runless_asset_event(event)
        for run in result.run_requests or []:
            seen_at.setdefault(str(run.partition_key), now)
    calls = {
        f"{service}.{operation}": int(told["calls"])
        for service, operations in aws.control("calls").items()
        for operation, told in operations.items()
    }
    return Watched(calls, [(seen_at[key] - ended).total_seconds() for key, ended in _due(world).items()])


def _settled(aws: Aws, submitted: Mapping[str, datetime]) -> datetime | None:
    """The sandbox's time, once every job that is due by it has ended."""
    state = aws.control("state")
    now = datetime.fromisoformat(state["clock"]["now"])
    due = {arn for arn, moment in submitted.items() if now - moment >= JOB_TAKES}
    live = {job["arn"] for job in state["jobs"] if job["status"] not in ENDED_STATUSES}
    return None if live & due else now


def _due(world: World) -> dict[str, datetime]:
    """When the job of each partition was due to end: the clock stands still between looks, so none ended earlier."""
    prefix = len(f"s3://{world.settings.source_bucket}/")
    return {
        world.settings.template.key(job["inputDataConfig"]["s3InputDataConfig"]["s3Uri"][prefix:]): job["submitTime"]
        + JOB_TAKES
        for job in world.jobs()
    }
