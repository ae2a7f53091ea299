"""Budgets: what one partition and one day may cost, also when several submit at once.

What is handed to the model on a day (UTC) stands in a small table of that day, a row a submission. A submission is
entered before its job is created, with a write that fails if the table has changed since it was read, and by its job
name, so that a run that dies and is repeated counts once. Bedrock's own list would not do: two that look at the same
time see the same sum, new jobs have no record counts in it, and on-demand calls are not there at all. It is asked once,
for a day that has no table yet: the day on which the budget was set, or whose table was lost.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Protocol

import pyarrow as pa

from batch_assets.bedrock import lanes
from batch_assets.bedrock.jobs import JOB_NAME_START, BatchJob, find_job, list_jobs
from batch_assets.bedrock.ledger import HELD, QUEUED, Ledger
from batch_assets.errors import TableChangedError
from batch_assets.settings import Settings

SPENDING = pa.schema(
    [
        pa.field("job_name", pa.string(), nullable=False, metadata={"description": "Job, or on-demand calls"}),
        pa.field("partition", pa.string(), nullable=False, metadata={"description": "Whose pictures"}),
        pa.field("records", pa.int64(), nullable=False, metadata={"description": "Records of the manifest"}),
        pa.field("cost_usd", pa.decimal128(18, 8), nullable=False, metadata={"description": "What all of them cost"}),
        pa.field("on_demand", pa.bool_(), nullable=False, metadata={"description": "No job, but InvokeModel"}),
        pa.field(
            "entered_at",
            pa.timestamp("us", tz="UTC"),
            nullable=False,
            metadata={"description": "By the clock of the machine that submits"},
        ),
    ]
)

_LOOKS = 20
_HOW_TO_ALLOW = "or materialise batch_job by hand with its run config allow_over_budget: true"


@dataclass(frozen=True)
class Expense:
    """What one submission costs: a batch job, or the on-demand calls of a manifest under the model's minimum."""

    job_name: str
    partition: str
    records: int
    cost_usd: Decimal
    on_demand: bool = False
    entered_at: datetime | None = None


