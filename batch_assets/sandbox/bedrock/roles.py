"""Whether Bedrock could assume a role that lives in moto's IAM.

Policies are not evaluated: only the role's existence and its trust in Bedrock count.
"""

import fnmatch
import json
from typing import Any
from urllib.parse import unquote

from moto.iam.models import iam_backends

from batch_assets.sandbox.config import ACCOUNT_ID

_SERVICE = "bedrock.amazonaws.com"


class RoleError(Exception):
    """Bedrock cannot assume the role; the text says why."""


def check_service_role(role_arn: str, *, job_arn: str) -> None:
    """Refuse a role that does not exist or that does not trust Bedrock for this job.

    Raises:
        RoleError: Naming the role and what it lacks.
    """
    roles = iam_backends[ACCOUNT_ID]["aws"].roles
    role = next((role for role in list(roles.values()) if role.arn == role_arn), None)
    if role is None:
        raise RoleError(f"The role {role_arn} does not exist or cannot be passed to {_SERVICE}.")
    document = role.assume_role_policy_document
    policy = json.loads(unquote(document)) if isinstance(document, str) else document
    if not any(_trusts(statement, job_arn) for statement in _list(policy.get("Statement"))):
        raise RoleError(
            f"The role {role_arn} cannot be assumed by {_SERVICE} for {job_arn}: its trust policy does not allow it."
        )


def _trusts(statement: dict[str, Any], job_arn: str) -> bool:
    principal = statement.get("Principal", {})
    services = ["*"] if principal == "*" else _list(principal.get("Service"))
    return (
        statement.get("Effect") == "Allow"
        and (_SERVICE in services or "*" in services)
        and any(action in ("sts:AssumeRole", "sts:*", "*") for action in _list(statement.get("Action")))
        and _conditions_hold(statement.get("Condition", {}), job_arn)
    )


def _conditions_hold(conditions: dict[str, dict[str, Any]], job_arn: str) -> bool:
    """Evaluate the two conditions that AWS' page on the service role recommends."""
    actual = {"aws:sourceaccount": ACCOUNT_ID, "aws:sourcearn": job_arn}
    return all(
        any(fnmatch.fnmatchcase(actual.get(name.lower(), ""), str(pattern)) for pattern in _list(patterns))
        for tests in conditions.values()
        for name, patterns in tests.items()
    )


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
