"""What comes, goes and changes in a prefix after a first load."""

from collections.abc import Iterator

import pytest

from tests.conftest import Aws
from tests.world import KEY, World, new_world, picture, pictures

PREFIX = f"photos/{KEY}/"


@pytest.fixture(scope="module")
def embedded(aws: Aws, _still_sandbox: None) -> Iterator[World]:
    """A world whose partition was embedded with one job; each test changes other files of it, without a second."""
    with new_world(aws) as world:
        world.put(pictures(110))
        world.embed()
        yield world


def test_a_deleted_picture_leaves_the_table_and_the_index(embedded: World) -> None:
    """No job is needed: the load that follows the plan takes it out."""
    embedded.delete("0001.png")
    embedded.plan()
    embedded.settle()
    assert f"{PREFIX}0001.png" not in embedded.vectors()
    assert embedded.vectors().keys() == {row["key"] for row in embedded.rows("embedding_table")}
    assert len(embedded.jobs()) == 1


def test_a_copy_of_an_embedded_picture_gets_its_vector_without_a_job(embedded: World) -> None:
    """The same bytes under another key are never paid for twice."""
    embedded.put({"copy.png": picture(7)})
    told = embedded.plan().metadata["batch_job"]
    embedded.settle()
    assert (told["state"], len(embedded.jobs())) == ("nothing_to_do", 1)
    assert embedded.vectors()[f"{PREFIX}copy.png"]["etag"] == embedded.vectors()[f"{PREFIX}0007.png"]["etag"]


def test_a_moved_picture_is_found_under_its_new_key_only(embedded: World) -> None:
    """Renaming a file moves its vector; nothing is embedded."""
    embedded.put({"album/two.png": picture(2)})
    embedded.delete("0002.png")
    embedded.plan()
    embedded.settle()
    assert f"{PREFIX}album/two.png" in embedded.vectors()
    assert f"{PREFIX}0002.png" not in embedded.vectors()
    assert len(embedded.jobs()) == 1


def test_changed_pictures_are_planned_again_and_replaced(world: World) -> None:
    """New bytes under known keys are new work: 100 of them fill a job, and their vectors take the old ones' place."""
    world.put(pictures(100))
    world.embed()
    before = world.vectors()
    world.put(dict(zip(pictures(100), pictures(100, first=500).values(), strict=True)))
    assert world.plan(config={"allow_replan": True}).metadata["batch_manifest"]["records"] == 100
    world.settle()
    after = world.vectors()
    assert after.keys() == before.keys()
    assert all(after[key]["etag"] != before[key]["etag"] for key in after)


def test_a_picture_that_changes_while_its_job_runs_is_not_given_the_wrong_vector(world: World) -> None:
    """Bedrock may have read either version, so the result is dropped and the picture waits."""
    world.put(pictures(101))
    world.plan()
    world.finish_jobs()
    world.put({"0007.png": picture(999)})
    told = world.load().metadata["embedding_table"]
    assert (told["job_records"]["records_changed"], told["embedded"], told["waiting"]) == (1, 100, 1)
    assert f"{PREFIX}0007.png" not in world.vectors()


def test_late_pictures_wait_while_a_job_is_in_flight(world: World) -> None:
    """The manifest of the job is left as it was sent, and says so."""
    world.put(pictures(100))
    first = world.plan().metadata["batch_manifest"]
    world.put(pictures(100, first=100))
    second = world.plan().metadata["batch_manifest"]
    assert second["fingerprint"] == first["fingerprint"]
    assert second["records"] == 100
    assert "left as it is" in second["note"]


def test_a_hundred_late_pictures_are_submitted_after_the_load(world: World) -> None:
    """The sensors alone bring them in: load, plan, submit, load."""
    world.put(pictures(100))
    world.plan()
    world.put(pictures(100, first=100))
    world.settle()
    assert [job["totalRecordCount"] for job in world.jobs()] == [100, 100]
    assert len(world.vectors()) == 200


def test_too_few_pictures_are_held_and_every_place_says_so(patient: World) -> None:
    """99 pictures fill no job: they wait, counted, for others to come."""
    patient.put(pictures(99))
    run = patient.plan(by_schedule=True)
    patient.settle()
    check = run.checks["manifest_is_with_bedrock"]
    assert (run.metadata["batch_job"]["state"], check.passed) == ("held", False)
    for text in (run.metadata["batch_job"]["reason"], check.description or ""):
        assert "99 pictures are waiting, and a batch job takes at least 100" in text
    facts = patient.table("embedding_table").facts
    assert (facts["embedded"], facts["waiting"], facts["images"], patient.jobs()) == (0, 99, 99, [])


def test_held_pictures_are_sent_with_those_that_come(patient: World) -> None:
    """One more picture makes the job."""
    patient.put(pictures(99))
    patient.plan(by_schedule=True)
    patient.settle()
    patient.put(pictures(1, first=99))
    told = patient.plan(by_schedule=True).metadata["batch_job"]
    assert (told["state"], told["records"]) == ("submitted", 100)


def test_files_that_cannot_be_embedded_are_counted_whenever_they_come(embedded: World) -> None:
    """Each new listing is loaded, also when it brings only another rejected file."""
    for name in ("first.txt", "second.txt"):
        embedded.put({name: b"words"})
        embedded.plan(by_schedule=True)
        embedded.settle()
        assert f"{PREFIX}{name}" in [row["key"] for row in embedded.rows("rejected_images")]
    assert embedded.stale() == set()


def test_a_copy_that_comes_and_goes_is_followed_every_time(aws: Aws) -> None:
    """A listing that was loaded before can be loaded again: success uses up no bound on attempts."""
    with new_world(aws, max_load_attempts=1) as world:
        world.put(pictures(100))
        world.embed()
        for _ in range(2):
            world.put({"copy.png": picture(7)})
            world.plan(by_schedule=True)
            world.settle()
            assert f"{PREFIX}copy.png" in world.vectors()
            world.delete("copy.png")
            world.plan(by_schedule=True)
            world.settle()
            assert f"{PREFIX}copy.png" not in world.vectors()
