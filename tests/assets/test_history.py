"""The history of a partition's job, as the page of batch_job shows it."""

from typing import Any

from tests.world import World, pictures


def states(metadata: Any) -> list[str]:
    return [record.data["state"] for record in metadata["history"].records]


def observed(world: World) -> list[str]:
    """The states in the newest observation after a look of the sensor."""
    (event,) = world.tick("completion_sensor").result.asset_events
    return states({name: value.value for name, value in event.metadata.items()})


def test_each_observation_carries_all_states_so_far(world: World) -> None:
    """Whoever opens the partition sees the whole way of its job, though each look reports one state."""
    world.put(pictures(100))

    planned = world.plan().metadata["batch_job"]
    seen = observed(world)
    world.finish_jobs()
    ended = observed(world)

    assert states(planned) == ["submitted"]
    assert seen == ["Submitted"]
    assert ended == ["Submitted", "Completed"]


def test_another_job_begins_another_history(world: World) -> None:
    """A second job of the partition does not go on where the first has ended."""
    world.put(pictures(100))
    world.plan()
    world.finish_jobs()
    observed(world)
    world.load()
    world.put({f"more-{name}": data for name, data in pictures(100, first=500).items()})

    world.plan()

    assert observed(world) == ["Submitted"]


def test_what_is_held_says_why(world: World) -> None:
    """Without a job the history is the state of the manifest, with its reason."""
    world.put({"labels.jsonl": b"{}", **pictures(100)})

    (record,) = world.plan().metadata["batch_job"]["history"].records

    assert record.data["state"] == "refused"
    assert "labels.jsonl" in str(record.data["note"])
