"""`batch-assets status` through the life of a partition."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cli.conftest import Command
from tests.conftest import Aws
from tests.world import KEY, NEXT_KEY, World, new_world, picture, pictures

COLUMNS = ("embedded", "rejected", "indexed", "USD", "state")


@pytest.fixture
def status(command: Command, world: World) -> Command:
    """The command for this test's deployment."""
    return command.use(world.settings)


@pytest.fixture
def holding(still: Aws, command: Command) -> Iterator[World]:
    """A deployment that keeps a few pictures until there are enough for a job; the command is for it."""
    with new_world(still, under_minimum="hold") as fresh:
        command.use(fresh.settings)
        yield fresh


def only_row(status: Command) -> Any:
    """The one partition that `--json` prints."""
    (row,) = json.loads(status("status", "--json").output)
    return row


def counts(row: Any) -> dict[str, int]:
    """The numbers of a row that are not zero."""
    numbers = {name: row[name] for name in ("images", "to_do", "embedded", "rejected", "indexed")}
    return {name: number for name, number in numbers.items() if number}


def test_nothing_is_listed_yet(status: Command) -> None:
    """A new deployment says what to do first; as JSON it is an empty list."""
    ended = status("status")
    assert ended.code == 0
    assert ended.output == "No partition has been listed yet: launch the job plan_and_submit for one in Dagster.\n"
    assert json.loads(status("status", "--json").output) == []


def test_a_listed_partition_is_all_to_do(status: Command, world: World) -> None:
    """Files that cannot be embedded count as rejected from the start."""
    world.put({**pictures(100), "notes.txt": b"x"})
    world.materialize("image_inventory")
    row = only_row(status)
    assert (row["partition"], row["state"], row["in_flight"]) == (KEY, "listed", None)
    assert counts(row) == {"images": 101, "to_do": 100, "rejected": 1}
    assert "launch plan_and_submit" in status("status").output


def test_a_partition_in_flight_names_its_job(status: Command, world: World) -> None:
    """With the job's status and counts; a copy travels with the picture that it is a copy of."""
    world.put({**pictures(100), "copy.png": picture(0)})
    world.plan()
    row = only_row(status)
    (job,) = world.jobs()
    assert row["in_flight"] == {
        "job": job["jobName"],
        "status": "Submitted",
        "pictures": 101,
        "records": 100,
        "processed": 0,
    }
    assert counts(row) == {"images": 101}
    assert row["jobs"] == [job["jobArn"].rsplit("/", 1)[-1]]
    output = status("status").output
    assert f"job {job['jobName']} is Submitted, 0 of 100 records processed" in output


def test_a_jobs_progress_is_bedrocks(status: Command, world: World) -> None:
    """An ended job whose results wait for the sensor shows what was processed."""
    world.put(pictures(100))
    world.plan()
    world.finish_jobs()
    flight = only_row(status)["in_flight"]
    assert (flight["status"], flight["processed"], flight["records"]) == ("Completed", 100, 100)
    assert "is Completed, 100 of 100 records processed" in status("status").output


def test_a_loaded_partition_has_nothing_in_flight(status: Command, world: World) -> None:
    """Embedded, indexed, and rejected with its reasons in words."""
    world.put({**pictures(100), "notes.txt": b"x", "broken.png": b"no picture"})
    world.embed()
    row = only_row(status)
    assert (row["state"], row["in_flight"], row["note"]) == ("loaded", None, "")
    assert counts(row) == {"images": 102, "embedded": 100, "rejected": 2, "indexed": 100}
    assert {reason["code"]: reason["images"] for reason in row["reasons"]} == {"400": 1, "unsupported_format": 1}
    lines = [line for line in status("status").lines if line.startswith("rejected")]
    assert len(lines) == 2
    assert all(line.startswith("rejected 1: ") and line.endswith(")") for line in lines)


def test_what_was_paid_adds_up(status: Command, world: World) -> None:
    """Over the jobs of a partition and over partitions: the records of loaded jobs that had an outcome."""
    world.put(pictures(220))
    world.put(pictures(100, first=500), NEXT_KEY)
    world.fault(partial_after=120, times=1)
    world.plan()
    assert only_row(status)["cost_usd"] == 0
    assert "paid for loaded jobs: 0.0000 USD" in status("status").output
    world.plan(NEXT_KEY)
    world.settle()
    rows = json.loads(status("status", "--json").output)
    assert [row["cost_usd"] for row in rows] == [0.0066, 0.003]
    assert "paid for loaded jobs: 0.0096 USD" in status("status").output


