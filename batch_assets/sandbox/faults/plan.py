"""The rules in force, and how often each has struck."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from batch_assets.sandbox.faults.call_rule import CallRule
from batch_assets.sandbox.faults.job_rule import JobFaults, JobRule
from batch_assets.sandbox.faults.parsing import RawRule, parse_rules

_Rule = TypeVar("_Rule", CallRule, JobRule)


@dataclass
class _Armed(Generic[_Rule]):
    rule: _Rule
    seen: int = 0
    hits: int = 0

    def strikes(self) -> bool:
        """Count a match, and tell whether it is hit."""
        hit = self.rule.strikes(self.seen, hits=self.hits)
        self.seen += 1
        self.hits += hit
        return hit


@dataclass
class FaultPlan:
    """The rules in force; safe to use from several threads."""

    _calls: list[_Armed[CallRule]] = field(default_factory=list)
    _jobs: list[_Armed[JobRule]] = field(default_factory=list)
    _posted: list[RawRule] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, rules: RawRule | Sequence[RawRule]) -> None:
        """Add a rule or several.

        Raises:
            FaultRuleError: A rule is wrong; none of the rules is added.
        """
        listed: list[Any] = list(rules) if isinstance(rules, Sequence) else [rules]
        parsed = parse_rules(listed)
        with self._lock:
            self._posted.extend(listed)
            self._calls.extend(_Armed(rule) for rule in parsed if isinstance(rule, CallRule))
            self._jobs.extend(_Armed(rule) for rule in parsed if isinstance(rule, JobRule))

    def clear(self) -> None:
        """Forget every rule; jobs already submitted keep theirs."""
        with self._lock:
            self._calls.clear()
            self._jobs.clear()
            self._posted.clear()

    def describe(self) -> list[RawRule]:
        """Return the rules as they were posted."""
        with self._lock:
            return list(self._posted)

    def for_call(self, service: str, operation: str) -> CallRule | None:
        """Return the rule that strikes this call, if any; the first one wins."""
        with self._lock:
            for armed in self._calls:
                if armed.rule.matches(service, operation) and armed.strikes():
                    return armed.rule
        return None

    def for_job(self, job_name: str) -> JobFaults:
        """Return what is to go wrong inside a new job; the first rule that strikes wins."""
        with self._lock:
            for armed in self._jobs:
                if armed.rule.matches(job_name) and armed.strikes():
                    return armed.rule
        return JobFaults()
