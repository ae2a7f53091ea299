"""Policy documents and their judgement on a request.

Source: IAM user guide, "Policy evaluation logic": a statement that denies wins over all that allow, and what no
statement allows is denied. Permissions boundaries, session policies and policies of resources are not looked at.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import Any

from batch_assets.sandbox.authorization.access_request import AccessRequest
from batch_assets.sandbox.authorization.conditions import as_list, hold
from batch_assets.sandbox.authorization.wildcards import arn_matches, matches


class Decision(Enum):
    """What policies say to a request."""

    ALLOWED = "allowed"
    EXPLICITLY_DENIED = "explicitDeny"
    IMPLICITLY_DENIED = "implicitDeny"


@dataclass(frozen=True)
class Policy:
    """A document that is attached to a user or a role."""

    statements: tuple[Mapping[str, Any], ...]
    _about: dict[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Policy":
        """Take a document as JSON gives it."""
        return cls(tuple(as_list(document.get("Statement"))))

    def about(self, action: str) -> tuple[Mapping[str, Any], ...]:
        """Return the statements that name an action; found once for each action."""
        if action not in self._about:
            named = (statement for statement in self.statements if _names_action(statement, action))
            self._about[action] = tuple(named)
        return self._about[action]


@lru_cache(maxsize=1024)
def parse(text: str) -> Policy:
    """Read a document; the same text gives the same policy."""
    return Policy.of(json.loads(text))


def decide(policies: Iterable[Policy], request: AccessRequest) -> Decision:
    """Judge a request by all policies of a caller.

    Raises:
        UnknownConditionError: A statement about this action and resource has a condition that is not known here.
    """
    context = {key.lower(): value for key, value in request.context.items()}
    effects = {
        statement["Effect"]
        for policy in policies
        for statement in policy.about(request.action)
        if _names_resource(statement, request.resource, context) and hold(statement.get("Condition", {}), context)
    }
    if "Deny" in effects:
        return Decision.EXPLICITLY_DENIED
    return Decision.ALLOWED if "Allow" in effects else Decision.IMPLICITLY_DENIED


def _names_action(statement: Mapping[str, Any], action: str) -> bool:
    named = statement.get("Action", statement.get("NotAction"))
    found = any(matches(pattern.lower(), action.lower(), {}) for pattern in as_list(named))
    return found is ("Action" in statement)


def _names_resource(statement: Mapping[str, Any], resource: str, context: Mapping[str, str]) -> bool:
    named = statement.get("Resource", statement.get("NotResource"))
    found = any(arn_matches(pattern, resource, context) for pattern in as_list(named))
    return found is ("Resource" in statement)
