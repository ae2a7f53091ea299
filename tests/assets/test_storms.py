"""Throttling storms: of all calls 30 % are refused or lose their connection, and nothing but the time changes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from batch_assets import aws_clients
from tests.conftest import Aws
from tests.world import KEY, NEXT_KEY, World, new_world, pictures

PARTITIONS = {KEY: 120, NEXT_KEY: 105}
TABLES = ("image_inventory", "batch_manifest", "embedding_table", "rejected_images")
OWN = {"record_id", "source_record_id", "job_id", "last_modified", "s3_uri"}
"""What differs between two deployments because their buckets, jobs and uploads do."""

DISTURBED_SHARE = 0.3
TROUBLES: tuple[dict[str, Any], ...] = (
    {"error": {"code": "ThrottlingException", "status": 429, "message": "Rate exceeded"}},
    {"error": {"code": "ServiceUnavailable", "status": 503, "message": "Please reduce your request rate."}},
    {"cut": "before"},
    {"cut": "after"},
)


def storm_rules(seed: int) -> list[dict[str, Any]]:
    """Rules that together hit the share of all calls, each trouble as often as the others."""
    each = DISTURBED_SHARE / len(TROUBLES)
    # A rule sees only the calls that those before it let through.
    rates = [each / (1 - number * each) for number in range(len(TROUBLES))]
    return [
        {"service": "*", "seed": 1000 * seed + number, "rate": rate, **trouble}
        for number, (rate, trouble) in enumerate(zip(rates, TROUBLES, strict=True))
    ]


@contextmanager
def storm(world: World, rules: list[dict[str, Any]]) -> Iterator[None]:
    """Disturb the calls of one run, which has clients of its own as every process has."""
    aws_clients._made.cache_clear()
    world.aws.control("faults", rules)
    try:
        yield
    finally:
        world.forget_faults()


@dataclass(frozen=True)
class End:
    """What a deployment holds at the end, as far as two deployments can have it in common."""

    tables: dict[str, list[dict[str, Any]]]
    vectors: dict[str, list[float]]
    index: dict[str, dict[str, Any]]
    manifests_left: list[str]
    jobs: list[tuple[str, int]]


@dataclass(frozen=True)
class Story:
    """A deployment that went from pictures to an index, and the calls that it took."""

    end: End
    calls: dict[str, dict[str, dict[str, int]]]

    def total(self, event: str) -> int:
        """Sum up a counter over all operations."""
        return sum(counts[event] for operations in self.calls.values() for counts in operations.values())


def lived(aws: Aws, *, seed: int | None) -> Story:
    """Plan and load both partitions, in a storm if there is a seed."""
    with new_world(aws) as world:
        for number, (key, count) in enumerate(PARTITIONS.items()):
            world.put(pictures(count, first=1000 * number), key)
        aws.control("calls", method="DELETE")
        for step, job in enumerate(("plan_and_submit", "load")):
            for number, key in enumerate(PARTITIONS):
                with storm(world, [] if seed is None else storm_rules(10 * seed + 2 * step + number)):
                    world.run(job, key)
            world.finish_jobs()
        calls = aws.control("calls")
        return Story(end_of(world), calls)


def end_of(world: World) -> End:
    """Look at everything."""
    embeddings = [world.table("embedding_table", key).rows(["key", "embedding"]) for key in PARTITIONS]
    return End(
        tables={f"{name} {key}": common_rows(world.rows(name, key)) for name in TABLES for key in PARTITIONS},
        vectors={row["key"]: row["embedding"] for table in embeddings for row in table.to_pylist()},
        index={key: common(metadata) for key, metadata in world.vectors().items()},
        manifests_left=[key for key in keys_of(world) if key.endswith(".jsonl")],
        jobs=sorted((job["status"], job["successRecordCount"]) for job in world.jobs()),
    )


def keys_of(world: World) -> list[str]:
    """All objects under the pictures' prefixes."""
    pages = world.aws.s3.get_paginator("list_objects_v2").paginate(
        Bucket=world.settings.source_bucket, Prefix="photos/"
    )
    return [entry["Key"] for page in pages for entry in page.get("Contents", [])]


def common_rows(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows without what is a deployment's own, in one order."""
    return sorted((common(row) for row in rows), key=lambda row: str(row["key"]))


def common(row: dict[str, Any]) -> dict[str, Any]:
    """A row without what is a deployment's own."""
    return {name: value for name, value in row.items() if name not in OWN}


@pytest.fixture(scope="module")
def calm(aws: Aws, _still_sandbox: None) -> Story:
    """A deployment that nothing disturbed."""
    return lived(aws, seed=None)


@pytest.fixture(scope="module", params=[0, pytest.param(1, marks=pytest.mark.soak)])
def stormy(request: pytest.FixtureRequest, aws: Aws, _still_sandbox: None) -> Story:
    """The same in a storm, each seed another one."""
    return lived(aws, seed=request.param)


def test_it_was_a_storm(calm: Story, stormy: Story) -> None:
    """About 30 % of the calls were disturbed, and none of the others."""
    assert calm.total("disturbed") == 0
    assert stormy.total("disturbed") / stormy.total("calls") == pytest.approx(DISTURBED_SHARE, abs=0.15)


def test_tables_and_index_are_the_same(calm: Story, stormy: Story) -> None:
    """Every row, every vector, every vector's metadata; no manifest is left behind."""
    assert stormy.end == calm.end
    assert len(stormy.end.index) == sum(PARTITIONS.values())


def test_every_picture_is_paid_for_once(stormy: Story) -> None:
    """One job a manifest, with every picture in it, though the call that makes it was repeated."""
    assert stormy.end.jobs == [("Completed", count) for count in sorted(PARTITIONS.values())]
    assert "bedrock-runtime" not in stormy.calls
