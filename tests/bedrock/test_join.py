"""Joining a job's outcomes with the pictures that exist now."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch_assets.bedrock.contents import contents, final_refusals
from batch_assets.bedrock.join import Join, Tally, embedding_schema
from batch_assets.bedrock.manifest import plan, record_id
from batch_assets.bedrock.rejections import REJECTED
from batch_assets.bedrock.results import Embedded, Outcome, Refused, Unreadable
from batch_assets.bedrock.shards import Block
from batch_assets.storage.listing import INVENTORY

BUCKET, DIMENSION, MAX_ATTEMPTS = "pictures", 2, 3
JANUARY = datetime(2024, 1, 2, tzinfo=UTC)
ETAGS = ["e1", "e2", "e3", "e4", "e5", "e6"]

Pictures = dict[str, str]
"""Key to ETag; an empty ETag stands for a file that is not eligible."""


def inventory(pictures: Pictures) -> pa.Table:
    rows = [
        {
            "key": key,
            "size": 10,
            "etag": etag or "text",
            "last_modified": JANUARY,
            "format": "jpeg" if etag else None,
            "eligible": bool(etag),
            "reason": None if etag else "unsupported_format",
        }
        for key, etag in pictures.items()
    ]
    return pa.Table.from_pylist(rows, schema=INVENTORY)


def id_of(key: str, etag: str) -> str:
    return record_id(BUCKET, key, etag)


def embedded(record: str) -> Embedded:
    """An outcome whose vector says which record it belongs to."""
    return Embedded(record, np.array([1, int(record[:4], 16)], dtype=np.float32))


def refused(record: str, *, retryable: bool = False) -> Refused:
    return Refused(record, "500" if retryable else "400", "no", retryable)


def in_blocks(outcomes: Iterable[Outcome], *, lines: int = 3) -> Iterator[Block]:
    """Outcomes as they come from the output, a few lines at a time."""
    left = iter(outcomes)
    while some := list(islice(left, lines)):
        vectors = [outcome.vector for outcome in some if isinstance(outcome, Embedded)]
        told = [outcome.record_id if isinstance(outcome, Embedded) else outcome for outcome in some]
        yield Block(told, np.array(vectors, np.float32).reshape(-1, DIMENSION))


@dataclass(frozen=True)
class Partition:
    """The two tables of a partition, and what the last join counted."""

    table: pa.Table
    rejected: pa.Table
    join: Join

    @property
    def tally(self) -> Tally:
        return self.join.tally

    @property
    def vectors(self) -> dict[str, list[float]]:
        return dict(zip(self.table["key"].to_pylist(), self.table["embedding"].to_pylist(), strict=True))

    def reasons(self, name: str) -> dict[str, Any]:
        return dict(zip(self.rejected["key"].to_pylist(), self.rejected[name].to_pylist(), strict=True))


def planned(pictures: Pictures, before: Partition | None = None, *, max_records: int = 1000) -> pa.Table:
    """The records of the next job."""
    return plan(
        inventory(pictures),
        bucket=BUCKET,
        embedded=contents(before.table if before else None),
        quarantined=final_refusals(before.rejected if before else None),
        max_records=max_records,
    ).records


def joined(
    pictures: Pictures,
    submitted: pa.Table | None,
    outcomes: Iterable[Outcome],
    *,
    before: Partition | None = None,
    counted: bool = False,
    job: str = "job1",
) -> Partition:
    join = Join(inventory(pictures), bucket=BUCKET, dimension=DIMENSION, submitted=submitted, job_id=job)
    earlier = before.table.to_batches(max_chunksize=2) if before else []
    table = pa.Table.from_batches(join.batches(earlier, in_blocks(outcomes)), schema=embedding_schema(DIMENSION))
    history = before.rejected.to_pylist() if before else []
    return Partition(table, join.rejected(history, max_attempts=MAX_ATTEMPTS, counted=counted), join)


def everything_embedded(submitted: pa.Table) -> list[Outcome]:
    return [embedded(record) for record in submitted["record_id"].to_pylist()]


keys = st.sampled_from([f"{letter}.jpg" for letter in "abcdefghij"])
some_pictures = st.dictionaries(keys, st.sampled_from([*ETAGS, ""]), max_size=10)


@st.composite
def outputs(draw: st.DrawFn, submitted: pa.Table) -> list[Outcome]:
    """A job's output: shuffled, with lines missing, doubled, refused, of unknown records, and unreadable."""
    result: list[Outcome] = []
    for record in submitted["record_id"].to_pylist():
        kinds = draw(st.lists(st.sampled_from(["embedded", "embedded", "final", "retryable"]), max_size=2))
        result += [
            embedded(record) if kind == "embedded" else refused(record, retryable=kind == "retryable") for kind in kinds
        ]
    strange: list[Outcome] = [embedded("0" * 32), refused("1" * 32), Unreadable("x")]
    return draw(st.permutations(result + draw(st.lists(st.sampled_from(strange), max_size=2))))


