"""Whether the printed policies allow every call of the test-suite, and no action that none of the calls needs.

The sandbox keeps what each call asked IAM for. What is tested calls with the access key of the environment; tests
themselves, and those whose rights are wider, with others. A call is judged by the policies of the deployments that its
resource belongs to.
"""

import json
import re
import urllib.request
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from batch_assets.iam.calls import CALLS, Purpose
from batch_assets.iam.needs import NEEDS
from batch_assets.iam.policy import permissions
from batch_assets.sandbox.authorization.access_request import AccessRequest
from batch_assets.sandbox.authorization.policy import Decision, Policy, decide
from batch_assets.sandbox.config import ACCESS_KEY_ID
from batch_assets.sandbox.process import RunningSandbox
from batch_assets.settings import Settings

DEPLOYMENTS: list[Settings] = []
"""Every deployment of this process's tests."""

USERS: set[str] = set()
"""Access keys of the users that the pipeline and the searches run as where policies are enforced."""

_KEY = "access_proof"
# botocore's own, after an answer that speaks of another Region: it reads the Region from a refusal as well.
_ASKS_FOR_REGION = "s3.HeadBucket"
_ROLE = re.compile(r"arn:aws:iam::\d+:role/.*")
_BUCKET = re.compile(r"arn:aws:(?:s3:::|s3vectors:[^:]*:[^:]*:bucket/)([^/]+)")


