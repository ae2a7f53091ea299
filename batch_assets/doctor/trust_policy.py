"""Whether a role's trust policy lets Bedrock assume it for the batch jobs of one account.

Source: Amazon Bedrock user guide, "Create a custom service role for batch inference": the conditions that it
recommends, `aws:SourceAccount` and `aws:SourceArn`, are judged here; others are only named.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_SERVICE = "bedrock.amazonaws.com"
_ACTIONS = frozenset({"sts:assumerole", "sts:*", "*"})
_EXACT = frozenset({"stringequals"})
_WITH_WILDCARDS = frozenset({"stringlike", "arnequals", "arnlike"})


@dataclass(frozen=True)
class Trust:
    """What a trust policy says about Bedrock.

    Attributes:
        allowed: Whether Bedrock may assume the role, as far as the conditions can be judged.
        unmet: Conditions that do not hold for the jobs, where that is why not.
        guarded: Whether it is limited to jobs of an account.
        unjudged: Conditions that were not judged.
    """

    allowed: bool
    unmet: tuple[str, ...] = ()
    guarded: bool = False
    unjudged: tuple[str, ...] = ()


@dataclass
class _Conditions:
    unmet: list[str] = field(default_factory=list)
    unjudged: list[str] = field(default_factory=list)
    guarded: bool = False


def trust_in_bedrock(policy: Mapping[str, Any], *, account: str, job_arn: str) -> Trust:
    """Judge a trust policy for the jobs of an account; `job_arn` is the ARN of any of them."""
    facts = {"aws:sourceaccount": account, "aws:sourcearn": job_arn}
    about = [statement for statement in _list(policy.get("Statement")) if _names_bedrock(statement)]
    judged = [(statement.get("Effect"), _judge(statement.get("Condition", {}), facts)) for statement in about]
    denying = [conditions for effect, conditions in judged if effect == "Deny" and not conditions.unmet]
    if not all(conditions.unjudged for conditions in denying):
        return Trust(allowed=False, unmet=("a statement denies it",))
    doubts = [text for conditions in denying for text in conditions.unjudged]
    allowing = [conditions for effect, conditions in judged if effect == "Allow"]
    for conditions in allowing:
        if not conditions.unmet:
            return Trust(allowed=True, guarded=conditions.guarded, unjudged=(*conditions.unjudged, *doubts))
    return Trust(allowed=False, unmet=tuple(text for conditions in allowing for text in conditions.unmet))


def _names_bedrock(statement: Mapping[str, Any]) -> bool:
    principal = statement.get("Principal", {})
    services = ["*"] if principal == "*" else _list(principal.get("Service"))
    actions = {str(action).lower() for action in _list(statement.get("Action"))}
    return not {_SERVICE, "*"}.isdisjoint(services) and not _ACTIONS.isdisjoint(actions)


def _judge(conditions: Mapping[str, Mapping[str, Any]], facts: Mapping[str, str]) -> _Conditions:
    judged = _Conditions()
    for operator, key, values in _each(conditions):
        name = operator.lower().removesuffix("ifexists")
        actual = facts.get(key.lower())
        text = f"{operator} {key} {', '.join(values)}"
        if actual is None or name not in _EXACT | _WITH_WILDCARDS:
            judged.unjudged.append(text)
            continue
        judged.guarded = True
        if not any(value == actual if name in _EXACT else _matches(value, actual) for value in values):
            judged.unmet.append(text)
    return judged


def _each(conditions: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str, list[str]]]:
    for operator, tests in conditions.items():
        for key, values in tests.items():
            yield operator, key, [str(value) for value in _list(values)]


def _matches(pattern: str, text: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), text) is not None


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
