"""Materialising what is there already: nothing is sent, put or paid for again."""

from collections.abc import Iterator

import pytest

from tests.conftest import Aws
from tests.world import KEY, World, new_world, pictures


@pytest.fixture(scope="module")
def embedded(aws: Aws, _still_sandbox: None) -> Iterator[World]:
    """A world whose partition is embedded, but for a picture that the model refused; the tests leave it so."""
    with new_world(aws) as world:
        world.put({**pictures(100), "broken.png": b"no picture"})
        world.embed()
        yield world


def test_a_second_run_of_everything_creates_no_job_and_puts_no_vector(embedded: World) -> None:
    """Planning and loading an unchanged partition finds everything done."""
    planned, loaded = embedded.plan(), embedded.load()
    assert len(embedded.jobs()) == 1
    assert planned.metadata["batch_job"]["state"] == "nothing_to_do"
    assert planned.metadata["batch_job"]["cost_usd"] == 0
    told = loaded.metadata["vector_index"]
    assert (told["put"], told["deleted"], told["calls"], told["unchanged"]) == (0, 0, 0, 100)


def test_planning_again_leaves_everything_fresh(embedded: World) -> None:
    """Re-listing an unchanged prefix makes nothing stale, though one picture was refused by the model."""
    embedded.plan()
    assert embedded.stale() == set()
    assert embedded.tick("completion_sensor").requests == []


def test_a_job_that_was_loaded_is_shown_until_there_is_another_plan(world: World) -> None:
    """Loading the same job again keeps what it brought, also in the counts of its records."""
    world.put(pictures(100))
    before = world.embed().metadata["embedding_table"]
    after = world.load().metadata["embedding_table"]
    records = ("records", "records_embedded", "records_refused", "records_missing")
    assert [before["job_records"][name] for name in records] == [100, 100, 0, 0]
    assert after["job_records"] == before["job_records"]
    assert (after["kept"], after["added"], after["cost_usd"]) == (100, 0, 0)


def test_a_new_listing_makes_the_tables_stale_until_it_is_loaded(world: World) -> None:
    """Dagster shows what new files have left behind."""
    world.plan()
    world.load()
    world.put({"late.txt": b"words"})
    world.plan()
    assert world.stale() == {"embedding_table", "rejected_images"}
    world.load()
    assert world.stale() == set()


def test_a_job_in_flight_is_left_alone_by_a_second_plan(world: World) -> None:
    """Planning twice before the job has ended shows the same job and sends nothing."""
    world.put(pictures(100))
    first, second = world.plan(), world.plan()
    assert len(world.jobs()) == 1
    assert first.metadata["batch_job"]["job_arn"] == second.metadata["batch_job"]["job_arn"]


def test_a_job_whose_run_died_before_it_was_recorded_is_attached(world: World) -> None:
    """The job table is lost, as if the run had died right after the request: the job is found by its name."""
    world.put(pictures(100))
    world.plan()
    table = world.tables.address(world.tables.catalog.path("batch_job", KEY))
    world.aws.s3.delete_object(Bucket=table.bucket, Key=table.key)
    told = world.plan().metadata["batch_job"]
    assert (told["state"], told["attempt"], len(world.jobs())) == ("attached", 1, 1)
