"""The completion sensor with a queue of events: sooner, for fewer calls, and never otherwise than without."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import boto3
import dagster as dg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch_assets.automation.adoption import Adoption
from batch_assets.automation.completion import ASSETS, Look, verdict
from batch_assets.automation.event_log import Verdicts, observations
from batch_assets.bedrock.job_events import DETAIL_TYPE, EventQueue
from batch_assets.sandbox.config import ACCESS_KEY_ID
from tests.conftest import TESTS, Aws, wait_for
from tests.event_queues import Made, events_queue
from tests.world import KEY, NEXT_KEY, World, new_world, pictures

SENSOR = "completion_sensor"
KEYS = ["2026/11/18", "2026/11/19", "2026/11/20"]
POLL_SECONDS, INTERVAL_SECONDS = 300, 5
MAX_RECEIVES = 40
STATUSES = ("Submitted", "Validating", "Scheduled", "InProgress", "Stopping", "Stopped", "Failed", "Completed")


@pytest.fixture
def queue(aws: Aws) -> Iterator[Made]:
    """A queue as the template makes it, but that messages may be received many times."""
    with events_queue(aws, max_receives=MAX_RECEIVES) as made:
        yield made


@pytest.fixture
def told(aws: Aws, queue: Made) -> Iterator[World]:
    """A deployment with a queue of events, and a batch job that was seen to be submitted."""
    with new_world(aws, events_queue_url=queue.url) as world:
        world.put(pictures(100))
        world.plan()
        yield world


@dataclass
class Sensor:
    """Looks that follow each other as the daemon's do: cursor and observations are kept, time is told."""

    world: World
    queue: EventQueue | None
    now: float = 1_800_000_000.0
    cursor: str | None = None
    runs: list[tuple[str, str]] = field(default_factory=list)

    def look(self, *, after_seconds: float = INTERVAL_SECONDS) -> dg.SensorResult:
        """One look; what it wants is noted by partition and run key, each once as in Dagster."""
        self.now += after_seconds
        world, current = self.world, Verdicts(ASSETS, verdict).current(self.world.instance)
        look = Look(world.settings, world.instance, world.aws.bedrock, current, self.queue, self.cursor, now=self.now)
        result = look.result()
        self.cursor = result.cursor
        for event in result.asset_events:
            self.world.instance.report_runless_asset_event(event)
        wanted = [(str(request.partition_key), str(request.run_key)) for request in result.run_requests or []]
        self.runs += [run for run in wanted if run not in self.runs]
        return result


def sensor_of(world: World, queue: Made, *, invisible_seconds: int = 60) -> Sensor:
    """A sensor of this queue; if it is the deployment's, with the access key of the pipeline."""
    key = ACCESS_KEY_ID if world.settings.events_queue_url else TESTS
    reader = Aws(world.aws.sandbox, boto3.Session(key, key, region_name="us-east-1"))
    return Sensor(world, EventQueue(reader.client("sqs"), queue.url, invisible_seconds))


def lists(aws: Aws) -> int:
    """Calls of ListModelInvocationJobs since this was asked last."""
    counted = aws.control("calls").get("bedrock", {}).get("ListModelInvocationJobs", {}).get("calls", 0)
    aws.control("calls", method="DELETE")
    return int(counted)


def reason(result: dg.SensorResult) -> str:
    skip = result.skip_reason
    return (skip.skip_message if isinstance(skip, dg.SkipReason) else skip) or ""


def body(arn: str, status: str) -> str:
    """An event as EventBridge puts it into the queue."""
    detail = {"batchJobArn": arn, "status": status}
    return json.dumps({"source": "aws.bedrock", "detail-type": DETAIL_TYPE, "detail": detail})


def end_the_job(world: World, queue: Made) -> None:
    """Let the job end, and its event arrive."""
    arn = str(world.jobs()[0]["jobArn"])
    world.end_jobs()
    wait_for(lambda: queue.tells_of(arn), what="the event")
    lists(world.aws)


def test_the_end_of_a_job_is_learnt_without_listing_jobs(told: World, queue: Made) -> None:
    """The event says whom to ask, and the message goes when the log holds the answer, not before."""
    sensor = sensor_of(told, queue, invisible_seconds=0)
    sensor.look()
    end_the_job(told, queue)
    result = sensor.look()
    assert [run for run, _ in sensor.runs] == [KEY]
    assert [event.metadata["status"].value for event in result.asset_events] == ["Completed"]
    assert queue.number() == 1
    sensor.look()
    assert (queue.number(), lists(told.aws)) == (0, 0)


def test_the_sensor_itself_reads_the_queue_of_the_settings(told: World, queue: Made) -> None:
    """As the daemon calls it; and it looks more often than without a queue."""
    end_the_job(told, queue)
    assert told.tick(SENSOR).partitions == [KEY]
    assert queue.number() == 1
    sensor = told.definitions.get_repository_def().get_sensor_def(SENSOR)
    assert sensor.minimum_interval_seconds == INTERVAL_SECONDS


