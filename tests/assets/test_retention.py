"""The output of jobs is kept for ever, or for as long as a setting says."""

from datetime import UTC, datetime, timedelta

import pytest

from batch_assets.assets.retention import Retention
from tests.conftest import Aws
from tests.world import NEXT_KEY, World, new_world, pictures

FAR_FUTURE = datetime.now(UTC) + timedelta(days=10_000)


def results(world: World) -> list[str]:
    """Keys of job output."""
    listing = world.aws.s3.list_objects_v2(Bucket=world.settings.source_bucket, Prefix="batch-assets/results/")
    return [entry["Key"] for entry in listing.get("Contents", [])]


@pytest.mark.parametrize(("days", "kept"), [(0, 2), (7, 0)])
def test_loaded_output_is_deleted_after_its_time(aws: Aws, days: int, kept: int) -> None:
    """And the table has what it needs: loading again still works."""
    with new_world(aws, results_retention_days=days) as world:
        world.put(pictures(100))
        world.embed()
        deleted = Retention(world.settings, aws.s3, world.tables).clean_up(now=FAR_FUTURE)
        assert (len(results(world)), deleted["objects"]) == (kept, 2 - kept)
        assert world.load().metadata["embedding_table"]["embedded"] == 100


def test_young_output_and_output_that_is_not_loaded_is_kept(aws: Aws) -> None:
    """A paid result is never deleted before it is in the table."""
    with new_world(aws, results_retention_days=7) as world:
        world.put(pictures(100))
        world.embed()
        world.put(pictures(100, first=100), NEXT_KEY)
        world.plan(NEXT_KEY)
        world.finish_jobs()
        before = results(world)
        submitted = world.rows("batch_job")[-1]["submitted_at"]
        assert Retention(world.settings, aws.s3, world.tables).clean_up(now=submitted)["jobs"] == 0
        assert Retention(world.settings, aws.s3, world.tables).clean_up(now=FAR_FUTURE)["jobs"] == 1
        assert len(results(world)) == len(before) - 2
        world.load(NEXT_KEY)
        assert len(world.vectors()) == 200


def test_the_job_does_the_same(aws: Aws) -> None:
    """As launched in the web UI."""
    with new_world(aws, results_retention_days=7) as world:
        result = world.definitions.resolve_job_def("clean_up_results").execute_in_process(instance=world.instance)
        assert result.success
