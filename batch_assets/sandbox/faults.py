"""Failures on request: rules that make calls or batch jobs go wrong, always in the same way."""

import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True, kw_only=True)
class CallFault:
    """What happens to one call: it is late, and fails when ``code`` is set."""

    code: str | None
    status: int
    message: str
    latency_seconds: float


@dataclass(frozen=True, kw_only=True)
class JobFaults:
    """What goes wrong inside one batch job.

    ``error_records``, ``missing_records`` and ``duplicate_records`` are record ids, or a number
    that means so many of the job's first records.

    Attributes:
        fail_every: Every n-th record ends as an error.
        error_records: These records end as errors.
        error_code: Number in the error line.
        error_message: Text in the error line.
        partial_after: Only so many records are processed before the job's timeout.
        fail_job: The job fails while it is validated, with this message.
        expire: The job never begins and expires at its timeout.
        missing_records: These have no line in the output.
        duplicate_records: These have two lines in the output.
        truncate_last_line: The last line of the last output file is cut in half.
        output_files: Number of files that the output of one input file is spread over.
    """

    fail_every: int = 0
    error_records: tuple[str, ...] | int = ()
    error_code: int = 500
    error_message: str = "Injected fault: internal server error"
    partial_after: int | None = None
    fail_job: str | None = None
    expire: bool = False
    missing_records: tuple[str, ...] | int = ()
    duplicate_records: tuple[str, ...] | int = ()
    truncate_last_line: bool = False
    output_files: int = 1

    def fails(self, index: int, record_id: str) -> bool:
        """Tell whether the record at ``index`` (from 0) is to end as an error."""
        every = bool(self.fail_every) and (index + 1) % self.fail_every == 0
        return every or chosen(self.error_records, index, record_id)


def chosen(records: tuple[str, ...] | int, index: int, record_id: str) -> bool:
    """Tell whether a record is among those named by ids or by a number of first ones."""
    return index < records if isinstance(records, int) else record_id in records


@dataclass
class _CallRule:
    service: str
    operation: str = "*"
    times: int | None = None
    rate: float = 1.0
    error: dict[str, Any] | None = None
    latency_seconds: float = 0.0
    seen: int = 0

    def strikes(self, service: str, operation: str) -> bool:
        """Count a matching call and tell whether this one is hit, spread evenly by ``rate``."""
        if self.service not in ("*", service) or self.operation not in ("*", operation):
            return False
        before, self.seen = self.seen, self.seen + 1
        if self.times is not None:
            return before < self.times
        return math.floor(self.seen * self.rate) > math.floor(before * self.rate)

    def fault(self) -> CallFault:
        error = self.error or {}
        return CallFault(
            code=error.get("code"),
            status=int(error.get("status", 500)),
            message=str(error.get("message", "Injected fault")),
            latency_seconds=self.latency_seconds,
        )


@dataclass
class _JobRule:
    faults: JobFaults
    job_name_contains: str = ""
    times: int | None = None


@dataclass
class FaultPlan:
    """The rules in force; safe to use from several threads."""

    _calls: list[_CallRule] = field(default_factory=list)
    _jobs: list[_JobRule] = field(default_factory=list)
    _posted: list[Mapping[str, Any]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, rules: list[Mapping[str, Any]]) -> None:
        """Add rules: those with a ``service`` concern calls, the others batch jobs.

        Raises:
            ValueError: A rule has an unknown or ill-typed field; none of the rules is added.
        """
        parsed = [_parse(rule) for rule in rules]
        with self._lock:
            self._posted.extend(rules)
            self._calls.extend(rule for rule in parsed if isinstance(rule, _CallRule))
            self._jobs.extend(rule for rule in parsed if isinstance(rule, _JobRule))

    def clear(self) -> None:
        """Forget every rule; jobs already submitted keep theirs."""
        with self._lock:
            self._calls.clear()
            self._jobs.clear()
            self._posted.clear()

    def describe(self) -> list[Mapping[str, Any]]:
        """Return the rules as they were posted."""
        with self._lock:
            return list(self._posted)

    def for_call(self, service: str, operation: str) -> CallFault | None:
        """Return what is to happen to this call, if anything; the first matching rule wins."""
        with self._lock:
            return next((rule.fault() for rule in self._calls if rule.strikes(service, operation)), None)

    def for_job(self, job_name: str) -> JobFaults:
        """Return what is to go wrong inside a new job."""
        with self._lock:
            for rule in self._jobs:
                if rule.job_name_contains in job_name and rule.times != 0:
                    rule.times = None if rule.times is None else rule.times - 1
                    return rule.faults
        return JobFaults()


def _parse(rule: Mapping[str, Any]) -> _CallRule | _JobRule:
    try:
        if "service" in rule:
            return _CallRule(**{**rule, "seen": 0})
        selection = {name: rule[name] for name in ("job_name_contains", "times") if name in rule}
        effects = {name: value for name, value in rule.items() if name not in selection}
        return _JobRule(faults=_job_faults(effects), **selection)
    except TypeError as error:
        allowed = [item.name for item in fields(JobFaults)]
        raise ValueError(
            f"not a fault rule: {dict(rule)}: {error}. A call rule has service, operation, times or rate, "
            f"error and latency_seconds; a job rule has job_name_contains, times, {', '.join(allowed)}"
        ) from error


def _job_faults(effects: Mapping[str, Any]) -> JobFaults:
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in effects.items()
    }
    return JobFaults(**values)