@dataclass(frozen=True)
class Round:
    """One turn of the loop: what was there before and is there now, what was sent, and what came back."""

    pictures: Pictures
    submitted: pa.Table
    outcomes: Sequence[Outcome]
    before: Partition | None

    def join(self, *, before: Partition | None = None, counted: bool = False) -> Partition:
        return joined(
            self.pictures, self.submitted, self.outcomes, before=before or self.before, counted=counted, job="job2"
        )


@st.composite
def rounds(draw: st.DrawFn) -> Round:
    """A second job, on pictures that were overwritten, deleted, copied and added between all steps."""
    first = draw(some_pictures)
    sent = planned(first, max_records=draw(st.integers(1, 10)))
    before = joined(draw(st.one_of(st.just(first), some_pictures)), sent, draw(outputs(sent)))
    second = draw(st.one_of(st.just(first), some_pictures))
    sent = planned(second, before, max_records=draw(st.integers(1, 10)))
    now = draw(st.one_of(st.just(second), some_pictures))
    return Round(now, sent, draw(outputs(sent)), before)


@given(rounds())
@settings(deadline=None, max_examples=100)
def test_every_picture_is_embedded_or_finally_rejected_or_waiting(turn: Round) -> None:
    """Embedded + rejected + waiting = pictures, and no picture is two of them."""
    result = turn.join()
    final = {key for key, final in result.reasons("final").items() if final}
    assert len(result.vectors) == result.table.num_rows
    assert not final & result.vectors.keys()
    assert result.join.images == len(turn.pictures)
    assert result.table.num_rows + len(final) + result.join.waiting(result.rejected) == len(turn.pictures)
    assert result.vectors.keys() | set(result.reasons("key")) <= turn.pictures.keys()


@given(rounds())
@settings(deadline=None, max_examples=100)
def test_every_record_is_accounted_for(turn: Round) -> None:
    """Embedded + refused + changed + known + missing = records of the job; every line of the output is counted."""
    result = turn.join()
    tally = result.tally
    accounted = tally.records_embedded + tally.records_refused + tally.records_changed + tally.records_known
    assert accounted + result.join.records_missing == turn.submitted.num_rows
    assert accounted + tally.duplicate_lines + tally.unknown_lines + tally.unreadable_lines == len(turn.outcomes)
    assert tally.kept + tally.added == len(tally.rows) == result.table.num_rows
    assert sum(tally.refusals.values()) == tally.records_refused


@given(rounds())
@settings(deadline=None, max_examples=100)
def test_every_row_describes_the_picture_that_exists_now(turn: Round) -> None:
    """Key and ETag are those of the prefix, and the vector is that of the record that was paid for."""
    for row in turn.join().table.to_pylist():
        assert turn.pictures[row["key"]] == row["etag"]
        assert row["record_id"] == id_of(row["key"], row["etag"])
        assert row["embedding"] == embedded(row["source_record_id"]).vector.tolist()


@given(rounds())
@settings(deadline=None, max_examples=100)
def test_joining_twice_changes_nothing(turn: Round) -> None:
    """A load that is repeated writes the same rows and counts no attempt again."""
    once = turn.join()
    twice = turn.join(before=once, counted=True)
    assert twice.table.equals(once.table)
    assert twice.rejected.equals(once.rejected)