@dataclass
class Verdict:
    """What came of judging calls.

    Attributes:
        calls: How many were judged.
        requests: How many different things they asked for.
        refused: Requests that no policy allows.
        needed: Purposes and actions that a request has needed.
        operations: Operations of the SDK that were called.
    """

    calls: int = 0
    requests: int = 0
    refused: set[str] = field(default_factory=set)
    needed: set[tuple[str, str]] = field(default_factory=set)
    operations: set[str] = field(default_factory=set)

    def add(self, other: "Verdict") -> None:
        """Take another verdict in."""
        self.calls += other.calls
        self.requests += other.requests
        self.refused |= other.refused
        self.needed |= other.needed
        self.operations |= other.operations

    def as_json(self) -> dict[str, Any]:
        """As it goes from one process to another."""
        return {
            "calls": self.calls,
            "requests": self.requests,
            "refused": sorted(self.refused),
            "needed": sorted(map(list, self.needed)),
            "operations": sorted(self.operations),
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "Verdict":
        """The opposite of `as_json`."""
        needed = {(purpose, action) for purpose, action in told["needed"]}
        return cls(told["calls"], told["requests"], set(told["refused"]), needed, set(told["operations"]))

    def superfluous(self) -> list[str]:
        """Actions that a policy allows and no call has needed, and operations with needs that nothing has called."""
        allowed = {(str(purpose), action) for settings in _EVERY_KIND for purpose, action in _allowed(settings)}
        registered = {
            operation for made in CALLS.values() for calls in made for operation in calls.operations if NEEDS[operation]
        }
        return sorted(
            [f"{purpose} allows {action}" for purpose, action in allowed - self.needed]
            + [f"{operation} is registered" for operation in registered - self.operations]
        )


TOTAL = Verdict()
_PROBLEMS: list[str] = []


def accesses(running: RunningSandbox) -> list[dict[str, Any]]:
    """What a sandbox has kept."""
    with urllib.request.urlopen(f"{running.endpoint_url}/_local/access") as answer:  # noqa: S310 - loopback
        kept: list[dict[str, Any]] = json.load(answer)
    return kept


def judge(kept: Iterable[Mapping[str, Any]], deployments: Sequence[Settings], callers: Collection[str]) -> Verdict:
    """Judge what some callers and the service roles have called, by the policies of the deployments."""
    policies = _Policies(deployments)
    verdict = Verdict()
    for access in kept:
        if access["operation"] == _ASKS_FOR_REGION:
            continue
        is_role = _ROLE.fullmatch(access["caller"]) is not None
        # A batch job that no deployment has submitted is a test's own.
        if not (policies.know(access["resource"]) if is_role else access["caller"] in callers):
            continue
        request = AccessRequest(access["action"], access["resource"], access["context"])
        purposes = {Purpose.BEDROCK_ROLE} if is_role else {Purpose.PIPELINE, Purpose.SEARCH}
        found = policies.allowing(request, purposes)
        verdict.calls += access["calls"]
        verdict.requests += 1
        verdict.operations.add(access["operation"])
        verdict.needed |= {(str(purpose), request.action) for purpose in found}
        if not found:
            verdict.refused.add(f"{access['operation']}: {request.action} on {request.resource} {request.context}")
    return verdict


def keep(running: RunningSandbox, callers: Collection[str] = (ACCESS_KEY_ID,)) -> None:
    """Judge what was called in a sandbox, before it ends."""
    TOTAL.add(judge(accesses(running), DEPLOYMENTS, callers))


def take(workeroutput: Mapping[str, Any]) -> None:
    """Add what another process has judged."""
    if _KEY in workeroutput:
        TOTAL.add(Verdict.from_json(json.loads(workeroutput[_KEY])))


def finish(session: pytest.Session) -> None:
    """Hand the verdict over to the first process, or fail the tests there."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput[_KEY] = json.dumps(TOTAL.as_json())
        return
    _PROBLEMS.extend(f"not allowed: {one}" for one in sorted(TOTAL.refused))
    if _is_whole(session):
        _PROBLEMS.extend(f"needed by no call: {one}" for one in TOTAL.superfluous())
    if _PROBLEMS and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def report(terminal: pytest.TerminalReporter) -> None:
    """Print what was judged."""
    if TOTAL.calls:
        terminal.section("permissions")
        terminal.write_line(
            f"{TOTAL.calls} calls of {len(TOTAL.operations)} operations asked for {TOTAL.requests} different things: "
            f"{len(TOTAL.needed)} actions were needed, {len(TOTAL.refused)} requests are not allowed"
        )
    for problem in _PROBLEMS:
        terminal.write_line(problem, red=True)


class _Policies:
    """Statements with one action each, by the bucket and the action that they are about."""

    def __init__(self, deployments: Iterable[Settings]) -> None:
        self._statements: dict[tuple[str, str], list[tuple[Purpose, Policy]]] = {}
        self._buckets: set[str] = set()
        for settings in deployments:
            for purpose in Purpose:
                for bucket, statement in _single(permissions(purpose, settings)["Statement"]):
                    self._buckets.add(bucket)
                    known = self._statements.setdefault((bucket, statement["Action"]), [])
                    if (purpose, Policy((statement,))) not in known:
                        known.append((purpose, Policy((statement,))))

    def know(self, resource: str) -> bool:
        """Whether a bucket is one of the deployments'."""
        return _bucket(resource) in self._buckets

    def allowing(self, request: AccessRequest, purposes: Iterable[Purpose]) -> set[Purpose]:
        """The purposes that a request is allowed for."""
        candidates = self._statements.get((_bucket(request.resource), request.action), [])
        return {
            purpose
            for purpose, policy in candidates
            if purpose in purposes and decide([policy], request) is Decision.ALLOWED
        }


def _single(statements: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for statement in statements:
        named = statement["Resource"]
        for resource in [named] if isinstance(named, str) else named:
            for action in statement["Action"]:
                yield _bucket(resource), {**statement, "Resource": resource, "Action": action}


def _bucket(resource: str) -> str:
    found = _BUCKET.match(resource)
    return found[1] if found else ""


def _is_whole(session: pytest.Session) -> bool:
    """Whether all tests were asked for, and passed."""
    config = session.config
    chosen = config.args_source is not pytest.Config.ArgsSource.TESTPATHS or config.getoption("keyword")
    return not chosen and session.exitstatus == pytest.ExitCode.OK


def _allowed(settings: Settings) -> Iterator[tuple[Purpose, str]]:
    for purpose in Purpose:
        for statement in permissions(purpose, settings)["Statement"]:
            yield from ((purpose, action) for action in statement["Action"])


def _settings(**settings: Any) -> Settings:
    values: dict[str, Any] = {
        "_env_file": None,
        "source_bucket": "pictures",
        "first_partition": "2026/11/18",
        "account_id": "123456789012",
        "role_arn": "arn:aws:iam::123456789012:role/bedrock",
        "vector_bucket": "vectors",
        **settings,
    }
    return Settings(**values)


_EVERY_KIND = (
    _settings(
        results_retention_days=1,
        events_queue_url="http://127.0.0.1/123456789012/events",
        alert_topic_arn="arn:aws:sns:us-east-1:123456789012:alerts",
    ),
)
"""Settings that between them make every call."""
