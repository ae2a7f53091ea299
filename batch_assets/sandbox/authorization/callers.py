"""Who calls, and the policies that moto's IAM has for them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from batch_assets.sandbox.authorization.policy import Policy, parse
from batch_assets.sandbox.config import ACCESS_KEY_ID, ACCOUNT_ID


@dataclass(frozen=True)
class Caller:
    """Whoever signed a call; without policies (None) nothing is refused.

    Attributes:
        name: The access key, or the ARN of a role that a service has assumed.
        arn: The user, or the session of a role.
        policies: Policies of the user and its groups, or of the role.
        context: Values of condition keys that tell of the caller.
    """

    name: str
    arn: str
    policies: tuple[Policy, ...] | None = None
    context: Mapping[str, str] = field(default_factory=dict)


def find_caller(key_id: str) -> Caller | None:
    """Return who has an access key, or None for a key that nobody has.

    The sandbox's own key is the account's: it may do everything. Secret keys are not verified.
    """
    if key_id == ACCESS_KEY_ID:
        return Caller(key_id, f"arn:aws:iam::{ACCOUNT_ID}:root")
    for user in list(_iam().users.values()):
        if any(key.access_key_id == key_id for key in user.access_keys):
            context = {"aws:username": user.name, "aws:PrincipalArn": user.arn}
            return Caller(key_id, user.arn, _policies(user, *_iam().get_groups_for_user(user.name)), context)
    for session in list(sts_backends[ACCOUNT_ID]["aws"].assumed_roles):
        if session.access_key_id == key_id:
            return _in_role(key_id, session.role_arn, session.session_name)
    return None


def service_in_role(role_arn: str) -> Caller:
    """Return Bedrock as the role that it has assumed."""
    return _in_role(role_arn, role_arn, "bedrock") or Caller(role_arn, role_arn, ())


def identity(arn: str) -> Caller | None:
    """Return a user or a role by its ARN."""
    for user in list(_iam().users.values()):
        if user.arn == arn:
            context = {"aws:username": user.name, "aws:PrincipalArn": arn}
            return Caller(arn, arn, _policies(user, *_iam().get_groups_for_user(user.name)), context)
    return _in_role(arn, arn, "simulated")


def _in_role(name: str, role_arn: str, session: str) -> Caller | None:
    role = next((role for role in list(_iam().roles.values()) if role.arn == role_arn), None)
    if role is None:
        return None
    arn = f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/{role.name}/{session}"
    return Caller(name, arn, _policies(role), {"aws:PrincipalArn": role_arn})


def arn_of(kind: str, name: str) -> str:
    """Return the ARN of a user or a role; one that does not exist has no path."""
    known = _iam().roles if kind == "role" else _iam().users
    found = next((one for one in list(known.values()) if one.name == name), None)
    return str(found.arn) if found is not None else f"arn:aws:iam::{ACCOUNT_ID}:{kind}/{name}"


def _policies(*identities: Any) -> tuple[Policy, ...]:
    inline = [text for one in identities for text in one.policies.values()]
    managed = [policy for one in identities for policy in one.managed_policies.values()]
    current = [version.document for policy in managed for version in policy.versions if version.is_default]
    return tuple(parse(text) for text in (*inline, *current))


def _iam() -> Any:
    return iam_backends[ACCOUNT_ID]["aws"]
