"""`batch-assets estimate`: what is missing, and what it would cost."""

import json
from decimal import Decimal
from typing import Any

import pytest

from tests.cli.conftest import Command
from tests.conftest import Aws
from tests.world import KEY, NEXT_KEY, World, new_world, picture, pictures


@pytest.fixture
def estimate(command: Command, world: World) -> Command:
    """The command for this test's deployment."""
    return command.use(world.settings)


def estimated(estimate: Command, *arguments: str) -> Any:
    """What `--json` prints."""
    return json.loads(estimate("estimate", "--json", *arguments).output)


def only_row(estimate: Command) -> dict[str, Any]:
    """The one partition that it prints, without its key and costs."""
    (row,) = estimated(estimate)["partitions"]
    return {name: row[name] for name in ("pictures", "records", "jobs")}


def objects(world: World) -> set[str]:
    """All keys of the deployment's bucket."""
    listed = world.aws.s3.list_objects_v2(Bucket=world.settings.source_bucket).get("Contents", [])
    return {entry["Key"] for entry in listed}


def test_a_new_prefix_is_estimated_from_its_listing(estimate: Command, world: World) -> None:
    """Copies are embedded once, other files never; nothing is written and no job is made."""
    world.put({**pictures(120), "copy.png": picture(0), "notes.txt": b"x"})
    before = objects(world)
    assert estimated(estimate) == {
        "partitions": [
            {
                "partition": KEY,
                "pictures": 121,
                "records": 120,
                "jobs": 1,
                "cost_usd": 0.0036,
                "on_demand_cost_usd": 0.0072,
            }
        ],
        "total": {"pictures": 121, "records": 120, "jobs": 1, "cost_usd": 0.0036, "on_demand_cost_usd": 0.0072},
    }
    assert (objects(world), world.jobs()) == (before, [])


def test_what_is_embedded_or_in_flight_costs_nothing_again(estimate: Command, world: World) -> None:
    """A job that is not loaded yet is paid; after the load only what is new is missing."""
    world.put(pictures(100))
    world.plan()
    assert only_row(estimate) == {"pictures": 100, "records": 0, "jobs": 0}
    world.finish_jobs()
    world.load()
    world.put(pictures(150))
    assert only_row(estimate) == {"pictures": 150, "records": 50, "jobs": 0}


def test_what_was_refused_for_good_is_not_estimated(estimate: Command, world: World) -> None:
    """It will not be sent again."""
    world.put({**pictures(100), "broken.png": b"no picture"})
    world.embed()
    assert only_row(estimate) == {"pictures": 101, "records": 0, "jobs": 0}


def test_pictures_under_the_minimum_cost_the_on_demand_price(estimate: Command, world: World) -> None:
    """No batch job takes them."""
    world.put(pictures(10))
    total = estimated(estimate)["total"]
    assert (total["jobs"], total["cost_usd"], total["on_demand_cost_usd"]) == (0, 0.0006, 0.0006)


def test_a_partition_larger_than_a_job_is_estimated_whole(
    still: Aws, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of its waves, not only the next one."""
    with new_world(still) as world:
        monkeypatch.setenv("BATCH_ASSETS_MAX_RECORDS_PER_JOB", "200")
        world.put(pictures(450))
        assert only_row(command.use(world.settings)) == {"pictures": 450, "records": 450, "jobs": 3}


def test_partitions_are_chosen_by_name_or_by_date(estimate: Command, world: World) -> None:
    """As in a search; a named one is shown although it is empty."""
    world.put(pictures(100))
    world.put(pictures(5), NEXT_KEY)

    def chosen(*arguments: str) -> list[str]:
        return [row["partition"] for row in estimated(estimate, *arguments)["partitions"]]

    assert chosen() == [KEY, NEXT_KEY]
    assert chosen("--since", "2026-11-19") == [NEXT_KEY]
    assert chosen("--until", KEY) == [KEY]
    assert chosen("--partition", NEXT_KEY) == [NEXT_KEY]
    assert chosen("--partition", "2026/11/20") == ["2026/11/20"]


def test_people_see_a_row_a_partition_and_the_total(estimate: Command, world: World) -> None:
    """In a terminal of 80 columns."""
    world.put(pictures(100))
    world.put(pictures(200), NEXT_KEY)
    head, *rows = estimate.columns(80)("estimate").lines
    assert head.split() == ["partition", "pictures", "to", "embed", "jobs", "cost", "USD", "all", "on", "demand", "USD"]
    assert [row.split() for row in rows] == [
        [KEY, "100", "100", "1", "0.0030", "0.0060"],
        [NEXT_KEY, "200", "200", "1", "0.0060", "0.0120"],
        ["total", "300", "300", "2", "0.0090", "0.0180"],
    ]


def test_without_pictures_it_says_so(estimate: Command) -> None:
    """And how many partitions were looked at."""
    ended = estimate("estimate", "--until", NEXT_KEY)
    assert (ended.code, ended.output) == (0, "There are no pictures in the 2 partitions that were looked at.\n")


def test_a_date_that_is_none_is_wrong_usage(estimate: Command) -> None:
    """Named, before anything is listed."""
    assert "yesterday" in estimate.refused("estimate", "--since", "yesterday", code=2)


def test_every_manifest_shows_both_prices_before_it_is_submitted(world: World) -> None:
    """In the metadata of its asset."""
    world.put(pictures(100))
    told = world.materialize("image_inventory", "batch_manifest").metadata["batch_manifest"]
    assert (told["cost_usd"], told["on_demand_cost_usd"]) == (0.003, 0.006)


def test_budgets_are_settings_in_dollars(world: World) -> None:
    """None unless they are set."""
    budgets = (world.settings.max_cost_per_partition_usd, world.settings.max_cost_per_day_usd)
    assert budgets == (Decimal(0), Decimal(0))
