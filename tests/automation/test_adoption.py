"""An empty Dagster instance is refilled from the tables, and goes on where the lost one was."""

from dataclasses import replace

import dagster as dg

from batch_assets.automation.adoption import ASSETS, Adoption
from tests.world import KEY, NEXT_KEY, World, pictures


def adopted(world: World, instance: dg.DagsterInstance) -> tuple[World, dict[str, int]]:
    """The same deployment with another instance, after adopting; and what was reported."""
    other = replace(world, instance=instance)
    return other, Adoption(other.settings, other.instance, other.tables).adopt()


def test_a_job_in_flight_is_loaded_by_the_new_instance_and_not_paid_again(world: World) -> None:
    """The old instance is lost between submission and load."""
    world.put(pictures(100))
    world.plan()
    with dg.DagsterInstance.ephemeral() as instance:
        other, _ = adopted(world, instance)
        other.settle()
        assert (len(other.jobs()), len(other.vectors())) == (1, 100)


def test_what_is_loaded_is_left_alone(world: World) -> None:
    """After adopting, neither sensor wants anything."""
    world.put(pictures(100))
    world.embed()
    with dg.DagsterInstance.ephemeral() as instance:
        told: list[tuple[str, int, int | None]] = []
        other = replace(world, instance=instance)
        adoption = Adoption(other.settings, instance, other.tables, lambda *progress: told.append(progress))
        assert set(adoption.adopt().values()) == {1}
        assert told == [(asset, 1, 1) for asset in ASSETS]
        assert [other.tick(name).requests for name in ("completion_sensor", "submission_sensor")] == [[], []]


def test_adopting_twice_reports_nothing_the_second_time(world: World) -> None:
    """Also in the instance that did the work itself."""
    world.put(pictures(100))
    world.embed()
    world.put(pictures(100, first=100), NEXT_KEY)
    world.plan(NEXT_KEY)
    with dg.DagsterInstance.ephemeral() as instance:
        other, _ = adopted(world, instance)
        assert set(Adoption(other.settings, instance, other.tables).adopt().values()) == {0}
    assert set(Adoption(world.settings, world.instance, world.tables).adopt().values()) == {0}


def test_the_partitions_show_as_materialised(world: World) -> None:
    """People see the adopted partitions in the web UI."""
    world.put(pictures(100))
    world.embed()
    with dg.DagsterInstance.ephemeral() as instance:
        adopted(world, instance)
        assert instance.get_materialized_partitions(dg.AssetKey("vector_index")) == {KEY}
