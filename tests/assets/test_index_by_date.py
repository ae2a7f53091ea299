"""An index name with a field of the date: each index has its own partitions, and everything knows all of them."""

from collections.abc import Iterator
from typing import Any

import pytest

from batch_assets.automation.adoption import Adoption
from batch_assets.cli.clients import Clients
from batch_assets.cli.partition_status import collect
from batch_assets.errors import SearchError
from batch_assets.notebook.dataset import EmbeddingDataset
from batch_assets.reconciliation.reconciler import Reconciler
from batch_assets.reconciliation.report import Report
from batch_assets.vectors.differences import Kind
from tests.conftest import Aws
from tests.world import KEY, NEXT_KEY, World, new_world, pictures, still_sandbox

FIRST, SECOND = "photos-18", "photos-19"


@pytest.fixture(scope="module")
def world(aws: Aws) -> Iterator[World]:
    """A deployment with an index a day, and two days in it."""
    with still_sandbox(aws), new_world(aws, index_name="photos-%d", under_minimum="on_demand") as made:
        for number, key in enumerate((KEY, NEXT_KEY)):
            made.put(pictures(3, first=10 * number), key)
            made.embed(key)
        yield made


def keys(world: World, index: str) -> set[str]:
    """Keys in one index."""
    found = world.aws.s3vectors.list_vectors(vectorBucketName=world.settings.vector_bucket, indexName=index)
    return {vector["key"] for vector in found["vectors"]}


def of(key: str, first: int) -> set[str]:
    """Keys of the pictures of a partition."""
    return {f"photos/{key}/{name}" for name in pictures(3, first=first)}


def reconciled(world: World, **options: Any) -> Report:
    """Compare everything, as `batch-assets reconcile` does."""
    return Reconciler(world.settings, world.aws.s3, world.aws.s3vectors, world.tables).run(**options)


def test_a_partition_goes_into_the_index_of_its_date(world: World) -> None:
    """And its table stands in the folder of that index."""
    assert (keys(world, FIRST), keys(world, SECOND)) == (of(KEY, 0), of(NEXT_KEY, 10))
    assert f"/index={SECOND}/partition=" in world.table("vector_index", NEXT_KEY).uri
    assert world.tables.partitions("vector_index") == [KEY, NEXT_KEY]


def test_status_and_adoption_know_all_indexes(world: World) -> None:
    """As if there were one."""
    assert [status.indexed for status in collect(Clients(world.settings))] == [3, 3]
    with new_world(world.aws, source_bucket=world.settings.source_bucket) as fresh:
        assert Adoption(world.settings, fresh.instance, world.tables).adopt()["vector_index"] == 2


def test_a_notebook_searches_all_indexes_with_a_picture_of_one(world: World) -> None:
    """Its vector is in the index of its date."""
    dataset = EmbeddingDataset(world.settings)
    found = dataset.search(key=f"photos/{NEXT_KEY}/0010.png", top_k=5)
    assert {match.key for match in found} == (of(KEY, 0) | of(NEXT_KEY, 10)) - {f"photos/{NEXT_KEY}/0010.png"}
    with pytest.raises(SearchError, match="lies under no partition of photos/%Y/%m/%d/"):
        dataset.search(key="elsewhere.png")


def test_reconciliation_compares_and_mends_all_indexes(world: World) -> None:
    """One was dropped, and in the other there is a vector of a partition of the first: it belongs to nobody."""
    assert reconciled(world).found.total() == 0
    vectors, bucket = world.aws.s3vectors, world.settings.vector_bucket
    vectors.delete_index(vectorBucketName=bucket, indexName=FIRST)
    stray: Any = {"key": f"photos/{KEY}/stray.png", "data": {"float32": [1.0] * 256}, "metadata": {"partition": KEY}}
    vectors.put_vectors(vectorBucketName=bucket, indexName=SECOND, vectors=[stray])
    world.aws.advance(60)
    report = reconciled(world)
    assert {kind: number for kind, number in report.found.items() if number} == {Kind.MISSING: 3, Kind.FOREIGN: 1}
    assert reconciled(world, repair=True).settled
    assert keys(world, FIRST) == of(KEY, 0)
    assert (reconciled(world).remaining, reconciled(world, partitions=[NEXT_KEY]).rows) == (0, 3)
