"""The fixtures every test may use: a sandbox for the session, and clients that speak to it."""

import json
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from batch_assets.sandbox.server import RunningSandbox, start
from tests import access_proof

if TYPE_CHECKING:
    from mypy_boto3_bedrock import BedrockClient
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3vectors import S3VectorsClient
    from mypy_boto3_sts import STSClient

SESSION_SPEED = 3600.0
TESTS = "tests"
"""Access key of what tests do themselves; what they test has that of the environment."""
ADMINISTRATOR = "administrator"
"""Access key of commands that need more than the pipeline does: to set it up, and to look beyond it."""
DEADLINE_SECONDS = 60.0
_POLL_SECONDS = 0.02

_TRUST_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "bedrock.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}},
        }
    ],
}


def wait_for(
    condition: Callable[[], Any],
    *,
    what: str,
    deadline_seconds: float = DEADLINE_SECONDS,
    poll_seconds: float = _POLL_SECONDS,
) -> Any:
    """Return the first true value of a condition; fail with its name when the deadline passes."""
    deadline = time.monotonic() + deadline_seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            pytest.fail(f"waited {deadline_seconds:.0f} s for {what}")
        time.sleep(poll_seconds)


@dataclass
class Aws:
    """Clients of one sandbox, and the handles that steer it."""

    sandbox: RunningSandbox
    session: boto3.Session = field(default_factory=lambda: boto3.Session(TESTS, TESTS, region_name="us-east-1"))

    def client(self, service: str, **options: Any) -> Any:
        """Return a client that asks once and tells at once."""
        options.setdefault("config", Config(retries={"total_max_attempts": 1}, max_pool_connections=32))
        options.setdefault("endpoint_url", self.sandbox.endpoint_url)
        return self.session.client(service, **options)  # type: ignore[call-overload]  # the name is not literal

    @cached_property
    def s3(self) -> "S3Client":
        """S3."""
        return self.client("s3")  # type: ignore[no-any-return]  # one overload a service

    @cached_property
    def bedrock(self) -> "BedrockClient":
        """Bedrock's control plane."""
        return self.client("bedrock")  # type: ignore[no-any-return]  # as above

    @cached_property
    def bedrock_runtime(self) -> "BedrockRuntimeClient":
        """Bedrock's InvokeModel."""
        return self.client("bedrock-runtime")  # type: ignore[no-any-return]  # as above

    @cached_property
    def s3vectors(self) -> "S3VectorsClient":
        """S3 Vectors."""
        return self.client("s3vectors")  # type: ignore[no-any-return]  # as above

    @cached_property
    def iam(self) -> "IAMClient":
        """IAM."""
        return self.client("iam")  # type: ignore[no-any-return]  # as above

    @cached_property
    def sts(self) -> "STSClient":
        """STS."""
        return self.client("sts")  # type: ignore[no-any-return]  # as above

    @cached_property
    def role_arn(self) -> str:
        """A service role that trusts Bedrock."""
        name = f"bedrock-batch-{uuid.uuid4().hex[:8]}"
        role = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(_TRUST_POLICY))
        return role["Role"]["Arn"]

    def new_bucket(self, prefix: str = "bucket") -> str:
        """Create a bucket that no other test knows."""
        name = f"{prefix}-{uuid.uuid4().hex[:12]}"
        self.s3.create_bucket(Bucket=name)
        return name

    def control(self, path: str, body: Any = None, *, method: str | None = None) -> Any:
        """Call an endpoint under ``/_local/``: GET without a body, POST with one."""
        request = urllib.request.Request(  # noqa: S310 - loopback
            f"{self.sandbox.endpoint_url}/_local/{path}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
        )
        with urllib.request.urlopen(request) as response:  # noqa: S310 - loopback
            return json.load(response)

    def advance(self, seconds: float) -> None:
        """Move the virtual clock forward."""
        self.control("clock", {"advance_seconds": seconds})

    def wait_for_job(self, arn: str, *statuses: str) -> Any:
        """Return the description of a job once it has one of the statuses."""

        def described() -> Any:
            job = self.bedrock.get_model_invocation_job(jobIdentifier=arn)
            return job if job["status"] in statuses else None

        return wait_for(described, what=f"{arn} to be {' or '.join(statuses)}")


@dataclass(frozen=True)
class Account:
    """The account's own clients, which may do everything, and a way to make users who may not."""

    root: Aws

    def user(self, *statements: Mapping[str, Any], name: str = "") -> Aws:
        """Clients of a new user, with a policy of these statements if there are any."""
        iam, name = self.root.iam, name or f"user-{uuid.uuid4().hex[:8]}"
        iam.create_user(UserName=name)
        if statements:
            iam.attach_user_policy(UserName=name, PolicyArn=self.policy(statements))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name="us-east-1")
        return Aws(self.root.sandbox, session)

    def policy(self, statements: Iterable[Mapping[str, Any]]) -> str:
        """The ARN of a new managed policy."""
        document = {"Version": "2012-10-17", "Statement": list(statements)}
        reply = self.root.iam.create_policy(PolicyName=uuid.uuid4().hex, PolicyDocument=json.dumps(document))
        return reply["Policy"]["Arn"]


@pytest.fixture(scope="session")
def sandbox() -> Iterator[RunningSandbox]:
    """One sandbox for all tests, an hour a second; each test uses buckets of its own."""
    with start(speed=SESSION_SPEED, record_access=True) as running:
        yield running
        access_proof.keep(running)


@pytest.fixture(scope="session")
def account() -> Iterator[Account]:
    """The account of another sandbox, which enforces policies."""
    with start(speed=SESSION_SPEED, enforce_policies=True, record_access=True) as running:
        yield Account(Aws(running, boto3.Session("sandbox", "sandbox", region_name="us-east-1")))
        access_proof.keep(running, access_proof.USERS)


@pytest.fixture(scope="session")
def aws(sandbox: RunningSandbox) -> Aws:
    """Clients of the session's sandbox."""
    return Aws(sandbox)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Judge what was called, in each process of the tests; the first one judges all."""
    access_proof.finish(session)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what another process has judged."""
    access_proof.take(getattr(node, "workeroutput", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures that tests have recorded, also those of other processes."""
    told = [report for report in terminalreporter.getreports("passed") if report.user_properties]
    if told:
        terminalreporter.section("figures")
    for report in told:
        figures = ", ".join(f"{name} {value}" for name, value in report.user_properties)
        terminalreporter.write_line(f"{report.nodeid}: {figures} ({report.duration:.0f} s)")
    access_proof.report(terminalreporter)