@given(rounds(), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=100)
def test_the_order_of_the_output_does_not_matter(turn: Round, random: Any) -> None:
    """Bedrock guarantees none: the same pictures get the same vectors."""
    once_each = list({getattr(outcome, "record_id", ""): outcome for outcome in turn.outcomes}.values())
    shuffled = list(once_each)
    random.shuffle(shuffled)
    one = Round(turn.pictures, turn.submitted, once_each, turn.before).join()
    other = Round(turn.pictures, turn.submitted, shuffled, turn.before).join()
    assert other.vectors == one.vectors
    assert other.rejected.equals(one.rejected)


@given(rounds())
@settings(deadline=None, max_examples=100)
def test_repeating_the_loop_ends_with_nothing_waiting(turn: Round) -> None:
    """What is missing is planned again, until every picture is embedded or refused for good."""
    state = turn.join()
    for number in range(3, 10):
        submitted = planned(turn.pictures, state)
        if not submitted.num_rows:
            break
        state = joined(turn.pictures, submitted, everything_embedded(submitted), before=state, job=f"job{number}")
    assert state.join.waiting(state.rejected) == 0
    assert not planned(turn.pictures, state).num_rows


def test_copies_share_the_vector_that_was_paid_for_once() -> None:
    """Each copy has a row of its own, with the record that was sent as its source."""
    pictures = {"a.jpg": "e1", "b.jpg": "e1"}
    sent = planned(pictures)
    result = joined(pictures, sent, everything_embedded(sent))
    assert sent.num_rows == 1
    assert result.vectors["a.jpg"] == result.vectors["b.jpg"]
    assert set(result.table["source_record_id"].to_pylist()) == {id_of("a.jpg", "e1")}
    assert result.table["record_id"].to_pylist() == [id_of("a.jpg", "e1"), id_of("b.jpg", "e1")]


def test_a_copy_that_comes_later_needs_no_job() -> None:
    """Also when the picture that was paid for is gone."""
    before = joined({"a.jpg": "e1"}, sent := planned({"a.jpg": "e1"}), everything_embedded(sent))
    moved = joined({"z.jpg": "e1"}, None, [], before=before, job="")
    assert not planned({"z.jpg": "e1"}, before).num_rows
    assert moved.vectors == {"z.jpg": before.vectors["a.jpg"]}
    assert moved.table["job_id"].to_pylist() == ["job1"]


def test_a_deleted_picture_leaves_the_table() -> None:
    """The table holds what exists."""
    pictures = {"a.jpg": "e1", "b.jpg": "e2"}
    before = joined(pictures, sent := planned(pictures), everything_embedded(sent))
    assert joined({"b.jpg": "e2"}, None, [], before=before).vectors.keys() == {"b.jpg"}


@pytest.mark.parametrize("outcome", [embedded, refused])
def test_a_picture_that_was_overwritten_while_its_job_ran_is_dropped(outcome: Any) -> None:
    """Bedrock may have read either version, so neither vector nor refusal counts, and it is planned again."""
    sent = planned({"a.jpg": "e1"})
    now = {"a.jpg": "e2"}
    result = joined(now, sent, [outcome(id_of("a.jpg", "e1"))])
    assert (result.tally.records_changed, result.table.num_rows, result.rejected.num_rows) == (1, 0, 0)
    assert planned(now, result)["etag"].to_pylist() == ["e2"]


def test_a_copy_of_an_overwritten_picture_waits_for_its_own_record() -> None:
    """The vector of the sent key may be that of other bytes."""
    sent = planned({"a.jpg": "e1", "b.jpg": "e1"})
    result = joined({"a.jpg": "e2", "b.jpg": "e1"}, sent, everything_embedded(sent))
    assert result.vectors == {}
    assert result.join.waiting(result.rejected) == 2


def test_a_missing_record_is_waiting_and_planned_again() -> None:
    """It is no rejection: nobody has looked at it."""
    pictures = {"a.jpg": "e1", "b.jpg": "e2"}
    sent = planned(pictures)
    result = joined(pictures, sent, everything_embedded(sent)[:1])
    assert result.join.records_missing == result.join.waiting(result.rejected) == 1
    assert planned(pictures, result).num_rows == 1