class DayTables(Protocol):
    """Where the tables of days are kept, one a day (`2026-11-22`), by schema `SPENDING`."""

    def read(self, day: str) -> tuple[pa.Table | None, str]:
        """The table of a day, None if there is none, and its version."""

    def replace(self, day: str, table: pa.Table, *, version: str) -> None:
        """Put a table in the place of that version. Raises `TableChangedError` if it is no longer the current one."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Budget:
    """The budgets of one deployment; of the settings, 0 is none."""

    settings: Settings
    days: DayTables
    s3: Any
    bedrock: Any
    now: Callable[[], datetime] = _utc_now

    def refusal(self, expense: Expense, ledger: Ledger) -> tuple[str, str] | None:
        """The state, held or queued, of a submission that is above a budget, and why; only reads."""
        limit = self.settings.max_cost_per_partition_usd
        total = ledger.committed_usd + expense.cost_usd
        if limit and total > limit:
            return HELD, (
                f"{_shown(expense)}, with what the partition has cost before {_usd(total)}: more than "
                f"BATCH_ASSETS_MAX_COST_PER_PARTITION_USD={limit}; raise it, {_HOW_TO_ALLOW}"
            )
        limit = self.settings.max_cost_per_day_usd
        if limit and expense.cost_usd > limit:
            return HELD, (
                f"{_shown(expense)}: more than BATCH_ASSETS_MAX_COST_PER_DAY_USD={limit} allows for a whole day; "
                f"raise it, {_HOW_TO_ALLOW}"
            )
        full = self._day_is_full(self._day(), expense, ledger) if limit else None
        return (QUEUED, full) if full else None

    def enter(self, expense: Expense, ledger: Ledger, *, allowed: bool) -> str | None:
        """Count a submission on this day, right before it is paid. Gives why it may not be, unless it is `allowed`.

        Raises `TableChangedError` if others enter theirs all the time.
        """
        if not self.settings.max_cost_per_day_usd:
            return None
        for day in self._looks():
            full = None if allowed else self._day_is_full(day, expense, ledger)
            if full is not None or day.has(expense):
                return full
            entered = replace(expense, entered_at=self.now())
            if self._write(day, [*self._standing(day, expense, ledger), entered]):
                return None
        raise _too_busy()

    def withdraw(self, expense: Expense) -> None:
        """Take back a submission that was definitely refused, so that nothing was paid."""
        if not self.settings.max_cost_per_day_usd:
            return
        for day in self._looks():
            others = [known for known in day.entered if known.job_name != expense.job_name]
            if len(others) == len(day.entered) or self._write(day, others):
                return
        raise _too_busy()

    def _looks(self) -> Iterator["_Day"]:
        """The day, read anew after each write that somebody else was faster with."""
        return (self._day() for _ in range(_LOOKS))

    def _day(self) -> "_Day":
        today = self.now().date()
        table, version = self.days.read(today.isoformat())
        if table is None:
            return _Day(today, tuple(self._submitted_on(today)), version)
        names = [field.name for field in fields(Expense)]
        return _Day(today, tuple(Expense(**row) for row in table.select(names).to_pylist()), version)

    def _write(self, day: "_Day", entered: Sequence[Expense]) -> bool:
        table = pa.Table.from_pylist([asdict(expense) for expense in entered], schema=SPENDING)
        try:
            self.days.replace(day.date.isoformat(), table, version=day.version)
        except TableChangedError:
            return False
        return True

    def _day_is_full(self, day: "_Day", expense: Expense, ledger: Ledger) -> str | None:
        limit, standing = self.settings.max_cost_per_day_usd, self._standing(day, expense, ledger)
        spent = sum((known.cost_usd for known in standing), Decimal(0))
        if day.has(expense) or spent + expense.cost_usd <= limit:
            return None
        return (
            f"{_shown(expense)}, with the {len(standing)} other submissions of {day.date} (UTC) "
            f"{_usd(spent + expense.cost_usd)}: more than BATCH_ASSETS_MAX_COST_PER_DAY_USD={limit}; it is tried again "
            f"and fits on another day; raise it, {_HOW_TO_ALLOW}"
        )

    def _standing(self, day: "_Day", expense: Expense, ledger: Ledger) -> list[Expense]:
        """Entries of the day but those of this partition whose run died before their job was created."""
        recorded = {row.job_name for row in ledger.rows} | {expense.job_name}
        return [
            known
            for known in day.entered
            if known.partition != expense.partition
            or known.on_demand
            or known.job_name in recorded
            or find_job(self.bedrock, known.job_name) is not None
        ]

    def _submitted_on(self, day: date) -> Iterator[Expense]:
        """This deployment's jobs of a day, as Bedrock lists them."""
        midnight = datetime.combine(day, time.min, UTC)
        # The service's filter is exclusive.
        for job in list_jobs(self.bedrock, submitTimeAfter=midnight - timedelta(seconds=1)):
            same_output = job.output_uri.rstrip("/") == self.settings.results_uri.rstrip("/")
            if same_output and job.name.startswith(JOB_NAME_START) and job.submitted_at.astimezone(UTC).date() == day:
                yield self._expense_of(job)

    def _expense_of(self, job: BatchJob) -> Expense:
        folder = job.input_uri.removeprefix(f"s3://{self.settings.source_bucket}/")
        lock = lanes.current_lock(self.s3, lanes.Lane(self.settings.source_bucket, folder)) if not job.ended else None
        holder = lock.holder if lock and lock.holder.job_name == job.name else None
        # A job counts its records only when it has begun; one that ended before that has cost nothing.
        records = job.total_records or (holder.records if holder else 0)
        price = self.settings.space.model.batch_price_per_image_usd
        return Expense(
            job_name=job.name,
            partition=holder.partition if holder else "",
            records=records,
            cost_usd=records * price,
            entered_at=job.submitted_at,
        )


@dataclass(frozen=True)
class _Day:
    """The table of a day as it was read."""

    date: date
    entered: tuple[Expense, ...]
    version: str

    def has(self, expense: Expense) -> bool:
        return any(known.job_name == expense.job_name for known in self.entered)


def _too_busy() -> TableChangedError:
    return TableChangedError(f"the spending of the day was changed by others {_LOOKS} times in a row: run it again")


def _shown(expense: Expense) -> str:
    how = "on demand" if expense.on_demand else "in a batch job"
    return f"{expense.records} records {how} cost {_usd(expense.cost_usd)}"


def _usd(amount: Decimal) -> str:
    return f"{amount.normalize():f} USD"
