"""What a partition and a day may cost, whoever submits."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from batch_assets.bedrock import lanes
from batch_assets.bedrock.budget import SPENDING
from batch_assets.bedrock.ledger import ATTACHED, HELD, ON_DEMAND, QUEUED, SUBMITTED, JobRow, Ledger
from batch_assets.bedrock.submission import Submission
from batch_assets.errors import JobError, TableChangedError
from tests.bedrock.conftest import Deploy, Deployment
from tests.conftest import Aws

ONE, TWO, THREE = "2024/01/02", "2024/01/03", "2024/01/04"
PRICE_OF_100 = Decimal("0.003")


@pytest.fixture(autouse=True)
def _noon(frozen: Aws) -> None:
    """Begin at noon, so that no test passes midnight by accident."""
    now = datetime.fromisoformat(frozen.control("clock")["now"])
    noon = now.replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=1)
    frozen.advance((noon - now).total_seconds())


@pytest.fixture
def two_a_day(deploy: Deploy) -> Deployment:
    """Give a deployment whose budget of a day pays for two jobs of 100 pictures."""
    return deploy(max_cost_per_day_usd=2 * PRICE_OF_100)


def entered(deployment: Deployment) -> dict[str, int]:
    """Partitions and records in the table of today."""
    table, _ = deployment.days.read(deployment.now().date().isoformat())
    return {} if table is None else dict(zip(table["partition"].to_pylist(), table["records"].to_pylist(), strict=True))


def answered(row: JobRow, records: int) -> JobRow:
    """The row of a loaded job of which so many records had an outcome."""
    return replace(row, loaded=True, answered=records)


def test_without_a_budget_nothing_is_counted(daily: Deployment) -> None:
    """No table of the day is read or written."""
    assert daily.submit(daily.submission()).state == SUBMITTED
    assert daily.days.tables == {}


def test_above_the_partitions_budget_nothing_is_paid(deploy: Deploy) -> None:
    """Held, with records, costs and the setting in the reason; no job, no lane, no copy."""
    deployment = deploy(max_cost_per_partition_usd="0.002")
    row = deployment.submit(deployment.submission())
    assert (row.state, row.cost_usd) == (HELD, Decimal(0))
    assert (deployment.jobs(), deployment.lane_files(), deployment.copies) == ([], [], [])
    assert row.reason == (
        "100 records in a batch job cost 0.003 USD, with what the partition has cost before 0.003 USD: more than "
        "BATCH_ASSETS_MAX_COST_PER_PARTITION_USD=0.002; raise it, or materialise batch_job by hand with its run config "
        "allow_over_budget: true"
    )


@pytest.mark.parametrize(("records", "state"), [(100, HELD), (50, HELD), (0, SUBMITTED)])
def test_the_partitions_budget_counts_what_earlier_jobs_have_cost(deploy: Deploy, records: int, state: str) -> None:
    """Of a loaded job only the records that had an outcome: one that failed at once was free."""
    deployment = deploy(max_cost_per_partition_usd="0.0044")
    first = deployment.submit(deployment.submission())
    deployment.end(first)
    ledger = Ledger((answered(first, records),))
    second = deployment.submission(ledger=ledger, loaded_job=first.token, pictures=101)
    assert deployment.submit(second).state == state


def test_a_job_that_exists_already_is_attached_whatever_it_costs(deploy: Deploy) -> None:
    """It is paid: a budget that was lowered since changes nothing."""
    deployment = deploy()
    deployment.submit(deployment.submission())
    lowered = deployment.settings.model_copy(update={"max_cost_per_partition_usd": Decimal("0.001")})
    poorer = replace(deployment, settings=lowered)
    assert poorer.submit(poorer.submission()).state == ATTACHED


def test_a_person_lets_a_manifest_pass_once(deploy: Deploy) -> None:
    """Both budgets, and it counts on its day all the same."""
    deployment = deploy(max_cost_per_partition_usd="0.001", max_cost_per_day_usd="0.001")
    assert deployment.submit(deployment.submission(over_budget_allowed=True)).state == SUBMITTED
    assert entered(deployment) == {ONE: 100}


def test_a_full_day_queues_what_comes(two_a_day: Deployment) -> None:
    """The sum of all partitions counts; the numbers stand in the reason, and no file is left."""
    for key in (ONE, TWO):
        assert two_a_day.submit(two_a_day.submission(key)).state == SUBMITTED
    row = two_a_day.submit(two_a_day.submission(THREE))
    assert (row.state, len(two_a_day.jobs()), len(two_a_day.lane_files())) == (QUEUED, 2, 2)
    assert "100 records in a batch job cost 0.003 USD, with the 2 other submissions of " in row.reason
    assert "(UTC) 0.009 USD: more than BATCH_ASSETS_MAX_COST_PER_DAY_USD=0.006" in row.reason


def test_another_day_has_its_own_budget(two_a_day: Deployment) -> None:
    """What was queued yesterday is submitted, nothing is carried over."""
    for key in (ONE, TWO):
        two_a_day.submit(two_a_day.submission(key))
    two_a_day.aws.advance(timedelta(days=1).total_seconds())
    assert two_a_day.submit(two_a_day.submission(THREE)).state == SUBMITTED
    assert entered(two_a_day) == {THREE: 100}


def test_what_no_day_can_pay_is_held(two_a_day: Deployment) -> None:
    """It would be queued for ever."""
    row = two_a_day.submit(two_a_day.submission(pictures=201))
    assert (row.state, two_a_day.jobs()) == (HELD, [])
    assert "allows for a whole day" in row.reason


def test_the_last_of_the_day_goes_to_one_of_two_that_ask_at_once(deploy: Deploy) -> None:
    """Both have seen room; the entry of the second fails, it looks again, and gives its lane back."""
    deployment = deploy(max_cost_per_day_usd=PRICE_OF_100)
    deployment.days.meanwhile = lambda: deployment.submit(deployment.submission(TWO))
    row = deployment.submit(deployment.submission(ONE))
    assert (row.state, entered(deployment)) == (QUEUED, {TWO: 100})
    assert [job.name for job in deployment.jobs()] == [deployment.submission(TWO).job_name]
    assert deployment.lane_files() == ["photos/2024/01/03/_batch_assets.jsonl"]


def test_two_that_ask_at_once_both_count(two_a_day: Deployment) -> None:
    """Neither entry is lost."""
    two_a_day.days.meanwhile = lambda: two_a_day.submit(two_a_day.submission(TWO))
    assert two_a_day.submit(two_a_day.submission(ONE)).state == SUBMITTED
    assert entered(two_a_day) == {ONE: 100, TWO: 100}


def test_a_day_that_changes_all_the_time_is_an_error(two_a_day: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is paid without being counted."""

    def lose(*_: Any, **__: Any) -> None:
        raise TableChangedError("somebody else")

    monkeypatch.setattr(two_a_day.days, "replace", lose)
    with pytest.raises(TableChangedError, match="20 times in a row"):
        two_a_day.submit(two_a_day.submission())
    assert two_a_day.jobs() == []


