"""The project's own way from a job's output to the parquet table, and what no way can do without."""

import io
import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING
from urllib.request import Request, urlopen

import numpy as np

from benchmarks.model import Outcome, Workload
from benchmarks.stages import results_inputs as inputs
from benchmarks.stages.range_server import ETAG
from benchmarks.stages.results_digest import digest_of

if TYPE_CHECKING:
    from batch_assets.crews import OpenCrew

_REGION = "us-east-1"
_GROUP_ROWS = 512
_READ_BYTES = 1024**2


def ours(processes: int) -> Callable[[Workload], Callable[[], Outcome]]:
    """Load as production does: by byte ranges over HTTP, in so many processes beside this one."""
    return partial(_set_up, processes=processes)


def _set_up(workload: Workload, *, processes: int) -> Callable[[], Outcome]:
    from batch_assets.crews import local_processes

    return with_crew(workload, local_processes(processes) if processes else None)


def with_crew(workload: Workload, crew: "OpenCrew | None") -> Callable[[], Outcome]:
    """Load with these workers beside this process, or with none."""
    import boto3
    import pandas as pd  # noqa: F401 - pyarrow does, when it first makes an array of a list

    from batch_assets.assets.loading import EARLIER_ROWS, new_sample, stage, table_version
    from batch_assets.bedrock.join import Join, embedding_schema
    from batch_assets.bedrock.results import OutputFile
    from batch_assets.bedrock.workers import Workers
    from batch_assets.storage.memory import system_memory
    from batch_assets.storage.objects import S3Address
    from batch_assets.storage.parquet_object import ParquetObject
    from batch_assets.storage.staged_table import StagedTable

    folder, dimension = workload.folder, inputs.DIMENSION
    os.environ |= {"AWS_ENDPOINT_URL_S3": workload.services["s3"], "AWS_REGION": _REGION}
    os.environ |= {"AWS_ACCESS_KEY_ID": "benchmark", "AWS_SECRET_ACCESS_KEY": "benchmark"}
    s3 = boto3.client("s3", region_name=_REGION)
    workers = Workers(crew, from_bytes=0)

    def work() -> Outcome:
        with system_memory():
            return load()

    def load() -> Outcome:
        file = OutputFile(inputs.BUCKET, inputs.OUTPUT, ETAG, (folder / inputs.OUTPUT).stat().st_size)
        earlier = ParquetObject(s3, S3Address(inputs.BUCKET, inputs.EARLIER))
        join = Join(
            ParquetObject(s3, S3Address(inputs.BUCKET, inputs.INVENTORY_FILE)).read(),
            bucket=inputs.BUCKET,
            dimension=dimension,
            submitted=ParquetObject(s3, S3Address(inputs.BUCKET, inputs.MANIFEST_FILE)).read(),
            job_id=inputs.JOB,
        )
        staged = StagedTable(folder / "ours.parquet", embedding_schema(dimension))
        outcomes = workers.read(s3, [file], dimension=dimension, region=_REGION)
        stage(staged, join.batches(earlier.batches(None, rows=EARLIER_ROWS), outcomes), new_sample(dimension))
        rejected = join.rejected([], max_attempts=3, counted=False)
        path = staged.finish({"table_version": table_version(join.tally), "waiting": join.waiting(rejected)})
        return {"digest": partial(digest_of, path), "output_bytes": path.stat().st_size}

    return work


def limit(workload: Workload) -> Callable[[], Outcome]:
    """Receive the output and the earlier rows, parse each line without looking at it, write vectors that are there."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    import simdjson

    from batch_assets.bedrock.join import embedding_schema
    from batch_assets.storage.staged_table import parquet_options

    schema = pa.schema([embedding_schema(inputs.DIMENSION).field("embedding")])
    first = pq.ParquetFile(workload.folder / inputs.EARLIER).read_row_group(0, columns=["embedding"])
    values = first["embedding"].combine_chunks().flatten().to_numpy()
    ready = np.resize(values, (_GROUP_ROWS, inputs.DIMENSION)).reshape(-1)
    column = pa.FixedSizeListArray.from_arrays(pa.array(ready), type=schema.field(0).type)
    table = pa.table([column], schema=schema)
    rows = pq.read_metadata(workload.folder / inputs.INVENTORY_FILE).num_rows
    path = workload.folder / "limit.parquet"

    def work() -> Outcome:
        parser = simdjson.Parser()
        with _received(workload, inputs.OUTPUT) as lines:
            for line in lines:
                parser.parse(line)
        with _received(workload, inputs.EARLIER) as earlier:
            while earlier.read(_READ_BYTES):
                pass
        with pq.ParquetWriter(path, schema, **parquet_options(schema)) as writer:
            for start in range(0, rows, _GROUP_ROWS):
                writer.write_table(table.slice(0, min(_GROUP_ROWS, rows - start)))
        size = path.stat().st_size
        path.unlink()
        return {"output_bytes": size}

    return work


def _received(workload: Workload, name: str) -> io.BufferedReader:
    address = f"{workload.services['s3']}/{inputs.BUCKET}/{name}"
    request = Request(address, headers={"Range": f"bytes=0-{2**50}"})  # noqa: S310 - loopback
    return io.BufferedReader(urlopen(request), _READ_BYTES)  # noqa: S310 - loopback
