"""Everything that a deployment leaves behind, in a form that two deployments can be compared in.

Left out is what must differ: names of buckets, ids and names of jobs and runs, attempts, and when something happened.
"""

import io
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from batch_assets.storage.objects import S3Address
from tests.world import World

_NEVER_THE_SAME = frozenset(
    {
        *("record_id", "source_record_id", "job_id", "job_arn", "job_name", "token", "fingerprint", "attempt"),
        *("input_uri", "output_uri", "reason", "run_id", "job-name"),
        *("loaded_job", "last_job", "table_version", "indexed_version", "index_created", "vector_bucket", "index"),
        *("target", "last_modified"),
    }
)
_SAME_THING = {"attached": "submitted"}


@dataclass(frozen=True)
class EndState:
    """What can be seen from outside once nothing is to be done any more.

    Attributes:
        tables: Rows of every parquet object, by its path.
        vectors: Vector and metadata of every vector, by its key.
        jobs: How many jobs there were, by their end and number of records.
        stray: JSONL files outside the results, and uploads that were not finished.
    """

    tables: Mapping[str, Any]
    vectors: Mapping[str, Any]
    jobs: Counter[tuple[str, int]]
    stray: tuple[str, ...]


def end_state(world: World) -> EndState:
    """The end state of a world that has come to rest."""
    return EndState(
        tables=dict(sorted(_table(world, key) for key in _keys(world) if key.endswith(".parquet"))),
        vectors=_vectors(world),
        jobs=Counter((job["status"], job["totalRecordCount"]) for job in world.jobs()),
        stray=(*(key for key in _keys(world) if key.lower().endswith(".jsonl")), *_unfinished_uploads(world)),
    )


def _keys(world: World) -> list[str]:
    pages = world.aws.s3.get_paginator("list_objects_v2").paginate(Bucket=world.settings.source_bucket)
    return [entry["Key"] for page in pages for entry in page.get("Contents", [])]


def _unfinished_uploads(world: World) -> list[str]:
    uploads = world.aws.s3.list_multipart_uploads(Bucket=world.settings.source_bucket).get("Uploads", [])
    return [f"upload of {upload['Key']}" for upload in uploads]


def _table(world: World, key: str) -> tuple[str, Any]:
    body = world.aws.s3.get_object(Bucket=world.settings.source_bucket, Key=key)["Body"].read()
    table: pa.Table = pq.read_table(io.BytesIO(body))
    rows = sorted(repr(_comparable(row)) for row in table.drop_columns(_moments(table)).to_pylist())
    root = S3Address.parse(world.settings.tables_uri).key
    path = re.sub(r"(fingerprint|vector_bucket)=[^/]+", r"\1=*", key.removeprefix(root))
    return path, rows


def _moments(table: pa.Table) -> list[str]:
    return [field.name for field in table.schema if pa.types.is_timestamp(field.type)]


def _vectors(world: World) -> dict[str, Any]:
    settings = world.settings
    pages = world.aws.s3vectors.get_paginator("list_vectors").paginate(
        vectorBucketName=settings.vector_bucket, indexName=settings.index_name, returnMetadata=True, returnData=True
    )
    return {
        vector["key"]: (
            vector["data"]["float32"],
            _comparable({**vector["metadata"], "s3_uri": vector["metadata"]["s3_uri"].split("/", 3)[-1]}),
        )
        for page in pages
        for vector in page["vectors"]
    }


def _comparable(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _SAME_THING.get(value, value) if isinstance(value, str) else value
        for name, value in values.items()
        if name not in _NEVER_THE_SAME
    }
