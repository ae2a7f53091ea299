"""What waits for a person, and how a person lets it go on."""

import pytest

from batch_assets.storage.requests import request_retry, retry_requests
from tests.conftest import Aws
from tests.world import KEY, World, new_world, picture, pictures

PERMISSION = "The role does not have permission to read s3://pictures"
PASSING = "Internal server error. Please try again"


def failed(world: World, message: str) -> World:
    """A partition whose first job has failed and was loaded."""
    world.put(pictures(100))
    world.fault(fail_job=message, times=1)
    world.plan()
    world.settle()
    return world


def test_a_failure_that_may_pass_is_tried_again_without_a_person(world: World) -> None:
    """The sensors alone send the manifest as the second attempt."""
    failed(world, PASSING)
    assert [job["jobName"][-3:] for job in world.jobs()] == ["-a1", "-a2"]
    assert len(world.vectors()) == 100


def test_a_failure_for_good_is_held_with_the_message_of_the_service(world: World) -> None:
    """Neither a sensor nor the schedule sends it again, and every place says why."""
    failed(world, PERMISSION)
    run = world.plan(by_schedule=True)
    assert run.metadata["batch_job"]["state"] == "held"
    assert PERMISSION in run.metadata["batch_job"]["reason"]
    assert PERMISSION in (run.checks["manifest_is_with_bedrock"].description or "")
    assert len(world.jobs()) == 1


def test_a_retry_request_lifts_a_hold_for_the_schedule(world: World) -> None:
    """The next plan takes the request up, once."""
    failed(world, PERMISSION)
    request_retry(world.tables, KEY, None)
    assert world.plan(by_schedule=True).metadata["batch_job"]["state"] == "submitted"
    assert retry_requests(world.tables, KEY) == []
    world.settle()
    assert len(world.vectors()) == 100


def test_a_request_waits_while_a_job_is_in_flight(world: World) -> None:
    """Its results come first: the request is for the plan after them."""
    world.put(pictures(100))
    world.plan()
    request_retry(world.tables, KEY, None)
    world.plan()
    assert len(retry_requests(world.tables, KEY)) == 1


def test_refused_pictures_are_sent_again_on_request_and_only_those(aws: Aws) -> None:
    """Of three refused pictures, the one that is named is embedded."""
    with new_world(aws) as world:
        world.put(pictures(103))
        world.fault(error_records=3, error_code=400, times=1)
        world.embed()
        refused = [row["key"] for row in world.rows("rejected_images")]
        request_retry(world.tables, KEY, refused[:1])
        world.plan(by_schedule=True)
        world.settle()
        assert [row["key"] for row in world.rows("rejected_images")] == refused[1:]
        assert len(world.vectors()) == 101


def test_a_changed_picture_lifts_its_own_quarantine(world: World) -> None:
    """Another ETag is another picture."""
    world.put(pictures(101))
    world.fault(error_records=1, error_code=400, times=1)
    world.embed()
    (row,) = world.rows("rejected_images")
    world.put({row["key"].rsplit("/", 1)[-1]: picture(999)})
    world.plan(by_schedule=True)
    world.settle()
    assert (world.rows("rejected_images"), len(world.vectors())) == ([], 101)


@pytest.mark.parametrize(("changed", "state"), [(50, "on_demand"), (51, "refused")])
def test_a_plan_that_replaces_most_vectors_needs_a_persons_word(world: World, changed: int, state: str) -> None:
    """Half of the pictures may change by themselves; more looks like a bucket that was encrypted anew."""
    world.put(pictures(100))
    world.embed()
    world.put({name: picture(1000 + number) for number, name in enumerate(pictures(changed))})
    told = world.plan(by_schedule=True).metadata["batch_job"]
    assert told["state"] == state
    if state == "refused":
        world.settle()
        assert len(world.vectors()) == 100
        assert "51 of 100 embedded pictures have another ETag" in told["reason"]
        assert world.plan(config={"allow_replan": True}, by_schedule=True).metadata["batch_job"]["state"] == "refused"
        assert world.plan(config={"allow_replan": True}).metadata["batch_job"]["state"] == "on_demand"
