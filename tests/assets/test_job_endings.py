"""Every way in which a batch job can end, and who may send its pictures again."""

import pytest

from tests.conftest import Aws, wait_for
from tests.world import World, new_world, pictures


@pytest.fixture
def failed(world: World) -> World:
    """A world whose first job failed while it was validated, and is loaded."""
    world.put(pictures(100))
    world.fault(fail_job="The role cannot be assumed.", times=1)
    world.embed()
    return world


def test_a_failed_job_shows_its_message(failed: World) -> None:
    """The check of the table says what the service said."""
    check = failed.load().checks["job_is_loaded"]
    assert not check.passed
    assert "Failed: The role cannot be assumed." in (check.description or "")


def test_a_failed_job_is_not_sent_again_by_itself(failed: World) -> None:
    """Neither the sensors nor the schedule pay for a failure again; the reason says what to do."""
    assert failed.tick("submission_sensor").requests == []
    run = failed.plan(by_schedule=True)
    failed.settle()
    told, check = run.metadata["batch_job"], run.checks["manifest_is_with_bedrock"]
    assert (told["state"], check.passed) == ("held", False)
    assert "The role cannot be assumed." in told["reason"]
    assert "by hand" in told["reason"]
    assert len(failed.jobs()) == 1


def test_a_person_sends_the_pictures_of_a_failed_job_again(failed: World) -> None:
    """Materialising by hand is a person's word."""
    assert failed.plan().metadata["batch_job"]["state"] == "submitted"
    failed.settle()
    assert [job["status"] for job in failed.jobs()] == ["Failed", "Completed"]
    assert len(failed.vectors()) == 100


def test_a_persons_word_holds_while_the_submission_is_queued(aws: Aws) -> None:
    """The quota was full when a person asked; the sensor submits later what the person let pass."""
    with new_world(aws, max_live_jobs=1) as world:
        world.put(pictures(100))
        world.fault(fail_job="no", times=1)
        world.embed()
        world.put(pictures(100, first=500), "2026/11/19")
        world.plan("2026/11/19")
        assert world.plan().metadata["batch_job"]["state"] == "queued"
        world.settle()
        assert len(world.vectors()) == 200


def test_a_stopped_job_keeps_what_it_brought_and_waits_for_a_person(world: World) -> None:
    """Stop means stop: what was processed is loaded, the rest is held."""
    world.put(pictures(300))
    arn = world.plan().metadata["batch_job"]["job_arn"]
    world.aws.advance(1000)
    wait_for(lambda: _processed(world, arn) > 0, what="the job to process records")
    world.aws.bedrock.stop_model_invocation_job(jobIdentifier=arn)
    world.finish_jobs()
    told = world.load().metadata["embedding_table"]
    assert (told["job_status"], told["embedded"] + told["waiting"]) == ("Stopped", 300)
    assert told["embedded"] > 0
    assert world.plan(by_schedule=True).metadata["batch_job"]["state"] == "held"
    assert world.plan().metadata["batch_job"]["state"] == "submitted"


def _processed(world: World, arn: str) -> int:
    world.aws.advance(60)
    return int(world.aws.bedrock.get_model_invocation_job(jobIdentifier=arn)["processedRecordCount"])


def test_an_expired_job_is_sent_again_by_the_sensors(world: World) -> None:
    """Nobody's fault: the same manifest goes out as the next attempt."""
    world.put(pictures(100))
    world.fault(expire=True, times=1)
    world.plan()
    world.settle()
    assert [job["status"] for job in world.jobs()] == ["Expired", "Completed"]
    assert [job["jobName"][-3:] for job in world.jobs()] == ["-a1", "-a2"]
    assert len(world.vectors()) == 100


def test_the_rest_of_a_partially_completed_job_is_planned_again(world: World) -> None:
    """What was done in time is kept, and only the rest is paid for again."""
    world.put(pictures(220))
    world.fault(partial_after=120, times=1)
    world.plan()
    world.settle()
    jobs = [(job["status"], job["processedRecordCount"]) for job in world.jobs()]
    assert jobs == [("PartiallyCompleted", 120), ("Completed", 100)]
    assert len(world.vectors()) == 220


def test_a_rest_under_the_minimum_is_held(patient: World) -> None:
    """20 pictures fill no job; they are counted as waiting."""
    patient.put(pictures(120))
    patient.fault(partial_after=100, times=1)
    patient.plan()
    patient.settle()
    assert len(patient.jobs()) == 1
    assert patient.table("embedding_table").facts["waiting"] == 20
    assert patient.rows("batch_job")[-1]["state"] == "held"
