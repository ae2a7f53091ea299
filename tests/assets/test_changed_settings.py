"""Settings that change while jobs are in flight: each job is loaded into its own space."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from tests.conftest import Aws
from tests.world import KEY, World, definitions_of, deployment_settings, pictures


@contextmanager
def with_dimension(world: World, dimension: int) -> Iterator[World]:
    """The same deployment after its operators chose other vectors; its index is named after the space again."""
    overrides = {name: getattr(world.settings, name) for name in ("source_bucket", "role_arn", "vector_bucket")}
    settings = deployment_settings(world.aws, dimension=dimension, **overrides)
    yield replace(world, settings=settings, definitions=definitions_of(settings))


def test_a_job_in_flight_is_loaded_into_its_own_space_before_the_new_one_is_filled(world: World) -> None:
    """Nothing that was paid is lost: the old space is complete, then the new one."""
    world.put(pictures(100))
    world.plan()
    with with_dimension(world, 384) as other:
        told = other.plan().metadata["batch_job"]
        assert (told["state"], len(other.jobs())) == ("queued", 1)
        assert "of another space, which is loaded first" in told["reason"]
        other.settle()
        assert (len(world.vectors()), len(other.vectors()), len(other.jobs())) == (100, 100, 2)
        tables = [deployment.table("embedding_table").rows() for deployment in (world, other)]
        assert [table.schema.field("embedding").type.list_size for table in tables] == [256, 384]


def test_a_job_in_flight_is_loaded_into_its_own_space_without_a_new_plan(world: World) -> None:
    """The sensors of the new settings know where it belongs."""
    world.put(pictures(100))
    world.plan()
    with with_dimension(world, 384) as other:
        other.settle()
        assert len(world.vectors()) == 100
        assert not other.table("embedding_table").exists


def test_the_spaces_stand_beside_each_other(world: World, aws: Aws) -> None:
    """Each has its index; a search in one never sees the other."""
    world.put(pictures(100))
    world.embed()
    with with_dimension(world, 384) as other:
        other.plan()
        other.settle()
        names = [
            index["indexName"]
            for index in aws.s3vectors.list_indexes(vectorBucketName=world.settings.vector_bucket)["indexes"]
        ]
        assert sorted(names) == sorted([world.settings.index_name, other.settings.index_name])
        assert [job["jobName"][:13] for job in other.jobs()] == [f"ba-{KEY.replace('/', '-')}"] * 2