def test_a_quiet_queue_costs_no_call_of_bedrock_until_the_poll(told: World, queue: Made) -> None:
    """The safety net is as coarse as the setting says."""
    sensor = sensor_of(told, queue)
    sensor.look()
    lists(told.aws)
    for _ in range(POLL_SECONDS // INTERVAL_SECONDS - 1):
        assert reason(sensor.look()) == "waiting for batch jobs: 1 Submitted"
    assert lists(told.aws) == 0
    sensor.look()
    assert lists(told.aws) == 1


def test_a_lost_event_is_made_up_for_by_the_poll(told: World, queue: Made) -> None:
    """The queue has nothing to give, and the job is loaded all the same."""
    sensor = sensor_of(told, queue)
    sensor.look()
    end_the_job(told, queue)
    queue.receive()
    sensor.look()
    assert sensor.runs == []
    sensor.look(after_seconds=POLL_SECONDS)
    assert [run for run, _ in sensor.runs] == [KEY]


def test_a_new_job_is_looked_at_at_once(told: World, queue: Made) -> None:
    """Its event may have come before the log held the job: what was attached may have ended long ago."""
    sensor = sensor_of(told, queue)
    sensor.look()
    lists(told.aws)
    told.put(pictures(100, first=100), NEXT_KEY)
    told.plan(NEXT_KEY)
    lists(told.aws)
    sensor.look()
    assert lists(told.aws) == 1
    sensor.look()
    assert lists(told.aws) == 0


def test_an_event_is_no_fact(told: World, queue: Made) -> None:
    """A job that has not ended by Bedrock's word is not loaded, whatever a message says; the message stays."""
    sensor = sensor_of(told, queue)
    queue.send(body(told.jobs()[0]["jobArn"], "Completed"))
    for _ in range(3):
        assert "1 Submitted" in reason(sensor.look())
    assert (sensor.runs, queue.number()) == ([], 1)


def test_what_is_not_understood_stays_for_the_redrive_policy(told: World, queue: Made) -> None:
    """It may be somebody else's. It stalls nothing, is named, and ends among the dead letters."""
    strange = {"no json", json.dumps({"source": "aws.s3"})}
    sensor = sensor_of(told, queue, invisible_seconds=0)
    sensor.look()
    end_the_job(told, queue)
    queue.send(*strange)
    sensor.look()
    assert [run for run, _ in sensor.runs] == [KEY]
    sensor.look()
    assert queue.number() == len(strange)
    dead = Made(told.aws, queue.rule, queue.dead_letters_url, "")

    def dead_letters() -> set[str]:
        sensor.look()
        return {message["Body"] for message in dead.receive(invisible_seconds=0)}

    wait_for(lambda: dead_letters() == strange, what="the dead letters")
    assert queue.number() == 0


def test_events_of_others_are_deleted(told: World, queue: Made) -> None:
    """The rule takes every job of the account whose name begins as ours do."""
    sensor = sensor_of(told, queue)
    queue.send(body("arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/abcdefghijkl", "Completed"))
    assert "1 Submitted" in reason(sensor.look())
    assert queue.number() == 0


def test_a_queue_that_does_not_answer_means_polling_as_before(told: World, queue: Made) -> None:
    """With the pause of the sensor's setting, and the reason says so."""
    sensor = sensor_of(told, queue)
    sensor.look()
    end_the_job(told, queue)
    told.fault(service="sqs", error={"code": "AccessDenied", "status": 403, "message": "not yours"})
    assert "Bedrock is asked instead: events cannot be received from" in reason(sensor.look())
    assert lists(told.aws) == 0
    sensor.look(after_seconds=told.settings.sensor_interval_seconds)
    assert lists(told.aws) == 1
    assert [run for run, _ in sensor.runs] == [KEY]


def test_a_recorded_end_is_not_asked_for_again(told: World) -> None:
    """Also without a queue: nothing but the load is left to do."""
    sensor = Sensor(told, None)
    told.end_jobs()
    sensor.look()
    lists(told.aws)
    sensor.look()
    assert lists(told.aws) == 0
    assert [run for run, _ in sensor.runs] == [KEY]


@pytest.fixture(scope="module")
def three_jobs(aws: Aws) -> Iterator[World]:
    """Three partitions whose jobs have ended, which no sensor has seen yet."""
    with new_world(aws) as world:
        for number, key in enumerate(KEYS):
            world.put(pictures(100, first=100 * number), key)
            world.plan(key)
        world.end_jobs()
        yield world


PARTS = st.one_of(
    st.tuples(st.integers(0, 2), st.sampled_from(STATUSES)),
    st.just("no event"),
    st.just("another's"),
    st.just("look"),
)


@settings(max_examples=15, deadline=None)
@given(parts=st.lists(PARTS, max_size=12))
def test_whatever_events_come_the_end_is_the_same(three_jobs: World, parts: list[Any]) -> None:
    """Lost, doubled, late, out of order, wrong and foreign ones: each job is loaded once and observed as it ended."""
    arns = [str(job["jobArn"]) for job in three_jobs.jobs()]
    with dg.DagsterInstance.ephemeral() as instance, events_queue(three_jobs.aws, max_receives=1000) as queue:
        world = replace(three_jobs, instance=instance)
        Adoption(world.settings, instance, world.tables).adopt()
        sensor = sensor_of(world, queue, invisible_seconds=0)
        for part in parts:
            if part == "look":
                sensor.look()
            elif part == "no event":
                queue.send("{}")
            elif part == "another's":
                queue.send(body(f"{arns[0]}0", "Completed"))
            else:
                queue.send(body(arns[part[0]], part[1]))
        sensor.look(after_seconds=POLL_SECONDS)
        sensor.look(after_seconds=POLL_SECONDS)
        plain = Sensor(world, None)
        plain.look()
        assert sorted(sensor.runs) == sorted(plain.runs)
        assert [key for key, _ in sorted(sensor.runs)] == KEYS
        seen = observations(instance, "batch_job", KEYS)
        assert {event.metadata["status"] for event in seen.values()} == {"Completed"}
        assert {message["Body"] for message in queue.receive(invisible_seconds=30)} <= {"{}"}
