"""The job table of a partition."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from batch_assets.bedrock.ledger import (
    ATTACHED,
    HELD,
    LEDGER,
    LOADED_AT_ONCE,
    NOTHING_TO_DO,
    QUEUED,
    REFUSED,
    SUBMITTED,
    WITH_JOB,
    JobRow,
    Ledger,
)


def job(number: int, *, fingerprint: str = "f" * 64, state: str = SUBMITTED) -> JobRow:
    return JobRow(
        state=state,
        reason="accepted by Bedrock",
        token=f"arn:{number}",
        job_arn=f"arn:{number}",
        job_name=f"ba-{number}",
        fingerprint=fingerprint,
        attempt=number,
        records=120,
        cost_usd=Decimal("0.00360000"),
        input_uri="s3://pictures/photos/2024/01/02/",
        output_uri="s3://results/",
        submitted_at=datetime(2024, 1, 3, 4, 5, 6, 789, tzinfo=UTC),
    )


def without_job(state: str) -> JobRow:
    return JobRow(state=state, reason="because", token=f"{state}:1")


def test_ledger_survives_the_table() -> None:
    """Rows come back from Arrow as they were, prices and times exact."""
    ledger = Ledger((job(1), without_job(NOTHING_TO_DO)))
    table = ledger.to_table()
    assert table.schema == LEDGER
    assert Ledger.from_table(table) == Ledger((job(1), JobRow(NOTHING_TO_DO, "because", f"{NOTHING_TO_DO}:1")))


@pytest.mark.parametrize("ledger", [Ledger(), Ledger.from_table(None), Ledger.from_table(Ledger().to_table())])
def test_a_partition_without_jobs_has_an_empty_ledger(ledger: Ledger) -> None:
    """Nothing is current, nothing in flight, and the first attempt is 1."""
    assert ledger.current is None
    assert ledger.in_flight(None) is None
    assert ledger.next_attempt("f" * 64, loaded_job=None) == 1


@pytest.mark.parametrize("state", [SUBMITTED, ATTACHED])
def test_a_job_is_in_flight_until_it_is_loaded(state: str) -> None:
    """What the table says it holds decides, not a time."""
    ledger = Ledger((job(1, state=state),))
    assert ledger.in_flight(None) == job(1, state=state)
    assert ledger.in_flight("arn:0") == job(1, state=state)
    assert ledger.in_flight("arn:1") is None


@pytest.mark.parametrize("state", [QUEUED, HELD, REFUSED, NOTHING_TO_DO])
def test_a_state_without_a_job_is_never_in_flight(state: str) -> None:
    """There is nothing to wait for."""
    assert Ledger((without_job(state),)).in_flight(None) is None


def test_every_state_is_with_a_job_or_loaded_at_once_or_queued() -> None:
    """A queued manifest alone has neither a job nor anything to load."""
    assert {SUBMITTED, ATTACHED, QUEUED, HELD, REFUSED, NOTHING_TO_DO} - WITH_JOB - LOADED_AT_ONCE == {QUEUED}
    assert not WITH_JOB & LOADED_AT_ONCE


def test_attempt_stays_while_the_job_is_not_loaded() -> None:
    """A repeated run computes the same name, so that it finds the job instead of paying again."""
    ledger = Ledger((job(1),))
    assert ledger.next_attempt("f" * 64, loaded_job=None) == 1
    assert ledger.next_attempt("f" * 64, loaded_job="arn:1") == 2


def test_attempt_counts_only_jobs_of_the_same_manifest() -> None:
    """Another manifest begins at 1."""
    ledger = Ledger((job(1), job(2, fingerprint="e" * 64)))
    assert ledger.next_attempt("d" * 64, loaded_job="arn:2") == 1
    assert ledger.next_attempt("f" * 64, loaded_job="arn:2") == 2


def test_attempt_grows_through_a_history_of_one_manifest() -> None:
    """Jobs that brought nothing are attempts, states without a job are not."""
    ledger, loaded = Ledger(), None
    for number in (1, 2, 3):
        assert ledger.next_attempt("f" * 64, loaded_job=loaded) == number
        ledger = ledger.succeeded_by(job(number), loaded_job=loaded)
        loaded = f"arn:{number}"
        ledger = ledger.succeeded_by(without_job(QUEUED), loaded_job=loaded)


def test_rows_without_a_job_are_replaced_and_jobs_stay() -> None:
    """The history holds what was paid for."""
    ledger = Ledger().succeeded_by(without_job(QUEUED), loaded_job=None)
    ledger = ledger.succeeded_by(job(1), loaded_job=None)
    ledger = ledger.succeeded_by(without_job(HELD), loaded_job="arn:1")
    ledger = ledger.succeeded_by(without_job(NOTHING_TO_DO), loaded_job="held:1")
    assert [row.state for row in ledger.rows] == [SUBMITTED, NOTHING_TO_DO]


def test_a_loaded_job_is_remembered_as_loaded() -> None:
    """Also after the table has gone on to another one."""
    ledger = Ledger().succeeded_by(job(1), loaded_job=None).succeeded_by(job(2), loaded_job="arn:1")
    ledger = ledger.succeeded_by(without_job(NOTHING_TO_DO), loaded_job="arn:2")
    assert [row.loaded for row in ledger.rows] == [True, True, False]
