"""`batch-assets jobs`: what is live, and stopping what is ours."""

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest

from batch_assets.bedrock import lanes
from tests.cli.conftest import Command
from tests.conftest import Aws
from tests.world import KEY, NEXT_KEY, World, new_world, pictures


class Terminal(io.StringIO):
    """A terminal at which somebody types."""

    def isatty(self) -> bool:
        """Whether somebody sits there."""
        return True


@pytest.fixture
def neighbour(still: Aws) -> Iterator[World]:
    """Another deployment in the same account, whose jobs have names like ours."""
    with new_world(still) as fresh:
        yield fresh


@pytest.fixture
def jobs(command: Command, neighbour: World, world: World) -> Command:
    """The command, with a live job of 120 pictures of ours, and one of the neighbour."""
    world.put(pictures(120))
    world.plan()
    neighbour.put(pictures(100), NEXT_KEY)
    neighbour.plan(NEXT_KEY)
    return command.use(world.settings)


def own_job(world: World) -> Any:
    """The one job of a deployment."""
    (job,) = world.jobs()
    return job


def statuses(*worlds: World) -> list[str]:
    """Of the one job of each deployment."""
    return [own_job(world)["status"] for world in worlds]


def test_nothing_is_live(command: Command, world: World) -> None:
    """Said in words, and as JSON."""
    command.use(world.settings)
    assert command("jobs").output == (
        "No batch job of this deployment is live; 0 of others in the account count against the same quota.\n"
    )
    assert json.loads(command("jobs", "--json").output) == {"jobs": [], "others": 0}


def test_a_live_job_is_shown_with_its_partition(jobs: Command, world: World) -> None:
    """Its records are known before Bedrock counts them; of others there is only the number."""
    (row,) = json.loads(jobs("jobs", "--json").output)["jobs"]
    job = own_job(world)
    assert row.pop("age_seconds") >= 0
    assert row.pop("submitted_at") == job["submitTime"].isoformat()
    assert row == {
        "partition": KEY,
        "name": job["jobName"],
        "arn": job["jobArn"],
        "state": "Submitted",
        "records": 120,
        "processed": 0,
        "succeeded": 0,
        "errors": 0,
    }


def test_people_see_a_line_a_job_and_the_number_of_others(jobs: Command, world: World, neighbour: World) -> None:
    """Nobody else's name is told."""
    head, row, summary = jobs("jobs").lines
    assert head.split() == ["partition", "state", "records", "processed", "errors", "age", "name"]
    assert row.split()[:5] == [KEY, "Submitted", "120", "0", "0"]
    assert row.split()[-1] == own_job(world)["jobName"]
    assert summary == "1 live; 1 of others in the account count against the same quota."
    assert own_job(neighbour)["jobName"] not in jobs("jobs", "--json").output


@pytest.mark.parametrize("by", ["name", "partition"])
def test_our_job_is_stopped_and_no_other(jobs: Command, world: World, neighbour: World, by: str) -> None:
    """By its name or by its partition; what is billed is said."""
    ended = jobs("jobs", "stop", own_job(world)["jobName"] if by == "name" else KEY, "--yes")
    assert ended.code == 0
    assert f"({KEY}) is Submitted: 0 of 120 records are processed, which are billed" in ended.output
    assert statuses(world, neighbour)[0] in {"Stopping", "Stopped"}
    assert statuses(neighbour) == ["Submitted"]


def test_what_is_stopping_as_json(jobs: Command) -> None:
    """A list, as of those that are live."""
    ended = jobs("jobs", "stop", KEY, "--yes", "--json")
    (row,) = json.loads(ended.output)
    assert (ended.code, row["partition"], row["records"]) == (0, KEY, 120)
    assert "0 of 120 records are processed, which are billed" in ended.errors


def test_a_job_of_others_is_refused(jobs: Command, world: World, neighbour: World) -> None:
    """Its name begins as ours do, but no lane and no table of ours has it; then none is stopped."""
    other = own_job(neighbour)["jobName"]
    refusal = jobs.refused("jobs", "stop", KEY, other, "--yes", code=1)
    assert f"{other} is not a job of this deployment: nothing was stopped" in refusal
    assert statuses(world, neighbour) == ["Submitted", "Submitted"]


