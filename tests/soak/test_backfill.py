"""A backfill of many partitions under a small quota finishes by itself, and never exceeds it."""

import os
from collections.abc import Callable

import pytest

from batch_assets.assets.node import partitions_definition
from tests.conftest import Aws
from tests.world import World, new_world, pictures

pytestmark = [pytest.mark.soak, pytest.mark.timeout(7200)]

PARTITIONS = int(os.environ.get("SOAK_PARTITIONS", "500"))
PICTURES = 100
QUOTA = 10
FIRST = "2024/01/01"
_BAD_ENDS = ({"end_state": "Failed", "message": "Internal error"}, {"end_state": "Expired", "unprocessed_records": 30})


def test_a_backfill_drains_under_its_quota(aws: Aws, record_property: Callable[[str, object], None]) -> None:
    """500 partitions, 10 live jobs, 5 % record errors, 10 % of the jobs ending badly: all pictures are indexed."""
    with new_world(aws, first_partition=FIRST, max_live_jobs=QUOTA, max_record_attempts=8) as world:
        keys = partitions_definition(world.settings).get_partition_keys()[:PARTITIONS]
        for rule in _BAD_ENDS:
            world.fault(rate=0.05, seed=7, **rule)
        world.fault(error_records={"share": 0.05}, seed=7)
        for number, key in enumerate(keys):
            world.put(pictures(PICTURES, first=number * PICTURES), key)
            world.plan(key)
            assert len(world.live_jobs()) <= QUOTA
        rounds = drain(world)
        embedded = sum(world.table("embedding_table", key).facts["embedded"] for key in keys)
        assert (embedded, len(world.vectors())) == (PARTITIONS * PICTURES,) * 2
        assert rounds < PARTITIONS
        record_property("partitions", PARTITIONS)
        record_property("pictures_embedded_and_indexed", embedded)
        record_property("jobs", len(world.jobs()))
        record_property("jobs_that_ended_badly", sum(job["status"] in {"Failed", "Expired"} for job in world.jobs()))


def drain(world: World) -> int:
    """Let the sensors alone do their work until neither wants anything; the number of rounds that it took."""
    rounds = 0
    while True:
        assert len(world.live_jobs()) <= QUOTA
        world.finish_jobs()
        ticks = [world.tick("completion_sensor"), world.tick("submission_sensor")]
        if not any(tick.requests for tick in ticks):
            return rounds
        for tick in ticks:
            world.launch(tick)
        rounds += 1
