"""Results as a service in trouble writes them: nothing is lost, nothing is guessed, and nothing stops the rest."""

from typing import Any

import pytest

from tests.conftest import Aws, wait_for
from tests.world import KEY, World, new_world, pictures

PREFIX = f"photos/{KEY}/"


def _embedded_with(world: World, count: int, **rule: Any) -> dict[str, Any]:
    """Metadata of the table after a first job with a fault."""
    world.put(pictures(count))
    world.fault(**rule)
    told: dict[str, Any] = world.embed().metadata["embedding_table"]
    return told


def test_a_permanent_error_rejects_the_picture_for_good(world: World) -> None:
    """A 400 is the picture's own fault: it is not sent again."""
    told = _embedded_with(world, 103, error_records=3, error_code=400, error_message="malformed")
    assert (told["embedded"], told["rejected"], told["waiting"], told["job_records"]["records_refused"]) == (
        100,
        3,
        0,
        3,
    )
    rows = world.rows("rejected_images")
    assert {(row["code"], row["message"], row["attempts"], row["retryable"], row["final"]) for row in rows} == {
        ("400", "malformed", 1, False, True)
    }
    assert world.plan().metadata["batch_job"]["state"] == "nothing_to_do"


@pytest.mark.parametrize("code", [429, 500])
def test_a_retryable_error_is_sent_again_a_bounded_number_of_times_and_then_quarantined(aws: Aws, code: int) -> None:
    """Throttling and server errors are the service's: two tries as set, then a person has to look."""
    with new_world(aws, max_record_attempts=2) as world:
        told = _embedded_with(world, 100, error_records=100, error_code=code)
        assert (told["embedded"], told["rejected"], told["waiting"]) == (0, 0, 100)
        assert {(row["attempts"], row["final"]) for row in world.rows("rejected_images")} == {(1, False)}
        world.settle()
        rows = world.rows("rejected_images")
        assert {(row["code"], row["attempts"], row["quarantined"], row["final"]) for row in rows} == {
            (str(code), 2, True, True)
        }
        assert [job["jobName"][-3:] for job in world.jobs()] == ["-a1", "-a2"]
        assert world.table("embedding_table").facts["rejected"] == 100


def test_what_fails_once_and_then_works_is_embedded(world: World) -> None:
    """The second job brings the vectors, and the rejections are gone."""
    _embedded_with(world, 100, error_records=100, error_code=500, times=1)
    world.settle()
    assert len(world.vectors()) == 100
    assert world.rows("rejected_images") == []


def test_missing_records_are_planned_again(world: World) -> None:
    """A record of which the output says nothing is no error of the picture: it is sent with the next job."""
    told = _embedded_with(world, 200, missing_records=100, times=1)
    assert (told["embedded"], told["job_records"]["records_missing"], told["waiting"]) == (100, 100, 100)
    world.settle()
    assert [job["totalRecordCount"] for job in world.jobs()] == [200, 100]
    assert len(world.vectors()) == 200


def test_jobs_that_bring_nothing_end_after_a_bounded_number(aws: Aws) -> None:
    """A manifest whose jobs never answer is held, and the partition says so."""
    with new_world(aws, max_record_attempts=2) as world:
        _embedded_with(world, 100, missing_records=100)
        world.settle()
        assert len(world.jobs()) == 2
        (held,) = [row for row in world.rows("batch_job") if row["state"] == "held"]
        assert "2 jobs of this manifest brought nothing" in held["reason"]
        assert world.plan().metadata["batch_job"]["state"] == "submitted"


def test_duplicates_cut_lines_and_several_files_are_counted(world: World) -> None:
    """Two lines of one record are one vector; a line that was cut off is a record that is missing."""
    told = _embedded_with(world, 100, duplicate_records=5, truncate_last_line=True, output_files=3)
    assert (told["job_records"]["duplicate_lines"], told["job_records"]["unreadable_lines"]) in {(5, 1), (4, 1)}
    assert told["embedded"] + told["job_records"]["records_missing"] == 100
    assert told["job_records"]["records_missing"] <= 1
    run = world.load()
    assert run.checks["counts_add_up"].passed
    assert run.checks["record_ids_are_unique"].passed


def test_files_that_appear_late_are_waited_for_and_paid_once(world: World) -> None:
    """The service counts more records than there are lines: those of the missing file are not sent again."""
    world.put(pictures(120))
    world.fault(output_files=3, late_files=1, late_seconds=600)
    world.plan()
    world.end_jobs()
    early = world.load()
    assert "has processed 120 records, and " in (early.checks["job_is_loaded"].description or "")
    assert "has 80 of them so far" in (early.checks["job_is_loaded"].description or "")
    assert not world.table("embedding_table").exists
    world.aws.advance(601)
    wait_for(lambda: len(_output_files(world)) == 3, what="the late file")
    world.settle()
    assert (len(world.vectors()), len(world.jobs())) == (120, 1)


def test_an_output_of_which_nothing_has_appeared_yet_is_waited_for(world: World) -> None:
    """Right after the end of a job an empty folder is no error."""
    world.put(pictures(100))
    world.fault(late_seconds=600)
    world.plan()
    world.end_jobs()
    assert "has 0 of them so far" in (world.load().checks["job_is_loaded"].description or "")
    world.aws.advance(601)
    wait_for(lambda: len(_output_files(world)) == 1, what="the late file")
    assert world.load().metadata["embedding_table"]["embedded"] == 100


def test_lines_that_never_come_are_given_up_after_the_time_that_is_set(aws: Aws) -> None:
    """The wait is bounded: then what is there is loaded, and the rest is planned again."""
    with new_world(aws, late_output_minutes=10) as world:
        world.put(pictures(200))
        world.fault(missing_records=100, times=1)
        world.plan()
        world.end_jobs()
        world.aws.advance(9 * 60)
        assert not world.load().checks["job_is_loaded"].passed
        world.aws.advance(61)
        assert world.load().metadata["embedding_table"]["job_records"]["records_missing"] == 100


def _output_files(world: World) -> list[str]:
    listed = world.aws.s3.list_objects_v2(Bucket=world.settings.source_bucket, Prefix="batch-assets/results/")
    return [entry["Key"] for entry in listed.get("Contents", []) if entry["Key"].endswith(".jsonl.out")]