def test_a_partition_without_news_says_so(status: Command, world: World) -> None:
    """Planned again, there is nothing to do, and nothing else changes."""
    world.put(pictures(100))
    world.embed()
    world.plan()
    row = only_row(status)
    assert row["state"] == "nothing_to_do"
    assert counts(row) == {"images": 100, "embedded": 100, "indexed": 100}
    assert "nothing to do" in status("status").output


def test_too_few_pictures_are_held(command: Command, holding: World) -> None:
    """The minimum is named, in the table's notes and as JSON."""
    holding.put(pictures(3))
    holding.plan()
    row = only_row(command)
    assert row["state"] == "held"
    assert counts(row) == {"images": 3, "to_do": 3}
    assert "a batch job takes at least 100" in row["note"]
    assert f"{KEY}: held: 3 pictures are waiting, and a batch job takes at least 100" in command("status").output


def test_an_index_that_is_behind_is_told(status: Command, world: World) -> None:
    """A table that was loaded without its index asks for the index."""
    world.put(pictures(100))
    world.plan()
    world.finish_jobs()
    world.materialize("embedding_table", "rejected_images")
    row = only_row(status)
    assert counts(row) == {"images": 100, "embedded": 100}
    assert row["note"] == "the index is not up to date: materialise vector_index"
    assert row["note"] in status("status").output


def test_queued_partitions_are_told_together(still: Aws, command: Command) -> None:
    """Rows in the order of their keys; equal notes of neighbours stand once."""
    keys = [KEY, NEXT_KEY, "2026/11/20"]
    with new_world(still, max_live_jobs=1) as world:
        for number, key in enumerate(keys):
            world.put(pictures(100, first=100 * number), key)
            world.plan(key)
        ended = command.use(world.settings)("status")
    assert [line.split()[0] for line in ended.lines[1:4]] == keys
    assert [line.split()[-1] for line in ended.lines[1:4]] == ["Submitted", "queued", "queued"]
    (note,) = [line for line in ended.lines[4:] if "queued" in line]
    assert note.startswith(f"{NEXT_KEY} to 2026/11/20 (2): queued: ")


def test_a_table_that_is_replaced_meanwhile_is_read_again(status: Command, world: World) -> None:
    """A run may write while somebody looks."""
    world.put(pictures(3))
    world.plan()
    world.fault(service="s3", operation="GetObject", times=1, error={"code": "PreconditionFailed", "status": 412})
    assert only_row(status)["state"] == "on_demand"


def test_a_table_that_cannot_be_read_is_named(status: Command, world: World) -> None:
    """After a few times it is an error, with the table's address."""
    world.put(pictures(3))
    world.plan()
    world.fault(service="s3", operation="GetObject", error={"code": "PreconditionFailed", "status": 412})
    refusal = status.refused("status", code=1)
    assert refusal.startswith(f"Error: s3://{world.settings.source_bucket}/batch-assets/tables/")
    assert "was replaced while it was read" in refusal


@pytest.mark.parametrize("columns", [80, 120])
def test_no_line_is_wider_than_the_terminal(status: Command, world: World, columns: int) -> None:
    """Every partition is one line, and a note is broken between words, below its own beginning."""
    world.put({**pictures(100), "notes.txt": b"x"})
    world.plan()
    world.put(pictures(3), NEXT_KEY)
    world.plan(NEXT_KEY)
    lines = status.columns(columns)("status").lines
    assert max(map(len, lines)) <= columns
    assert lines[0].split() == ["partition", "images", "to", "do", "in", "flight", *COLUMNS]
    assert [line.split()[0] for line in lines[1:3]] == [KEY, NEXT_KEY]
    assert all(not line or line[0] in {"2", " ", "r", "p"} for line in lines[3:])


def test_a_pipe_gets_whole_lines(command: Command, holding: World) -> None:
    """Without a terminal, a note is one line for grep."""
    holding.put(pictures(3))
    holding.plan()
    assert [line for line in command("status").lines if "held: 3 pictures" in line and line.endswith("that come")]
