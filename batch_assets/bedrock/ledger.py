"""The job table of a partition: every batch job that it had, and what its newest manifest came to.

The last row is the current one. Its `token` is what the loader compares with `loaded_job`: the ARN of a job, or, when
there is no job to wait for, the state and a hash of what the prefix should hold, so that deletions and copies are
loaded too.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from decimal import Decimal

import pyarrow as pa

SUBMITTED, ATTACHED = "submitted", "attached"
QUEUED, HELD, REFUSED, NOTHING_TO_DO = "queued", "held", "refused", "nothing_to_do"

ON_DEMAND = "on_demand"

WITH_JOB = frozenset({SUBMITTED, ATTACHED})
"""States with a job that has to end before it can be loaded."""

SENT = WITH_JOB | {ON_DEMAND}
"""States whose pictures were handed to the model."""

LOADED_AT_ONCE = frozenset({HELD, REFUSED, NOTHING_TO_DO, ON_DEMAND})
"""States that wait for no job: the tables can be brought up to date right away."""

LEDGER = pa.schema(
    [
        pa.field(
            "state",
            pa.string(),
            nullable=False,
            metadata={"description": "submitted, attached, on_demand, queued, held, refused or nothing_to_do"},
        ),
        pa.field("reason", pa.string(), nullable=False, metadata={"description": "Why it is in this state"}),
        pa.field("token", pa.string(), nullable=False, metadata={"description": "What the loader has to load"}),
        pa.field("job_arn", pa.string(), metadata={"description": "Batch job of Amazon Bedrock, if there is one"}),
        pa.field("job_name", pa.string(), metadata={"description": "Derived from partition, fingerprint, attempt"}),
        pa.field("fingerprint", pa.string(), metadata={"description": "SHA-256 of the manifest and the space"}),
        pa.field("attempt", pa.int32(), nullable=False, metadata={"description": "Jobs of this manifest so far"}),
        pa.field("records", pa.int64(), nullable=False, metadata={"description": "Records of the manifest"}),
        pa.field(
            "cost_usd", pa.decimal128(18, 8), nullable=False, metadata={"description": "Batch price of its records"}
        ),
        pa.field("input_uri", pa.string(), metadata={"description": "Folder that the job was given: the lane"}),
        pa.field("output_uri", pa.string(), metadata={"description": "Folder of the results"}),
        pa.field("submitted_at", pa.timestamp("us", tz="UTC"), metadata={"description": "By the clock of Bedrock"}),
        pa.field("target", pa.string(), metadata={"description": "Space and index of its vectors, as JSON"}),
        pa.field("loaded", pa.bool_(), nullable=False, metadata={"description": "Its results are in the table"}),
        pa.field("answered", pa.int64(), metadata={"description": "Records with an outcome, once it is loaded"}),
        pa.field(
            "over_budget_allowed", pa.bool_(), nullable=False, metadata={"description": "A person let it pass once"}
        ),
        pa.field(
            "unrecorded_partition", pa.string(), metadata={"description": "To be planned before this one can be sent"}
        ),
    ]
)


@dataclass(frozen=True)
class JobRow:
    """One row of the job table; see `LEDGER`."""

    state: str
    reason: str
    token: str
    job_arn: str | None = None
    job_name: str | None = None
    fingerprint: str | None = None
    attempt: int = 0
    records: int = 0
    cost_usd: Decimal = Decimal(0)
    input_uri: str | None = None
    output_uri: str | None = None
    submitted_at: datetime | None = None
    target: str | None = None
    loaded: bool = False
    answered: int | None = None
    over_budget_allowed: bool = False
    unrecorded_partition: str | None = None

    @property
    def paid_usd(self) -> Decimal:
        """Cost of the records that had an outcome; 0 until the results are loaded.

        Whether Bedrock bills a record that the model refused is not documented: it counts as paid.
        """
        return self.cost_usd * (self.answered or 0) / self.records if self.records else Decimal(0)

    @property
    def committed_usd(self) -> Decimal:
        """What the job has cost as far as is known: all of its records until its results are loaded."""
        return self.cost_usd if self.answered is None else self.paid_usd


@dataclass(frozen=True)
class Ledger:
    """The rows of a job table, oldest first."""

    rows: tuple[JobRow, ...] = ()

    @classmethod
    def from_table(cls, table: pa.Table | None) -> "Ledger":
        rows = []
        if table is not None:
            # A table of an earlier release lacks the newer columns.
            names = [field.name for field in fields(JobRow) if field.name in table.column_names]
            rows = table.select(names).to_pylist()
        return cls(tuple(JobRow(**row) for row in rows))

    def to_table(self) -> pa.Table:
        return pa.Table.from_pylist([asdict(row) for row in self.rows], schema=LEDGER)

    @property
    def current(self) -> JobRow | None:
        return self.rows[-1] if self.rows else None

    @property
    def paid_usd(self) -> Decimal:
        """What the loaded jobs of the partition have cost."""
        return sum((row.paid_usd for row in self.rows), Decimal(0))

    @property
    def committed_usd(self) -> Decimal:
        """What the partition has cost, and what it may cost with the job that is not loaded yet."""
        return sum((row.committed_usd for row in self.rows), Decimal(0))

    def with_answers(self, loaded_job: str | None, answered: int) -> "Ledger":
        """The ledger with the number of records that had an outcome in the row that was loaded last."""
        return Ledger(tuple(replace(row, answered=answered) if row.token == loaded_job else row for row in self.rows))

    def in_flight(self, loaded_job: str | None) -> JobRow | None:
        """The current row if its pictures were handed to the model and their results are not in the table yet."""
        current = self.current
        return current if current and current.state in SENT and current.token != loaded_job else None

    def next_attempt(self, fingerprint: str, *, loaded_job: str | None) -> int:
        """1 + the jobs of this manifest that are no longer in flight: a repeated run computes the same."""
        in_flight = self.in_flight(loaded_job)
        return 1 + sum(
            row.job_name is not None and row.fingerprint == fingerprint for row in self.rows if row is not in_flight
        )

    def succeeded_by(self, row: JobRow, *, loaded_job: str | None) -> "Ledger":
        """The ledger with a new current row; rows without a job are replaced, jobs stay as history."""
        return Ledger((*self._settled(loaded_job), row))

    def _settled(self, loaded_job: str | None) -> Sequence[JobRow]:
        return [
            replace(row, loaded=row.loaded or row.token == loaded_job) for row in self.rows if row.job_name is not None
        ]
