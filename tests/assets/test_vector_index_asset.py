"""The live index and its table when somebody else has been at it, or a write broke off."""

from collections.abc import Iterator

import dagster as dg
import pytest

from batch_assets.vectors.metadata import NON_FILTERABLE_KEYS
from tests.conftest import Aws
from tests.world import KEY, World, deployment_settings, new_world, pictures

PREFIX = f"photos/{KEY}/"


@pytest.fixture(scope="module")
def indexed(aws: Aws, _still_sandbox: None) -> Iterator[World]:
    """A world with 100 pictures in the index; each test mends what it breaks."""
    with new_world(aws) as world:
        world.put(pictures(100))
        world.embed()
        yield world


def test_a_vector_that_somebody_deleted_is_noticed_and_put_back(indexed: World) -> None:
    """The check reads the live index, not the table; what it misses is put the next time."""
    target = {"vectorBucketName": indexed.settings.vector_bucket, "indexName": indexed.settings.index_name}
    indexed.aws.s3vectors.delete_vectors(**target, keys=[f"{PREFIX}0007.png"])
    first = indexed.materialize("vector_index")
    check = first.checks["rows_are_in_the_live_index"]
    assert not check.passed
    assert "1 are missing" in (check.description or "")
    assert f"{PREFIX}0007.png" in (check.description or "")
    second = indexed.materialize("vector_index")
    assert (second.metadata["vector_index"]["put"], len(indexed.vectors())) == (1, 100)
    assert second.checks["rows_are_in_the_live_index"].passed


def test_the_sensor_puts_back_what_the_check_has_missed(indexed: World) -> None:
    """A failed check leaves the table's version unindexed, which is work for the completion sensor."""
    target = {"vectorBucketName": indexed.settings.vector_bucket, "indexName": indexed.settings.index_name}
    indexed.aws.s3vectors.delete_vectors(**target, keys=[f"{PREFIX}0007.png"])
    indexed.materialize("vector_index")
    indexed.settle()
    assert len(indexed.vectors()) == 100


def test_an_index_that_was_made_anew_gets_everything_again(indexed: World) -> None:
    """Its creation time tells that it is another one, which holds nothing; no picture is embedded again."""
    target = {"vectorBucketName": indexed.settings.vector_bucket, "indexName": indexed.settings.index_name}
    indexed.aws.s3vectors.delete_index(**target)
    indexed.aws.advance(60)
    told = indexed.materialize("vector_index").metadata["vector_index"]
    assert (told["put"], told["unchanged"], len(indexed.vectors())) == (100, 0, 100)
    assert len(indexed.jobs()) == 1


def test_a_write_that_broke_off_is_finished_by_the_next_run(world: World) -> None:
    """The table says beforehand what was about to be written, so nothing is forgotten in the index."""
    world.put(pictures(100))
    world.plan()
    world.finish_jobs()
    broken = {"code": "ValidationException", "status": 400, "message": "injected"}
    world.fault(service="s3vectors", operation="PutVectors", error=broken)
    world.run("load", KEY, fails=True)
    assert {row["state"] for row in world.rows("vector_index")} == {"writing"}
    world.forget_faults()
    world.delete("0007.png")
    world.settle()
    world.plan()
    world.settle()
    assert {row["state"] for row in world.rows("vector_index")} == {"indexed"}
    assert len(world.vectors()) == 99


def test_an_index_with_another_dimension_is_refused_with_both_values(aws: Aws) -> None:
    """Vectors of two lengths cannot stand in one index."""
    settings = deployment_settings(aws, index_name="photos")
    aws.s3vectors.create_vector_bucket(vectorBucketName=settings.vector_bucket)
    aws.s3vectors.create_index(
        vectorBucketName=settings.vector_bucket,
        indexName="photos",
        dataType="float32",
        dimension=384,
        distanceMetric="cosine",
        metadataConfiguration={"nonFilterableMetadataKeys": list(NON_FILTERABLE_KEYS)},
    )
    with new_world(aws, index_name="photos", vector_bucket=settings.vector_bucket) as world:
        world.plan()
        with pytest.raises(dg.Failure, match="dimension is 384, needed is 256"):
            world.load()


def test_an_index_of_another_source_bucket_is_refused_with_both_names(world: World, aws: Aws) -> None:
    """Vector keys are object keys: those of two buckets would overwrite each other."""
    world.plan()
    world.load()
    with new_world(aws, vector_bucket=world.settings.vector_bucket) as other:
        other.plan()
        names = f"'{world.settings.source_bucket}', not to '{other.settings.source_bucket}'"
        with pytest.raises(dg.Failure, match=names):
            other.load()