def test_a_job_that_only_looks_like_ours_is_not_ours(jobs: Command, world: World) -> None:
    """Somebody submits our very folder under a name of our form, by hand."""
    mine = own_job(world)
    reply = world.aws.bedrock.create_model_invocation_job(
        jobName="ba-2026-11-18-0123456789abcdef-a1",
        roleArn=world.settings.role_arn,
        modelId=world.settings.model_id,
        inputDataConfig=mine["inputDataConfig"],
        outputDataConfig=mine["outputDataConfig"],
    )
    assert json.loads(jobs("jobs", "--json").output)["others"] == 2
    assert "is not a job of this deployment" in jobs.refused(
        "jobs", "stop", "ba-2026-11-18-0123456789abcdef-a1", "--yes", code=1
    )
    world.aws.bedrock.stop_model_invocation_job(jobIdentifier=reply["jobArn"])


@pytest.mark.parametrize("name", ["ba-2026-11-18-unknown", NEXT_KEY])
def test_what_is_not_live_is_named(jobs: Command, name: str) -> None:
    """A wrong name, or a partition without a job."""
    assert f"no live job of this deployment is called {name}" in jobs.refused("jobs", "stop", name, "--yes", code=1)


def test_a_job_whose_lane_was_cleared_is_known_from_its_table(jobs: Command, world: World) -> None:
    """Somebody has deleted the lock file; the job table remembers."""
    lane = lanes.Lane(world.settings.source_bucket, f"photos/{KEY}/")
    world.aws.s3.delete_object(Bucket=lane.bucket, Key=lane.lock_key)
    (row,) = json.loads(jobs("jobs", "--json").output)["jobs"]
    assert (row["partition"], row["records"]) == (KEY, 120)


def test_jobs_in_a_shared_folder_are_told_apart(still: Aws, command: Command) -> None:
    """The folder names no partition; lock or table do."""
    with new_world(still, prefix_template="photos/dt=%Y-%m-%d/", first_partition="2026-11-18") as world:
        world.put(pictures(100), "2026-11-18")
        world.put(pictures(100, first=200), "2026-11-19")
        world.plan("2026-11-18")
        world.plan("2026-11-19")
        command.use(world.settings)
        for _ in range(2):
            (row,) = json.loads(command("jobs", "--json").output)["jobs"]
            assert row["partition"] == "2026-11-18"
            world.aws.s3.delete_object(Bucket=world.settings.source_bucket, Key="photos/_batch_assets.jsonl")


@pytest.mark.parametrize(("answer", "code"), [("n", 1), ("y", 0)])
def test_a_person_is_asked_first(
    jobs: Command, world: World, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    """Only a yes stops it."""
    monkeypatch.setattr("sys.stdin", Terminal(f"{answer}\n"))
    ended = jobs("jobs", "stop", KEY)
    assert ended.code == code
    assert "Stop 1 batch job? [y/N]" in ended.output
    assert (statuses(world) == ["Submitted"]) is (answer == "n")


def test_without_a_terminal_it_has_to_be_said(jobs: Command, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script says --yes."""
    monkeypatch.setattr("sys.stdin", io.StringIO())
    ended = jobs("jobs", "stop", KEY)
    assert (ended.code, "add --yes" in ended.errors) == (2, True)
    assert statuses(world) == ["Submitted"]


def test_a_job_that_is_stopping_is_not_stopped_twice(jobs: Command, world: World) -> None:
    """Said in words, not as an error of the service."""
    world.aws.advance(1000)
    jobs("jobs", "stop", KEY, "--yes")
    refusal = jobs.refused("jobs", "stop", KEY, "--yes", code=1)
    assert "is stopping already" in refusal or "no live job" in refusal


def test_after_a_stop_the_sensors_load_what_was_paid_and_the_rest_is_held(jobs: Command, world: World) -> None:
    """Until a person materialises batch_job."""
    jobs("jobs", "stop", KEY, "--yes")
    world.settle()
    assert world.table("embedding_table").facts["last_job"]["status"] == "Stopped"
    assert world.tick("submission_sensor").requests == []
    assert world.plan(by_schedule=True).metadata["batch_job"]["state"] == "held"
    assert len(world.jobs()) == 1
    assert world.plan().metadata["batch_job"]["state"] == "submitted"
