"""What else lies in the folder that is submitted: foreign manifests, and partitions that share the folder."""

from collections.abc import Iterator

import pytest

from batch_assets.bedrock import lanes
from tests.conftest import Aws
from tests.world import KEY, World, new_world, pictures

DAY, NEXT_DAY = "2026-11-18", "2026-11-19"


@pytest.fixture
def hive(aws: Aws) -> Iterator[World]:
    """A deployment whose prefixes Bedrock cannot be given, so that all partitions share the folder above."""
    with new_world(aws, prefix_template="photos/dt=%Y-%m-%d/", first_partition=DAY) as world:
        yield world


def test_a_foreign_manifest_is_refused_by_name_before_anything_is_paid(world: World) -> None:
    """Bedrock would embed and bill every `.jsonl` in the folder; the files are named and no job is made."""
    world.put({**pictures(100), "export/records.JSONL": b"{}\n"})
    run = world.plan()
    told, check = run.metadata["batch_job"], run.checks["manifest_is_with_bedrock"]
    assert (told["state"], check.passed, world.jobs()) == ("refused", False, [])
    assert f"photos/{KEY}/export/records.JSONL" in told["reason"]
    assert "foreign .jsonl" in (run.checks["prefix_has_pictures"].description or "")


def test_a_partition_is_submitted_once_the_foreign_manifest_is_gone(world: World) -> None:
    """Moving the file and planning again is all it takes."""
    world.put({**pictures(100), "records.jsonl": b"{}\n"})
    world.plan()
    world.settle()
    world.delete("records.jsonl")
    assert world.plan().metadata["batch_job"]["state"] == "submitted"


def test_partitions_of_one_folder_go_one_after_the_other(hive: World) -> None:
    """The second is queued, and the submission sensor sends it once the first is loaded."""
    for number, key in enumerate((DAY, NEXT_DAY)):
        hive.put(pictures(100, first=100 * number), key)
    assert hive.plan(DAY).metadata["batch_job"]["state"] == "submitted"
    queued = hive.plan(NEXT_DAY).metadata["batch_job"]
    assert queued["state"] == "queued"
    assert f"partition {DAY}" in queued["reason"]
    assert "carries another job" in hive.tick("submission_sensor").reason
    hive.settle()
    assert [job["inputDataConfig"]["s3InputDataConfig"]["s3Uri"][-8:] for job in hive.jobs()] == ["/photos/"] * 2
    assert [job["totalRecordCount"] for job in hive.jobs()] == [100, 100]
    assert len(hive.vectors()) == 200


def test_a_foreign_manifest_of_another_partition_in_the_folder_is_refused(hive: World) -> None:
    """The job of one day would read the manifest in the other day's folder."""
    hive.put({"records.jsonl": b"{}\n"}, DAY)
    hive.put(pictures(100), NEXT_DAY)
    hive.plan(DAY)
    told = hive.plan(NEXT_DAY).metadata["batch_job"]
    assert told["state"] == "refused"
    assert f"photos/dt={DAY}/records.jsonl" in told["reason"]


def test_a_foreign_manifest_that_is_gone_keeps_no_other_partition_back(hive: World) -> None:
    """The other day's inventory is old; what counts is what lies in the bucket now."""
    hive.put({"records.jsonl": b"{}\n"}, DAY)
    hive.put(pictures(100), NEXT_DAY)
    hive.plan(DAY)
    hive.delete("records.jsonl", key=DAY)
    assert hive.plan(NEXT_DAY).metadata["batch_job"]["state"] == "submitted"


def test_a_foreign_manifest_directly_in_the_shared_folder_is_refused(hive: World) -> None:
    """It belongs to no partition, and Bedrock would read it all the same."""
    hive.put_objects({"photos/records.jsonl": b"{}\n"})
    hive.put(pictures(100), DAY)
    told = hive.plan(DAY).metadata["batch_job"]
    assert (told["state"], "photos/records.jsonl" in told["reason"]) == ("refused", True)


def test_a_foreign_manifest_in_a_folder_that_is_no_partition_is_refused_and_the_lane_left_free(hive: World) -> None:
    """Whoever has the lane looks through it before anything is paid."""
    hive.put_objects({"photos/exports/deep/records.jsonl": b"{}\n"})
    hive.put(pictures(100), DAY)
    told = hive.plan(DAY).metadata["batch_job"]
    assert (told["state"], "photos/exports/deep/records.jsonl" in told["reason"]) == ("refused", True)
    lane = lanes.Lane(hive.settings.source_bucket, "photos/")
    assert (hive.jobs(), lanes.current_lock(hive.aws.s3, lane)) == ([], None)


def test_a_lock_that_nobody_of_ours_put_there_is_reported_and_left_alone(world: World) -> None:
    """A file of the lock's name without our marks may be anything: a person has to look."""
    world.put(pictures(100))
    key = f"photos/{KEY}/_batch_assets.jsonl"
    world.put_objects({key: b"whose?"})
    told = world.plan().metadata["batch_job"]
    assert (told["state"], world.jobs()) == ("queued", [])
    assert "was not put there by this project: remove it" in told["reason"]


def test_the_lock_of_a_run_that_died_before_its_job_is_taken_over(world: World) -> None:
    """The run is over and its job was never created, so the lane is free."""
    over = world.plan()
    lane = lanes.Lane(world.settings.source_bucket, f"photos/{KEY}/")
    holder = lanes.Holder(
        partition=KEY, fingerprint="0" * 64, attempt=1, job_name="ba-never-created-a1", run_id=over.result.run_id
    )
    assert lanes.acquire(world.aws.s3, lane, holder, b"{}\n") is None
    world.put(pictures(100))
    assert world.plan().metadata["batch_job"]["state"] == "submitted"