def test_a_refusal_that_trying_again_cannot_mend_is_final() -> None:
    """All copies of the bytes are rejected, and none is planned again."""
    pictures = {"a.jpg": "e1", "b.jpg": "e1"}
    result = joined(pictures, planned(pictures), [refused(id_of("a.jpg", "e1"))])
    assert result.reasons("final") == {"a.jpg": True, "b.jpg": True}
    assert result.reasons("quarantined") == {"a.jpg": False, "b.jpg": False}
    assert not planned(pictures, result).num_rows


def test_a_retryable_refusal_is_tried_a_bounded_number_of_times() -> None:
    """Then the picture is quarantined."""
    pictures = {"a.jpg": "e1"}
    seen: list[tuple[int, bool, bool]] = []
    state: Partition | None = None
    while (sent := planned(pictures, state)).num_rows:
        state = joined(pictures, sent, [refused(id_of("a.jpg", "e1"), retryable=True)], before=state)
        (row,) = state.rejected.to_pylist()
        seen.append((row["attempts"], row["quarantined"], row["final"]))
    assert seen == [(1, False, False), (2, False, False), (MAX_ATTEMPTS, True, True)]


def test_a_picture_that_is_embedded_at_last_is_no_longer_rejected() -> None:
    """Its earlier refusals are forgotten."""
    pictures = {"a.jpg": "e1"}
    before = joined(pictures, planned(pictures), [refused(id_of("a.jpg", "e1"), retryable=True)])
    result = joined(pictures, planned(pictures, before), [embedded(id_of("a.jpg", "e1"))], before=before)
    assert (result.table.num_rows, result.rejected.num_rows) == (1, 0)


def test_overwriting_a_refused_picture_gives_it_a_new_chance() -> None:
    """Attempts belong to bytes, not to keys."""
    pictures = {"a.jpg": "e1"}
    before = joined(pictures, planned(pictures), [refused(id_of("a.jpg", "e1"))])
    assert planned({"a.jpg": "e2"}, before).num_rows == 1
    assert joined({"a.jpg": "e2"}, None, [], before=before).rejected.num_rows == 0


@pytest.mark.parametrize("turned", [False, True])
def test_of_two_lines_of_a_record_the_vector_counts(turned: bool) -> None:
    """Whichever comes first, the record is counted once."""
    record = id_of("a.jpg", "e1")
    outcomes: list[Outcome] = [embedded(record), refused(record)]
    result = joined({"a.jpg": "e1"}, planned({"a.jpg": "e1"}), outcomes[::-1] if turned else outcomes)
    assert (result.tally.records_embedded, result.tally.records_refused, result.tally.duplicate_lines) == (1, 0, 1)
    assert (result.table.num_rows, result.rejected.num_rows) == (1, 0)


def test_lines_of_unknown_records_are_counted_and_dropped() -> None:
    """Such as those of a manifest that somebody else put into the lane."""
    result = joined({"a.jpg": "e1"}, planned({"a.jpg": "e1"}), [embedded("0" * 32), refused("1" * 32), Unreadable("")])
    assert (result.tally.unknown_lines, result.tally.unreadable_lines, result.table.num_rows) == (2, 1, 0)


def test_files_that_are_no_pictures_are_rejected_without_an_attempt() -> None:
    """With the inventory's reason, and never sent."""
    result = joined({"notes.txt": ""}, planned({"notes.txt": ""}), [])
    (row,) = result.rejected.to_pylist()
    assert (row["code"], row["attempts"], row["final"], row["retryable"]) == ("unsupported_format", 0, True, False)
    assert result.rejected.schema == REJECTED


def test_large_tables_leave_in_batches() -> None:
    """Memory stays flat however many records a job has."""
    pictures = {f"{number:04}.jpg": f"e{number}" for number in range(1500)}
    sent = planned(pictures, max_records=5000)
    join = Join(inventory(pictures), bucket=BUCKET, dimension=DIMENSION, submitted=sent, job_id="job1")
    sizes = [batch.num_rows for batch in join.batches([], in_blocks(everything_embedded(sent), lines=2000))]
    assert sum(sizes) == 1500
    assert max(sizes) <= 512