class Killed(BaseException):
    """The end of a process."""


def killed_before_its_job(deployment: Deployment, submission: Submission, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that has counted its submission and dies before the job is created."""

    def die(*_: Any, **__: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("batch_assets.bedrock.submit.create_job", die)
        with pytest.raises(Killed):
            deployment.submit(submission)
    deployment.ended_runs.add(submission.run_id)


def test_a_run_that_dies_and_is_repeated_counts_once(deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name of its job is the same, so the entry stands for both."""
    deployment = deploy(max_cost_per_day_usd=PRICE_OF_100)
    killed_before_its_job(deployment, deployment.submission(), monkeypatch)
    assert entered(deployment) == {ONE: 100}
    assert deployment.submit(deployment.submission(run_id="run-2")).state == SUBMITTED
    assert entered(deployment) == {ONE: 100}


def test_an_entry_without_a_job_gives_way_to_the_next_manifest(deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures came while the run was dead: only what is really sent counts."""
    deployment = deploy(max_cost_per_day_usd="0.0035")
    killed_before_its_job(deployment, deployment.submission(), monkeypatch)
    later = deployment.submission(pictures=110, run_id="run-2")
    assert deployment.submit(later).state == SUBMITTED
    assert entered(deployment) == {ONE: 110}


def test_an_entry_with_a_job_stays_beside_the_next_manifest(two_a_day: Deployment) -> None:
    """Both jobs of the partition are paid on this day."""
    first = two_a_day.submit(two_a_day.submission())
    two_a_day.end(first)
    second = two_a_day.submission(ledger=Ledger((first,)), loaded_job=first.token, pictures=101)
    assert two_a_day.submit(second).state == QUEUED


def test_a_refused_job_is_not_counted(two_a_day: Deployment) -> None:
    """A definite no costs nothing, and the next may have its money."""
    two_a_day.aws.control(
        "faults",
        {
            "service": "bedrock",
            "operation": "CreateModelInvocationJob",
            "error": {"code": "AccessDeniedException", "status": 403},
        },
    )
    with pytest.raises(JobError):
        two_a_day.submit(two_a_day.submission())
    assert entered(two_a_day) == {}


def test_pictures_on_demand_count_at_their_price(deploy: Deploy) -> None:
    """They are no jobs, so that no list of jobs would tell them."""
    deployment = deploy(max_cost_per_day_usd="0.001")
    row = deployment.submit(deployment.submission(pictures=17))
    assert row.state == HELD
    assert "17 records on demand cost 0.00102 USD" in row.reason
    assert deployment.submit(deployment.submission(pictures=16)).state == ON_DEMAND
    assert entered(deployment) == {ONE: 16}


@pytest.mark.parametrize("started", [False, True])
def test_jobs_of_a_day_without_a_table_are_asked_of_bedrock(deploy: Deploy, *, started: bool) -> None:
    """The budget is set at noon, or the table is lost: what this deployment has submitted counts all the same.

    Before a job has begun, its lane tells how many records it has.
    """
    deployment = deploy()
    deployment.submit(deployment.submission(ONE, pictures=150))
    other = deploy(source_bucket=deployment.aws.new_bucket("others"))
    other.submit(other.submission(TWO))
    if started:
        deployment.aws.advance(1800)
    budgeted = replace(
        deployment, settings=deployment.settings.model_copy(update={"max_cost_per_day_usd": Decimal("0.007")})
    )
    assert budgeted.submit(budgeted.submission(THREE, pictures=100)).state == QUEUED
    raised = replace(
        deployment, settings=deployment.settings.model_copy(update={"max_cost_per_day_usd": Decimal("0.0075")})
    )
    assert raised.submit(raised.submission(THREE, pictures=100)).state == SUBMITTED
    assert sorted(entered(raised).values()) == [100, 150]


def test_a_lane_tells_the_records_of_its_manifest(daily: Deployment) -> None:
    """Without reading the manifest."""
    daily.submit(daily.submission(pictures=123))
    lock = lanes.current_lock(daily.aws.s3, daily.submitter().lane(ONE))
    assert lock is not None
    assert lock.holder.records == 123


def test_the_table_of_a_day_says_who_and_what_for(two_a_day: Deployment) -> None:
    """A row a submission, exact in its amount."""
    row = two_a_day.submit(two_a_day.submission())
    table, _ = two_a_day.days.read(two_a_day.now().date().isoformat())
    assert table is not None
    assert table.schema == SPENDING
    (line,) = table.drop_columns(["entered_at"]).to_pylist()
    assert line == {
        "job_name": row.job_name,
        "partition": ONE,
        "records": 100,
        "cost_usd": PRICE_OF_100,
        "on_demand": False,
    }


@pytest.mark.parametrize(
    ("row", "paid", "committed"),
    [
        (JobRow(SUBMITTED, "", "a", records=100, cost_usd=PRICE_OF_100), "0", "0.003"),
        (JobRow(SUBMITTED, "", "a", records=100, cost_usd=PRICE_OF_100, loaded=True, answered=60), "0.0018", "0.0018"),
        (JobRow(SUBMITTED, "", "a", records=100, cost_usd=PRICE_OF_100, loaded=True, answered=0), "0", "0"),
        (JobRow(ON_DEMAND, "", "a", records=10, cost_usd=Decimal("0.0006"), answered=10), "0.0006", "0.0006"),
        (JobRow(HELD, "", "a", records=100), "0", "0"),
    ],
)
def test_only_answered_records_are_paid(row: JobRow, paid: str, committed: str) -> None:
    """Until the results are loaded the whole job is as good as spent, but not yet paid."""
    ledger = Ledger((row,))
    assert (ledger.paid_usd, ledger.committed_usd) == (Decimal(paid), Decimal(committed))


def test_a_ledger_learns_the_answers_of_the_job_that_was_loaded() -> None:
    """And keeps them when the next row comes."""
    ledger = Ledger((JobRow(SUBMITTED, "", "arn:1", job_arn="arn:1", job_name="ba-1", records=9),))
    learnt = ledger.with_answers("arn:1", 7).succeeded_by(JobRow(HELD, "", "held:1"), loaded_job="arn:1")
    assert [row.answered for row in learnt.with_answers("held:1", 0).rows] == [7, 0]


def test_a_ledger_of_an_earlier_release_is_read() -> None:
    """It knew neither answers nor allowances."""
    ledger = Ledger((JobRow(SUBMITTED, "", "arn:1", job_name="ba-1", records=9),))
    assert Ledger.from_table(ledger.to_table().drop_columns(["answered", "over_budget_allowed"])) == ledger
