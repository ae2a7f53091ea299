"""Rules about batch jobs: how they end, which records go wrong, and what their output looks like."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from batch_assets.sandbox.faults.chance import Frequency
from batch_assets.sandbox.faults.selection import Amount, Number, Records, Selection

EndState = Literal["Completed", "PartiallyCompleted", "Expired", "Stopped", "Failed"]

_GOOD = {"all": Records(), "some": Records(every=2), "none": Records(share=1.0)}
_MESSAGES: dict[str, str] = {
    "Failed": "Injected fault: the job failed",
    "Expired": "The job expired before it began to be processed.",
}


class RecordErrors(BaseModel):
    """Some records end with this error instead of a vector."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    records: Selection
    code: int = 500
    message: str = "Injected fault: internal server error"


class JobFaults(BaseModel):
    """What goes wrong inside one batch job; by default nothing.

    Attributes:
        end_state: How the job ends, whatever became of its records.
        message: What the service says about the end.
        good: Whether all records are embedded, none, or every other one; the others end as errors.
        unprocessed_records: So many of the last records are not processed; the job is
            PartiallyCompleted unless ``end_state`` says otherwise.
        fail_job: The job fails while it is validated, with this message, before any record.
        expire: The job never begins, and expires at its timeout.
        partial_after: Only so many records are processed before the job's timeout.
        fail_every: Every n-th record ends as an error.
        error_records: These records end as errors, with ``error_code`` and ``error_message``.
        errors: Further records that end as errors, each group with a code and message of its own.
        missing_records: These have no line in the output.
        duplicate_records: These have two lines.
        garbled_records: Their lines are no JSON.
        wrong_dimension_records: Their vectors lack a number.
        nan_records: Their vectors hold NaN.
        zero_records: Their vectors are zero.
        truncate_last_line: The last line of the last output file is cut in half.
        output_files: Number of files that the output of one input file is spread over.
        missing_files: So many output files, from the last one back, are never written.
        missing_counts: ``manifest.json.out`` is never written.
        late_seconds: Output files appear so long after the job's end, on the virtual clock.
        late_files: So many, from the last one back, are late; all of them by default.
        event_copies: How often each of the job's events is sent: 0 loses them, 2 doubles them.
        event_late_seconds: They are sent so long after the change of state, on the virtual clock.
        seed: Of the shares of records.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    end_state: EndState | None = None
    message: str | None = None
    good: Literal["none", "some", "all"] | None = None
    unprocessed_records: Number = Amount()
    fail_job: str | None = None
    expire: bool = False
    partial_after: int | None = Field(default=None, ge=0)
    fail_every: int = Field(default=0, ge=0)
    error_records: Selection = Records()
    error_code: int = 500
    error_message: str = "Injected fault: internal server error"
    errors: list[RecordErrors] = []
    missing_records: Selection = Records()
    duplicate_records: Selection = Records()
    garbled_records: Selection = Records()
    wrong_dimension_records: Selection = Records()
    nan_records: Selection = Records()
    zero_records: Selection = Records()
    truncate_last_line: bool = False
    output_files: int = Field(default=1, ge=1)
    missing_files: Number = Amount()
    missing_counts: bool = False
    late_seconds: float = Field(default=0.0, ge=0, lt=float("inf"))
    late_files: Number = Amount(share=1.0)
    event_copies: int = Field(default=1, ge=0)
    event_late_seconds: float = Field(default=0.0, ge=0, lt=float("inf"))
    seed: int | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        ends = [name for name in ("end_state", "fail_job", "expire", "partial_after") if name in self.model_fields_set]
        if len(ends) > 1:
            raise ValueError(f"give only one of {', '.join(ends)}: a job ends once")
        return self

    def error(self, index: int, record_id: str, *, job_name: str) -> tuple[int, str] | None:
        """Return code and message of the error that the record at ``index`` (from 0) ends with, if any."""
        for number, group in enumerate(self._error_groups()):
            if group.records.include(index, record_id, seed=self._seed(job_name, f"errors {number}")):
                return group.code, group.message
        return None

    def affects(self, name: str, index: int, record_id: str, *, job_name: str) -> bool:
        """Tell whether a record is among those of the field ``name``."""
        records: Records = getattr(self, name)
        return records.include(index, record_id, seed=self._seed(job_name, name))

    def processed_of(self, total: int) -> int:
        """Return how many of the records are processed."""
        processed = total - self.unprocessed_records.of(total)
        return processed if self.partial_after is None else min(processed, self.partial_after)

    def never_begins(self, total: int) -> bool:
        """Tell whether the job expires without having begun."""
        return self.expire or (self.end_state == "Expired" and self.processed_of(total) == 0)

    def end_message(self, status: str) -> str | None:
        """Return what the service says about an end."""
        return self.message or _MESSAGES.get(status)

    def _error_groups(self) -> list[RecordErrors]:
        own = (_GOOD[self.good or "all"], self.error_records, Records(every=self.fail_every))
        first = [
            RecordErrors(records=records, code=self.error_code, message=self.error_message)
            for records in own
            if records
        ]
        return [*first, *self.errors]

    def _seed(self, job_name: str, field: str) -> str:
        return f"{self.seed or 0}/{job_name}/{field}"


class JobRule(JobFaults, Frequency):
    """What goes wrong inside some jobs: those whose names contain a text."""

    job_name_contains: str = ""

    def matches(self, job_name: str) -> bool:
        """Tell whether a job is one that this rule is about."""
        return self.job_name_contains in job_name
