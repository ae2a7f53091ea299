"""What must hold whenever nothing is left to be done: nothing lost, nothing wrong, nothing paid for twice."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import orjson
from botocore.exceptions import ClientError

from batch_assets.bedrock.ledger import HELD, REFUSED
from tests.crashes.prefix import Content, Prefix, etag, vector_of
from tests.world import World


def check_quiet(world: World, prefixes: Iterable[Prefix], on_demand_calls: Mapping[Content, int]) -> Counter[Content]:
    """Check a world at rest against what its owner knows; how often each content was paid for.

    Every partition was planned since it last changed.
    """
    prefixes = [prefix for prefix in prefixes if world.table("batch_job", prefix.key).exists]
    for prefix in prefixes:
        _check_table(world, prefix)
    _check_index(world, prefixes)
    assert _stray_manifests(world) == []
    paid = paid_in_jobs(world, prefixes) + Counter(on_demand_calls)
    allowed: Counter[Content] = Counter()
    for prefix in prefixes:
        allowed += prefix.may_be_paid
    assert paid - allowed == Counter()
    return paid


def waiting(world: World, prefix: Prefix) -> int:
    """Pictures of a partition that wait for a vector."""
    return int(world.table("embedding_table", prefix.key).facts["waiting"])


def _check_table(world: World, prefix: Prefix) -> None:
    table = world.table("embedding_table", prefix.key)
    rows, facts = table.rows().to_pylist(), table.facts
    refused = {row["key"] for row in world.rows("rejected_images", prefix.key) if row["final"]}
    eligible = prefix.eligible
    embedded = {row["key"]: row["etag"] for row in rows}
    assert len(embedded) == len(rows)
    assert embedded.keys() <= eligible.keys()
    assert embedded == {key: etag(eligible[key]) for key in embedded}
    assert not embedded.keys() & refused
    assert facts["images"] == len(prefix.objects)
    assert facts["waiting"] == len(eligible.keys() - embedded.keys() - refused)
    if facts["waiting"]:
        current = world.rows("batch_job", prefix.key)[-1]
        assert current["state"] in {HELD, REFUSED}, current
    for row in rows:
        np.testing.assert_allclose(row["embedding"], vector_of(eligible[row["key"]]), atol=1e-6, err_msg=row["key"])


def _check_index(world: World, prefixes: Iterable[Prefix]) -> None:
    rows = {
        row["key"]: row for prefix in prefixes for row in world.table("embedding_table", prefix.key).rows().to_pylist()
    }
    vectors = _vectors(world)
    assert vectors.keys() == rows.keys()
    for key, (values, metadata) in vectors.items():
        assert metadata["etag"] == rows[key]["etag"]
        np.testing.assert_allclose(values, rows[key]["embedding"], atol=1e-6, err_msg=key)


def _vectors(world: World) -> dict[str, tuple[list[float], dict[str, Any]]]:
    settings = world.settings
    pages = world.aws.s3vectors.get_paginator("list_vectors").paginate(
        vectorBucketName=settings.vector_bucket, indexName=settings.index_name, returnMetadata=True, returnData=True
    )
    try:
        return {
            vector["key"]: (vector["data"]["float32"], dict(vector["metadata"]))
            for page in pages
            for vector in page["vectors"]
        }
    except ClientError as error:
        if error.response["Error"]["Code"] != "NotFoundException":
            raise
        return {}


def _stray_manifests(world: World) -> list[str]:
    return [key for key in _keys(world) if key.endswith(".jsonl")]


def paid_in_jobs(world: World, prefixes: Iterable[Prefix]) -> Counter[Content]:
    """How often each content was embedded by batch jobs, by their output."""
    contents = {record: content for prefix in prefixes for record, content in prefix.versions.items()}
    results = world.settings.results_prefix
    paid: Counter[Content] = Counter()
    for job in {key.removeprefix(results).split("/")[0] for key in _keys(world, results)} - {"on-demand"}:
        embedded: set[str] = set()
        for key in _keys(world, f"{results}{job}/"):
            if key.endswith(".jsonl.out"):
                embedded.update(_embedded_records(world, key))
        paid.update(contents[record] for record in embedded)
    return paid


def _embedded_records(world: World, key: str) -> Iterable[str]:
    body = world.aws.s3.get_object(Bucket=world.settings.source_bucket, Key=key)["Body"].read()
    for line in body.splitlines():
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue  # a line that was cut off brought nothing
        if "modelOutput" in record:
            yield record["recordId"]


def _keys(world: World, prefix: str = "") -> list[str]:
    pages = world.aws.s3.get_paginator("list_objects_v2").paginate(Bucket=world.settings.source_bucket, Prefix=prefix)
    return [entry["Key"] for page in pages for entry in page.get("Contents", [])]
