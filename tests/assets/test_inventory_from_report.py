"""Planning a partition from an S3 Inventory report, and when the bucket itself is listed all the same."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from batch_assets.assets.image_inventory import REPORT_POOL
from batch_assets.storage.object_listing import list_objects
from batch_assets.storage.objects import S3Address
from benchmarks.stubs.inventory_report import publish
from tests.conftest import Aws
from tests.world import KEY, NEXT_KEY, World, new_world, pictures, still_sandbox

AFTER_KEY = datetime(2026, 11, 19, 1, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def still(aws: Aws) -> Iterator[None]:
    """Point the clients at the sandbox for the module."""
    with still_sandbox(aws):
        yield


@pytest.fixture
def world(aws: Aws, still: None) -> Iterator[World]:  # noqa: ARG001 - has to be there first
    """Give a deployment whose pictures are told by reports."""
    source = aws.new_bucket("pictures")
    folder = f"s3://{aws.new_bucket('reports')}/{source}/daily/"
    with new_world(aws, source_bucket=source, inventory_report=folder) as made:
        yield made


def report(world: World, created: datetime = AFTER_KEY) -> str:
    """Let S3 deliver a report of the bucket as it is."""
    there = list_objects(world.aws.s3, S3Address(world.settings.source_bucket, ""))
    folder = S3Address.parse(world.settings.inventory_report)
    return publish(world.aws.s3, folder, world.settings.source_bucket, [there], file_format="CSV", created=created)


def origin(world: World, key: str = KEY) -> Any:
    """Where the inventory of a partition is taken from now."""
    return world.materialize("image_inventory", key=key).metadata["image_inventory"]["origin"]


def test_a_report_says_what_a_listing_says(world: World) -> None:
    """Row by row, and with the same version."""
    world.put({**pictures(3), "notes.txt": b"x", "empty.png": b"", "é +.png": b"x"})
    world.put(pictures(2), NEXT_KEY)
    name = report(world)
    assert origin(world) == f"S3 Inventory report {name}"
    reported = world.table("image_inventory")
    with new_world(world.aws, source_bucket=world.settings.source_bucket) as listing:
        assert origin(listing) == "listed"
        listed = listing.table("image_inventory")
    assert reported.rows().equals(listed.rows())
    assert reported.facts["listing_version"] == listed.facts["listing_version"]
    assert reported.facts["report"] == name


def test_what_came_after_the_report_is_listed(world: World) -> None:
    """A partition that was not over, one whose pictures were sent since, and one in which pictures wait."""
    name = report(world)
    assert origin(world, NEXT_KEY) == f"listed: report {name} was begun before the partition's end"
    world.put(pictures(100))
    report(world, AFTER_KEY + timedelta(hours=1))
    world.put(pictures(1, first=200))
    world.embed()
    assert world.table("embedding_table").facts["remaining"] == 1
    assert origin(world) == "listed: 1 pictures are waiting since the last load"
    world.embed()
    assert origin(world).startswith("listed: report 2026-11-19T02-00Z is older than job ba-2026-11-18-")


def test_a_picture_that_was_overwritten_since_is_paid_for_once_more_and_no_more(world: World) -> None:
    """The report has its old ETag: the load drops it, and the next plan lists the bucket."""
    world.put(pictures(101))
    report(world)
    world.put({"0000.png": pictures(1, first=500)["0500.png"]})
    assert origin(world, NEXT_KEY).startswith("listed: ")
    world.embed()
    assert len(world.vectors()) == 100
    assert len(world.tables.partitions("inventory_report")) == 1
    world.settle()
    assert len(world.vectors()) == 101
    assert [row["records"] for row in world.rows("batch_job")] == [101, 1]


def test_foreign_manifests_are_told_by_the_bucket_not_by_the_report(world: World) -> None:
    """The folder is looked through before anything is paid: one file is gone since the report, another has come."""
    world.put({**pictures(100), "gone.jsonl": b"{}"})
    report(world)
    world.delete("gone.jsonl")
    world.put({"come.jsonl": b"{}"})
    refused = world.plan().metadata["batch_job"]
    assert (refused["state"], "come.jsonl" in refused["reason"], "gone" in refused["reason"]) == (
        "refused",
        True,
        False,
    )
    world.delete("come.jsonl")
    assert world.plan().metadata["batch_job"]["state"] == "submitted"


def test_runs_that_need_a_report_go_one_after_the_other(world: World) -> None:
    """So that only the first of a backfill divides it."""
    (inventory,) = [a for a in world.definitions.assets or () if "image_inventory" in str(getattr(a, "keys", ""))]
    assert inventory.op.pool == REPORT_POOL  # type: ignore[union-attr]


def test_a_report_without_its_first_delivery_is_told(world: World) -> None:
    """The run fails with the words of the refusal."""
    run = world.run("plan_and_submit", KEY, fails=True)
    (failure,) = [event for event in run.result.all_events if event.is_step_failure]
    assert "no complete S3 Inventory report" in str(failure.step_failure_data.user_failure_data.description)  # type: ignore[union-attr]
