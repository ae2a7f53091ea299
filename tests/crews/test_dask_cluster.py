"""Work shared by the workers of a real Dask cluster: it comes to the same, also when one of them dies on the way."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
import pytest

from batch_assets.bedrock.contents import contents
from batch_assets.bedrock.join import Join, embedding_schema
from batch_assets.bedrock.manifest import plan
from batch_assets.bedrock.results import OutputFile, output_files
from batch_assets.bedrock.shards import Block, cut
from batch_assets.bedrock.workers import Workers
from batch_assets.crews import Crew, crew_of, dask_cluster
from batch_assets.errors import BatchAssetsError, ServiceError
from batch_assets.reconciliation.reconciler import Reconciler
from batch_assets.storage import object_listing
from batch_assets.storage.listing import INVENTORY
from batch_assets.storage.object_listing import Helpers, list_objects
from batch_assets.storage.objects import S3Address
from batch_assets.storage.staged_table import StagedTable
from benchmarks.scale.dask_processes import Cluster, dask_cluster_processes
from tests.conftest import Aws
from tests.world import KEY, NEXT_KEY, deployment_settings, new_world, pictures, still_sandbox

pytestmark = pytest.mark.slow

DIMENSION, RECORDS, REGION = 64, 2000, "us-east-1"


@pytest.fixture(scope="module")
def still(aws: Aws) -> Iterator[Aws]:
    """Point the clients at the sandbox for the module."""
    with still_sandbox(aws):
        yield aws


@pytest.fixture(scope="module")
def processes(still: Aws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A scheduler for the module."""
    with dask_cluster_processes(tmp_path_factory.mktemp("dask"), still.sandbox.environment()) as cluster:
        yield cluster


@pytest.fixture
def cluster(processes: Cluster) -> Cluster:
    """Give a cluster of two workers."""
    processes.staff(2)
    return processes


def inventory() -> pa.Table:
    """Pictures that wait for their vectors."""
    rows = [{"key": f"{number:05}.jpg", "etag": f"e{number}", "size": 10} for number in range(RECORDS)]
    common = {"last_modified": 0, "format": "jpeg", "eligible": True, "reason": None}
    return pa.Table.from_pylist([row | common for row in rows], schema=INVENTORY)


def records() -> pa.Table:
    """What the job was given."""
    nothing = contents(None)
    return plan(inventory(), bucket="b", embedded=nothing, quarantined=nothing, max_records=RECORDS).records


@pytest.fixture(scope="module")
def output(still: Aws) -> list[OutputFile]:
    """The output of a job in two files."""
    results = S3Address.parse(deployment_settings(still).results_uri)
    vectors = np.random.default_rng(1).standard_normal((RECORDS, DIMENSION))
    lines = [
        orjson.dumps({"recordId": name, "modelOutput": {"embeddings": [{"embedding": vector.tolist()}]}})
        for name, vector in zip(records()["record_id"].to_pylist(), vectors, strict=True)
    ]
    for number in range(2):
        still.s3.put_object(
            Bucket=results.bucket, Key=f"{results.key}job/{number}.jsonl.out", Body=b"\n".join(lines[number::2])
        )
    return output_files(still.s3, results.bucket, f"{results.key}job/")


def table(folder: Path, blocks: Iterator[Block]) -> bytes:
    """The parquet file that comes of a load."""
    join = Join(inventory(), bucket="b", dimension=DIMENSION, submitted=records(), job_id="j")
    staged = StagedTable(folder / "table.parquet", embedding_schema(DIMENSION))
    for batch in join.batches([], blocks):
        staged.write(batch)
    assert join.tally.records_embedded == RECORDS
    return staged.finish({}).read_bytes()


def test_the_table_is_the_same_although_a_worker_dies(
    still: Aws, output: list[OutputFile], cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Byte by byte: read in this process, and by two workers of which one is killed after the first results."""
    monkeypatch.setattr("batch_assets.bedrock.workers.cut", partial(cut, shard_bytes=100_000))

    def read_with_a_death() -> Iterator[Block]:
        blocks = Workers(dask_cluster(cluster.address), from_bytes=0).read(
            still.s3, output, dimension=DIMENSION, region=REGION
        )
        yield next(blocks)
        cluster.kill_one()
        yield from blocks

    alone = Workers(crew=None).read(still.s3, output, dimension=DIMENSION, region=REGION)
    assert table(tmp_path, read_with_a_death()) == table(tmp_path, alone)
    assert len(cluster.workers) == 1


def test_a_long_listing_is_the_same_with_the_help_of_workers(
    still: Aws, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They go on where this process stops."""
    bucket = deployment_settings(still).source_bucket
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: still.s3.put_object(Bucket=bucket, Key=f"photos/{number:05}.jpg"), range(1005)))
    monkeypatch.setattr(object_listing, "_PAGES_ALONE", 1)
    everything = S3Address(bucket, "photos/")
    helped = list_objects(still.s3, everything, Helpers(dask_cluster(cluster.address), REGION))
    assert helped.equals(list_objects(still.s3, everything))
    assert helped.num_rows == 1005


def test_reconciliation_finds_and_mends_the_same(still: Aws, cluster: Cluster) -> None:
    """Partitions are compared by the workers, and mended by this process."""
    with new_world(still) as world:
        for number, key in enumerate((KEY, NEXT_KEY)):
            world.put(pictures(2, first=10 * number), key)
            world.embed(key)
        victim = f"photos/{NEXT_KEY}/0010.png"
        index = {"vectorBucketName": world.settings.vector_bucket, "indexName": world.settings.index_name}
        still.s3vectors.delete_vectors(**index, keys=[victim])
        spread = world.settings.model_copy(update={"dask_scheduler": cluster.address})
        alone, shared = (
            Reconciler(settings, still.s3, still.s3vectors, world.tables) for settings in (world.settings, spread)
        )
        assert shared.run().as_json() == alone.run().as_json()
        assert shared.run(repair=True).settled
        assert victim in world.vectors()


def opened(scheduler: str) -> Crew:
    """A crew that was opened and closed."""
    with dask_cluster(scheduler)() as crew:
        return crew


def test_a_cluster_tells_how_many_tasks_it_works_on(cluster: Cluster) -> None:
    """Its workers have one thread each."""
    crew = opened(cluster.address)
    assert (crew.size in {1, 2}, crew.same_files) == (True, False)


def test_a_scheduler_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the setting that names it."""
    monkeypatch.setattr("batch_assets.crews._CONNECT_SECONDS", 0.5)
    with pytest.raises(ServiceError, match=r"tcp://127\.0\.0\.1:9 does not answer: check BATCH_ASSETS_DASK_SCHEDULER"):
        opened("tcp://127.0.0.1:9")


def test_a_cluster_without_workers_is_told(processes: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work would wait for ever."""
    while processes.workers:
        processes.kill_one()
    monkeypatch.setattr("batch_assets.crews._WORKERS_SECONDS", 0.5)
    with pytest.raises(ServiceError, match="has no workers: start some with `dask worker`"):
        opened(processes.address)


def test_the_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package is needed by those alone who name a scheduler."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(BatchAssetsError, match="install batch_assets with the extra dask"):
        opened("tcp://127.0.0.1:9")


def test_the_settings_name_the_crew(aws: Aws) -> None:
    """A scheduler, or else this machine."""
    scheduler = "tcp://10.0.0.5:8786"
    named = crew_of(deployment_settings(aws, dask_scheduler=scheduler))
    assert isinstance(named, partial)
    assert named.args == (scheduler,)
    with crew_of(deployment_settings(aws))() as crew:
        assert crew.same_files
