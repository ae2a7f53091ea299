"""Fewer pictures than the smallest batch job takes are embedded on demand."""

import dagster as dg
import pytest

from tests.conftest import Aws
from tests.world import KEY, World, new_world, pictures

FOLDER = "batch-assets/results/on-demand/"


def on_demand_results(world: World) -> list[str]:
    """Keys of what on-demand calls have brought."""
    listing = world.aws.s3.list_objects_v2(Bucket=world.settings.source_bucket, Prefix=FOLDER)
    return [entry["Key"] for entry in listing.get("Contents", [])]


def lane_files(world: World) -> list[str]:
    """JSONL files that stand in the partition."""
    listing = world.aws.s3.list_objects_v2(Bucket=world.settings.source_bucket, Prefix=f"photos/{KEY}/")
    return [entry["Key"] for entry in listing.get("Contents", []) if entry["Key"].endswith(".jsonl")]


def test_a_small_partition_is_embedded_and_indexed_without_a_job(world: World) -> None:
    """Seven pictures are in the index after the two runs; the cost is the on-demand price."""
    world.put(pictures(7))
    told = world.plan(by_schedule=True).metadata["batch_job"]
    assert (told["state"], told["records"], told["cost_usd"]) == ("on_demand", 7, pytest.approx(7 * 0.00006))
    world.settle()
    assert (world.jobs(), len(world.vectors()), lane_files(world)) == ([], 7, [])
    assert {row["job_id"] for row in world.rows("embedding_table")} == {told["job_name"]}
    assert world.table("embedding_table").facts["records"]["records_embedded"] == 7


def test_the_same_picture_has_the_same_vector_on_demand_as_from_a_job(aws: Aws) -> None:
    """Both ask the model for the same thing."""
    with new_world(aws) as small, new_world(aws) as large:
        small.put(pictures(3))
        large.put(pictures(100))
        for world in (small, large):
            world.plan()
            world.settle()
        vectors = [
            dict(zip(table["key"].to_pylist(), table["embedding"].to_pylist(), strict=True))
            for table in (small.table("embedding_table").rows(), large.table("embedding_table").rows())
        ]
        assert all(vectors[1][key] == pytest.approx(vector) for key, vector in vectors[0].items())


def test_late_pictures_after_a_job_are_embedded_on_demand(world: World) -> None:
    """A job's rest needs no person and no waiting."""
    world.put(pictures(100))
    world.embed()
    world.put(pictures(5, first=100))
    world.plan(by_schedule=True)
    world.settle()
    assert (len(world.jobs()), len(world.vectors()), world.rows("batch_job")[-1]["state"]) == (1, 105, "on_demand")


def test_a_run_that_dies_half_way_pays_for_no_picture_twice(world: World) -> None:
    """What was embedded before stays: the next run asks only for the rest."""
    world.put(pictures(20))
    denied = {"code": "AccessDeniedException", "status": 403, "message": "not now"}
    world.fault(service="bedrock-runtime", operation="InvokeModel", times=1, error=denied)
    with pytest.raises(dg.Failure, match="results so far are kept"):
        world.plan()
    kept = set(on_demand_results(world))
    assert 0 < len(kept) < 20
    before = {
        key: world.aws.s3.head_object(Bucket=world.settings.source_bucket, Key=key)["LastModified"] for key in kept
    }
    world.plan()
    world.settle()
    after = {
        key: world.aws.s3.head_object(Bucket=world.settings.source_bucket, Key=key)["LastModified"] for key in kept
    }
    assert (after, len(on_demand_results(world)), len(world.vectors())) == (before, 20, 20)


def test_a_refusal_of_one_picture_rejects_that_picture(world: World) -> None:
    """What the model cannot decode is told as from a job."""
    world.put({**pictures(4), "letter.jpg": b"Dear reader,"})
    world.plan()
    world.settle()
    assert [(row["key"][-10:], row["code"], row["final"]) for row in world.rows("rejected_images")] == [
        ("letter.jpg", "400", True)
    ]
    assert len(world.vectors()) == 4


def test_a_throttled_call_is_tried_again_by_the_loop_and_then_quarantined(aws: Aws) -> None:
    """Each round counts as an attempt; the sensors alone go on until it works or was tried enough."""
    with new_world(aws, max_record_attempts=2) as world:
        world.put(pictures(2))
        storm = {"code": "ModelTimeoutException", "status": 408, "message": "slow"}
        world.fault(service="bedrock-runtime", operation="InvokeModel", error=storm)
        world.plan()
        world.settle()
        rows = world.rows("rejected_images")
        assert {(row["attempts"], row["quarantined"], row["final"]) for row in rows} == {(2, True, True)}


def test_loading_again_changes_nothing(world: World) -> None:
    """The results are read once; their counts stay."""
    world.put(pictures(3))
    world.plan()
    first = world.load().metadata["embedding_table"]
    again = world.load().metadata["embedding_table"]
    assert first["job_records"] == again["job_records"]
    assert (again["kept"], again["added"]) == (3, 0)


def test_planning_again_asks_for_nothing(world: World) -> None:
    """The vectors are there: no call, no cost."""
    world.put(pictures(3))
    world.plan()
    world.settle()
    told = world.plan().metadata["batch_job"]
    assert (told["state"], told["cost_usd"]) == ("nothing_to_do", 0)


def test_every_attempt_of_an_on_demand_call_is_a_call(aws: Aws) -> None:
    """What was refused with others is sent again by itself: its second attempt is not answered with the first."""
    slow = {"code": "ModelTimeoutException", "status": 408, "message": "slow"}
    with new_world(aws, max_record_attempts=2) as world:
        world.put(pictures(3))
        world.fault(service="bedrock-runtime", operation="InvokeModel", times=1, error=slow)
        world.plan()
        world.settle()
        assert (len(world.vectors()), world.rows("rejected_images")) == (3, [])
