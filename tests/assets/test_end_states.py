"""Every end of a batch job, with all, some and none of its records good: what was paid is loaded, the rest goes on.

A second job, or the on-demand call for a small rest, sends what is missing. A person's stop and a failure for good are
followed by nothing until a person says so.
"""

from dataclasses import dataclass

import pytest

from tests.conftest import Aws
from tests.world import KEY, World, new_world, pictures

PICTURES = 100
PASSING = "Internal server error. Please try again"
FOR_GOOD = "The role has no permission to read the input"


@dataclass(frozen=True)
class End:
    """How the first job ends, and whether the loop goes on by itself."""

    state: str
    message: str | None
    goes_on: bool


ENDS = {
    "completed": End("Completed", None, goes_on=True),
    "partially completed": End("PartiallyCompleted", None, goes_on=True),
    "expired": End("Expired", None, goes_on=True),
    "failed in passing": End("Failed", PASSING, goes_on=True),
    "failed for good": End("Failed", FOR_GOOD, goes_on=False),
    "stopped": End("Stopped", None, goes_on=False),
}
_ALWAYS = {"completed", "failed for good", "stopped"}
GOOD = {"all": PICTURES, "some": PICTURES // 2, "none": 0}


def end_first_job(world: World, end: End, good: str) -> None:
    """One job that ends so, loaded, and everything that the sensors do after it."""
    world.put(pictures(PICTURES))
    world.fault(
        end_state=end.state, good=good, times=1, **({"message": end.message} if end.message is not None else {})
    )
    world.plan()
    world.settle()


@pytest.mark.parametrize(
    "good", [pytest.param("all", marks=pytest.mark.soak), "some", pytest.param("none", marks=pytest.mark.soak)]
)
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in _ALWAYS else pytest.mark.soak) for name in ENDS]
)
def test_what_was_paid_is_loaded_and_the_rest_goes_on_or_is_held(aws: Aws, name: str, good: str) -> None:
    """Good records are in the table and the index in every case; the others wait or were sent again."""
    end = ENDS[name]
    with new_world(aws) as world:
        end_first_job(world, end, good)
        facts = world.table("embedding_table").facts
        expected = PICTURES if end.goes_on else GOOD[good]
        assert (facts["embedded"], facts["waiting"], facts["rejected"]) == (expected, PICTURES - expected, 0)
        assert len(world.vectors()) == expected
        listing = world.aws.s3.list_objects_v2(Bucket=world.settings.source_bucket, Prefix=f"photos/{KEY}/")
        assert not [entry for entry in listing["Contents"] if entry["Key"].endswith(".jsonl")]


@pytest.mark.parametrize("good", ["some", pytest.param("none", marks=pytest.mark.soak)])
@pytest.mark.parametrize("name", [name for name, end in ENDS.items() if not end.goes_on])
def test_a_person_lets_a_held_partition_go_on(aws: Aws, name: str, good: str) -> None:
    """The schedule does not; the run of a person does, and sends only what is missing."""
    with new_world(aws) as world:
        end_first_job(world, ENDS[name], good)
        told = world.plan(by_schedule=True).metadata["batch_job"]
        assert (told["state"], told["records"]) == ("held", PICTURES - GOOD[good])
        world.settle()
        assert len(world.vectors()) == GOOD[good]
        assert world.plan().metadata["batch_job"]["records"] == PICTURES - GOOD[good]
        world.settle()
        assert len(world.vectors()) == PICTURES
