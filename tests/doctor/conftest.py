"""A deployment in the sandbox whose every part can be broken, and what the doctor says of it."""

import json
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from batch_assets.aws_clients import aws_client
from batch_assets.doctor.examination import examine
from batch_assets.doctor.finding import Finding, Level
from batch_assets.settings import ENVIRONMENT_PREFIX
from tests.conftest import ADMINISTRATOR, Aws
from tests.world import still_sandbox

_ONCE = Config(retries={"total_max_attempts": 1}, max_pool_connections=32)
FIRST = "2026/11/18"


@dataclass(frozen=True)
class Doctor:
    """Examines the deployment of the environment."""

    aws: Aws
    monkeypatch: pytest.MonkeyPatch

    def change(self, **settings: str) -> None:
        """Change settings of the environment."""
        for name, value in settings.items():
            self.monkeypatch.setenv(f"{ENVIRONMENT_PREFIX}{name.upper()}", value)

    def setting(self, name: str) -> str:
        """A setting of the environment."""
        return os.environ[f"{ENVIRONMENT_PREFIX}{name.upper()}"]

    def examine(self, *names: str) -> list[Finding]:
        """What all checks find, or those that are named."""
        return list(examine(lambda settings, service: aws_client(service, settings.region, _ONCE), names=names))

    def only(self, name: str) -> Finding:
        """The one finding of a check."""
        (finding,) = self.examine(name)
        return finding

    def of_level(self, level: Level) -> set[str]:
        """Names of the checks with a finding of a level."""
        return {finding.check for finding in self.examine() if finding.level is level}

    def put(self, *keys: str) -> None:
        """Put small objects into the source bucket."""
        for key in keys:
            self.aws.s3.put_object(Bucket=self.setting("source_bucket"), Key=key, Body=b"x")

    def deny(self, service: str, operation: str) -> None:
        """Let every call of an operation be refused as by a policy."""
        code = "AccessDenied" if service in {"s3", "iam", "sts"} else "AccessDeniedException"
        self.fail(service, operation, code=code, status=403, message="not authorized")

    def fail(self, service: str, operation: str, **error: Any) -> None:
        """Let every call of an operation fail."""
        self.aws.control("faults", {"service": service, "operation": operation, "error": error})

    def role(self, policy: Any, *, path: str = "/") -> str:
        """The ARN of a new role."""
        reply = self.aws.iam.create_role(
            RoleName=f"role-{uuid.uuid4().hex[:12]}", Path=path, AssumeRolePolicyDocument=json.dumps(policy)
        )
        return reply["Role"]["Arn"]


@pytest.fixture(scope="module")
def still(aws: Aws) -> Iterator[Aws]:
    """The sandbox, with its clock stopped and this process pointed at it."""
    with still_sandbox(aws):
        yield aws


@pytest.fixture
def doctor(still: Aws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Doctor]:
    """The doctor of a deployment with which all is well: one picture lies in the first partition."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ADMINISTRATOR)
    well = Doctor(still, monkeypatch)
    well.change(
        source_bucket=still.new_bucket("pictures"),
        first_partition=FIRST,
        account_id="123456789012",
        role_arn=still.role_arn,
        vector_bucket=f"vectors-{uuid.uuid4().hex[:12]}",
        dimension="256",
    )
    well.put(f"photos/{FIRST}/a.jpg")
    yield well
    still.control("faults", method="DELETE")
