"""Whether Bedrock could assume a role that lives in moto's IAM.

Here only the role's existence and its trust in Bedrock count; what it may do is another matter (``role_access``).
"""

import json
from typing import Any
from urllib.parse import unquote

from moto.iam.models import iam_backends

from batch_assets.sandbox.authorization.conditions import UnknownConditionError, as_list, hold
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
    try:
        trusted = any(_trusts(statement, job_arn) for statement in as_list(policy.get("Statement")))
    except UnknownConditionError as error:
        raise RoleError(f"The sandbox does not know a condition in the trust policy of {role_arn}: {error}.") from error
    if not trusted:
        raise RoleError(
            f"The role {role_arn} cannot be assumed by {_SERVICE} for {job_arn}: its trust policy does not allow it."
        )


def _trusts(statement: dict[str, Any], job_arn: str) -> bool:
    principal = statement.get("Principal", {})
    services = ["*"] if principal == "*" else as_list(principal.get("Service"))
    return (
        statement.get("Effect") == "Allow"
        and (_SERVICE in services or "*" in services)
        and any(action in ("sts:AssumeRole", "sts:*", "*") for action in as_list(statement.get("Action")))
        and hold(statement.get("Condition", {}), {"aws:sourceaccount": ACCOUNT_ID, "aws:sourcearn": job_arn})
    )
