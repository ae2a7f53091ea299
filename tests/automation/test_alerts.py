"""The alerts sensor: what is wrong reaches people once, and again when it was mended and is wrong again."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from batch_assets.alerts.alert import Alert, Kind
from batch_assets.assets.metadata import failed_checks
from batch_assets.automation import alerts, completion
from batch_assets.automation.event_log import Verdicts
from batch_assets.automation.troubles import ALERTED, Standing, standing
from batch_assets.errors import ServiceError
from tests.conftest import Aws
from tests.world import KEY, NEXT_KEY, World, new_world, pictures

HOUR_SECONDS = 3600
MOST_QUERIES = 10


@dataclass
class People:
    """Who is told; `deaf` people raise."""

    heard: list[Alert] = field(default_factory=list)
    deaf: bool = False

    def __call__(self, alert: Alert) -> None:
        """Listen."""
        if self.deaf:
            raise ConnectionError("nobody answers the telephone")
        self.heard.append(alert)

    def new(self) -> list[tuple[Kind, list[str]]]:
        """Kinds and partitions of what was heard since this was asked last."""
        found = [(alert.kind, [partition for partition, _ in alert.troubles]) for alert in self.heard]
        self.heard.clear()
        return found


@pytest.fixture
def people() -> People:
    """Nobody has heard anything yet."""
    return People()


def look(world: World, people: People, *, hours_later: float = 0) -> dg.SensorResult:
    """One look; its observations are stored, as the daemon does."""
    standings = Verdicts(completion.ASSETS, standing, observed=(ALERTED,)).current(world.instance)
    now = time.time() + hours_later * HOUR_SECONDS
    result = alerts.Look(world.settings, world.instance, [people], standings, now=now).result()
    for told in result.asset_events:
        world.instance.report_runless_asset_event(told)
    return result


def reason(result: dg.SensorResult) -> str:
    """What the tick shows."""
    skip = result.skip_reason
    return (skip.skip_message if isinstance(skip, dg.SkipReason) else skip) or ""


def report(world: World, asset: str, key: str = KEY, **told: Any) -> None:
    """A materialisation, as far as sensors read it."""
    world.instance.report_runless_asset_event(dg.AssetMaterialization(asset, partition=key, metadata=told))


def report_loaded(world: World, key: str = KEY, *, version: str = "1", failed_checks: list[str] | None = None) -> None:
    """A partition that is loaded and indexed."""
    failed: dict[str, Any] = {"failed_checks": failed_checks} if failed_checks else {}
    report(world, "batch_job", key, state="nothing_to_do", token="token", fingerprint="")
    table: dict[str, Any] = {"loaded_job": "token", "table_version": version, "remaining": 0, "held": False}
    report(world, "embedding_table", key, **table, **failed)
    report(world, "vector_index", key, indexed_version=version)


def test_nothing_is_said_while_all_is_well(world: World, people: People) -> None:
    """A partition that is loaded, and one whose job is under way."""
    report_loaded(world)
    world.put(pictures(100), NEXT_KEY)
    world.plan(NEXT_KEY)
    assert reason(look(world, people)) == "nothing is wrong"
    assert people.new() == []


def test_a_held_partition_is_told_once(patient: World, people: People) -> None:
    """With its reason; the event log remembers that it was told, and shows it on the partition."""
    patient.put(pictures(3))
    patient.plan()
    look(patient, people)
    (alert,) = people.heard
    assert (alert.kind, alert.subject) == (Kind.HELD, f"batch_assets: {KEY}: pictures are held back")
    assert f"{KEY}: " in alert.text
    assert "What to do: mend the cause, then launch plan_and_submit by hand." in alert.text
    people.new()
    for hours_later in (0, 1, 24):
        look(patient, people, hours_later=hours_later)
    assert people.new() == []


def test_it_is_told_again_after_it_was_mended(patient: World, people: People) -> None:
    """More pictures made a job of it; then the next late ones are held back anew."""
    patient.put(pictures(3))
    patient.plan()
    look(patient, people)
    patient.put(pictures(100))
    patient.embed()
    assert people.new() == [(Kind.HELD, [KEY])]
    look(patient, people)
    patient.put(pictures(103))
    patient.plan()
    look(patient, people)
    assert people.new() == [(Kind.HELD, [KEY])]


def test_an_observation_of_it_leaves_the_index_fresh(patient: World, people: People) -> None:
    """What people were told is no news of the data."""
    patient.put(pictures(100))
    patient.embed()
    patient.put(pictures(103))
    patient.plan()
    before = patient.stale()
    look(patient, people)
    assert people.new() == [(Kind.HELD, [KEY])]
    assert patient.stale() == before


def test_troubles_of_one_kind_are_one_alert(world: World, people: People) -> None:
    """A thousand partitions that wait for the same cure are no thousand mails."""
    for day in range(1, 31):
        report(world, "batch_job", f"2026/11/{day:02}", state="refused", token=f"refused:{day}", reason="foreign files")
    look(world, people)
    (alert,) = people.heard
    assert (alert.kind, len(alert.troubles)) == (Kind.REFUSED, 30)
    assert alert.subject == "batch_assets: 30 partitions: the manifest is refused"
    assert "and 10 more" in alert.text


def test_a_job_older_than_its_timeout_is_told(world: World, people: People) -> None:
    """Bedrock should have ended it; an hour is left for its end to be seen."""
    submitted_at = dg.MetadataValue.timestamp(time.time())
    arn = "arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/abcdefghijkl"
    told: dict[str, Any] = {"state": "submitted", "token": arn, "job_arn": arn, "records": 100}
    report(world, "batch_job", **told, submitted_at=submitted_at)
    timeout = world.settings.job_timeout_hours
    look(world, people, hours_later=timeout + 0.5)
    assert people.new() == []
    look(world, people, hours_later=timeout + 1.9)
    assert "was submitted 26 hours ago, its timeout is 24 hours" in people.heard[0].text
    assert people.new() == [(Kind.OVERDUE, [KEY])]


def test_waiting_too_long_is_told(world: World, people: People) -> None:
    """Its job has ended and the end is recorded, but nothing loads it."""
    world.put(pictures(100))
    world.plan()
    world.end_jobs()
    world.tick("completion_sensor")
    look(world, people, hours_later=world.settings.stuck_after_hours - 1)
    assert people.new() == []
    look(world, people, hours_later=world.settings.stuck_after_hours + 1)
    assert people.new() == [(Kind.STUCK, [KEY])]


def test_a_queue_is_stuck_only_when_nothing_is_indexed_at_all(world: World, people: People) -> None:
    """A backfill of years waits for days by right."""
    report(world, "batch_job", NEXT_KEY, state="queued", token="queued:1", fingerprint="1")
    late = world.settings.stuck_after_hours + 1
    look(world, people, hours_later=late)
    assert people.new() == [(Kind.STUCK, [NEXT_KEY])]
    with dg.DagsterInstance.ephemeral() as instance:
        busy = World(world.aws, world.settings, world.definitions, instance)
        report(busy, "batch_job", NEXT_KEY, state="queued", token="queued:1", fingerprint="1")
        report_loaded(busy)
        standings = Verdicts(completion.ASSETS, standing, observed=(ALERTED,)).current(instance)
        lately = max(found.indexed for found in standings.values())
        now = lately + (late - 2) * HOUR_SECONDS
        alerts.Look(busy.settings, instance, [people], standings, now=now).result()
    assert people.new() == []


def test_loads_that_are_not_started_again_are_told(aws: Aws, people: People) -> None:
    """As soon as the last attempt has failed, and not before."""
    with new_world(aws, max_load_attempts=1) as world:
        world.plan()
        look(world, people)
        assert people.new() == []
        world.fault(service="s3", operation="ListObjectsV2", error={"code": "AccessDenied", "status": 403})
        world.launch(world.tick("completion_sensor"), fails=True)
        look(world, people)
        assert "1 runs of load did not bring it about" in people.heard[0].text
        assert people.new() == [(Kind.LEFT, [KEY])]
        world.forget_faults()
        world.load()
        assert reason(look(world, people)) == "nothing is wrong"


def test_a_failed_check_is_told_with_its_name(world: World, people: People) -> None:
    """Also when the check has passed for another partition since; a new version of the table is looked at anew."""
    report_loaded(world, failed_checks=["counts_add_up"])
    report_loaded(world, NEXT_KEY)
    look(world, people)
    assert f"{KEY}: counts_add_up of embedding_table" in people.heard[0].text
    assert people.new() == [(Kind.CHECK_FAILED, [KEY])]
    report_loaded(world, version="2")
    assert reason(look(world, people)) == "nothing is wrong"
    report_loaded(world, failed_checks=["counts_add_up"])
    look(world, people)
    assert people.new() == [(Kind.CHECK_FAILED, [KEY])]


def test_the_metadata_of_an_asset_name_the_checks_that_failed_as_errors() -> None:
    """A warning is shown, and what there is to be told of it is told as held, refused or stuck."""
    results = [
        dg.AssetCheckResult(check_name="sound", passed=True),
        dg.AssetCheckResult(check_name="broken", passed=False, severity=dg.AssetCheckSeverity.ERROR),
        dg.AssetCheckResult(check_name="doubtful", passed=False, severity=dg.AssetCheckSeverity.WARN),
    ]
    assert failed_checks(results) == {"failed_checks": ["broken"]}
    assert failed_checks(results[:1]) == {}


def test_what_did_not_arrive_is_sent_again(world: World, people: People) -> None:
    """The tick fails when nothing arrives at all, so that it shows."""
    report(world, "batch_job", KEY, state="held", token="held:1", reason="the budget is used up")
    people.deaf = True
    with pytest.raises(ServiceError, match="nobody answers the telephone"):
        look(world, people)
    people.deaf = False
    look(world, people)
    assert people.new() == [(Kind.HELD, [KEY])]


def test_links_lead_to_the_partition(aws: Aws, people: People) -> None:
    """Where the address of the web UI is set."""
    with new_world(aws, web_ui_url="https://dagster.example/") as world:
        report(world, "batch_job", KEY, state="held", token="held:1", reason="the budget is used up")
        look(world, people)
    link = "https://dagster.example/assets/batch_job?view=partitions&partition=2026%2F11%2F18"
    assert people.heard[0].text.splitlines()[2:4] == [f"{KEY}: the budget is used up", f"  {link}"]


def queries_of_a_look(world: World, people: People, verdicts: Verdicts[Standing]) -> int:
    """How many statements a look sends to the event log and the runs."""
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith("PRAGMA"):
            statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        alerts.Look(world.settings, world.instance, [people], verdicts.current(world.instance)).result()
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    return len(statements)


def test_a_look_asks_the_log_as_little_for_many_partitions_as_for_few(world: World, people: People) -> None:
    """One query for each kind of event that counts, however many partitions are at rest or in trouble."""
    verdicts = Verdicts(completion.ASSETS, standing, observed=(ALERTED,))
    found = []
    for month in ("01", "02", "03", "04", "05"):
        for day in range(1, 21):
            key = f"2026/{month}/{day:02}"
            report_loaded(world, key)
            if day == 1:
                report(world, "batch_job", key, state="refused", token=f"refused:{key}", reason="foreign files")
        verdicts.current(world.instance)
        found.append(queries_of_a_look(world, people, verdicts))
    assert len(set(found)) == 1
    assert found[0] <= MOST_QUERIES


@pytest.fixture
def inbox(aws: Aws) -> Iterator[tuple[str, str]]:
    """A topic, and a queue that subscribes to it."""
    sns, sqs = aws.client("sns"), aws.client("sqs")
    topic = sns.create_topic(Name="alerts")["TopicArn"]
    queue = sqs.create_queue(QueueName="alerts")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    yield topic, queue
    sns.delete_topic(TopicArn=topic)
    sqs.delete_queue(QueueUrl=queue)


def test_the_sensor_itself_publishes_to_the_topic_and_calls_the_hook(aws: Aws, inbox: tuple[str, str]) -> None:
    """As the daemon calls it; it is on because there is somebody to tell."""
    topic, queue = inbox
    HEARD.clear()
    with new_world(aws, alert_topic_arn=topic, alert_hook=f"{__name__}:listen") as world:
        report(world, "batch_job", KEY, state="held", token="held:1", reason="the budget is used up")
        world.tick(alerts.NAME)
        sensor = world.definitions.get_repository_def().get_sensor_def(alerts.NAME)
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
    (message,) = aws.client("sqs").receive_message(QueueUrl=queue, MessageAttributeNames=["All"])["Messages"]
    assert message["Body"] == HEARD[0].text
    assert message["MessageAttributes"]["kind"]["StringValue"] == "held"


def test_without_anybody_to_tell_it_is_off(world: World) -> None:
    """Switched on by hand, it still writes to the event log."""
    sensor = world.definitions.get_repository_def().get_sensor_def(alerts.NAME)
    assert sensor.default_status is dg.DefaultSensorStatus.STOPPED


HEARD: list[Alert] = []


def listen(alert: Alert) -> None:
    """A hook of somebody's own."""
    HEARD.append(alert)
