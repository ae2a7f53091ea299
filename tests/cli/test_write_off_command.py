"""`batch-assets jobs write-off`: giving up a job whose output is gone for good."""

import io
import json

import pytest

from tests.cli.conftest import Command
from tests.world import KEY, NEXT_KEY, World, pictures


@pytest.fixture
def ended(command: Command, world: World) -> Command:
    """The command, with a job of 100 pictures that has ended."""
    world.put(pictures(100))
    world.plan()
    world.finish_jobs()
    return command.use(world.settings)


@pytest.fixture
def lost(ended: Command, world: World) -> Command:
    """The same, and its output was removed."""
    bucket = world.settings.source_bucket
    for entry in world.aws.s3.list_objects_v2(Bucket=bucket, Prefix="batch-assets/results/")["Contents"]:
        world.aws.s3.delete_object(Bucket=bucket, Key=entry["Key"])
    return ended


def test_a_lost_job_is_given_up_and_its_pictures_are_sent_again(lost: Command, world: World) -> None:
    """It says what is gone and what it has cost; the load that follows finds nothing, and the sensors go on."""
    ended = lost("jobs", "write-off", KEY, "--yes")
    assert ended.code == 0
    assert "holds no .jsonl.out file, although it has processed 100 records" in ended.output
    assert "100 records for 0.0030 USD, which are lost" in ended.output
    world.load()
    world.settle()
    assert len(world.vectors()) == 100


def test_what_is_given_up_as_json(lost: Command, world: World) -> None:
    """The job, and what it has cost; what people read goes to the other stream."""
    told = json.loads(lost("jobs", "write-off", KEY, "--yes", "--json").output)
    assert told == {"partition": KEY, "name": world.jobs()[0]["jobName"], "records": 100, "cost_usd": 0.003}
    assert "is written off already" in lost.refused("jobs", "write-off", KEY, "--yes", code=1)


def test_a_job_that_can_be_loaded_is_not_given_up(ended: Command, world: World) -> None:
    """Nothing that is paid for is thrown away."""
    assert "can be loaded, or its output may still appear" in ended.refused("jobs", "write-off", KEY, "--yes", code=1)
    assert world.load().metadata["embedding_table"]["embedded"] == 100
    refusal = ended.refused("jobs", "write-off", KEY, "--yes", code=1)
    assert f"partition {KEY} has no job that waits to be loaded" in refusal


def test_a_live_job_is_not_given_up(command: Command, world: World) -> None:
    """It is stopped first."""
    world.put(pictures(100), NEXT_KEY)
    world.plan(NEXT_KEY)
    command.use(world.settings)
    assert f"jobs stop {NEXT_KEY}" in command.refused("jobs", "write-off", NEXT_KEY, "--yes", code=1)


def test_without_a_yes_nothing_is_given_up(lost: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script has to say it."""
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert lost("jobs", "write-off", KEY).code == 2
    assert "is written off already" not in lost("jobs", "write-off", KEY, "--yes").errors
