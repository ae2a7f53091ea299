"""A sandbox that enforces policies, and users in it."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from batch_assets.sandbox.server import start
from tests.conftest import Aws


@dataclass(frozen=True)
class Account:
    """The account's own clients, which may do everything, and a way to make users who may not."""

    root: Aws

    def user(self, *statements: dict[str, Any]) -> Aws:
        """Clients of a new user with a policy of these statements."""
        iam, name = self.root.iam, f"user-{uuid.uuid4().hex[:8]}"
        iam.create_user(UserName=name)
        if statements:
            document = {"Version": "2012-10-17", "Statement": list(statements)}
            iam.put_user_policy(UserName=name, PolicyName="rights", PolicyDocument=json.dumps(document))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name="us-east-1")
        return Aws(self.root.sandbox, session)


@pytest.fixture(scope="session")
def account() -> Iterator[Account]:
    """The account of a sandbox of its own."""
    with start(speed=100_000, enforce_policies=True, record_access=True) as sandbox:
        yield Account(Aws(sandbox, boto3.Session("sandbox", "sandbox", region_name="us-east-1")))
