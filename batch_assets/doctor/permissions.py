"""The permissions of the credentials: each statement of the pipeline's policy, judged by IAM without calling anything.

IAM looks at the policies of the user or role, its groups and its permissions boundary, not at those of buckets.
Source: IAM API reference, SimulatePrincipalPolicy.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from batch_assets.doctor.deployment import Deployment
from batch_assets.doctor.finding import Finding, Findings
from batch_assets.doctor.refusal import is_denied
from batch_assets.iam.calls import Purpose
from batch_assets.iam.policy import permissions

_CURE = "attach what `batch-assets iam policy --for pipeline` prints to the user or role"
_LETTER = "x"


def examine(deployment: Deployment, found: Findings) -> Iterator[Finding]:
    caller = deployment.caller["Arn"]
    if caller.endswith(":root"):
        yield found.ok(f"{caller} may do everything; use a user or role with less")
        return
    statements = permissions(Purpose.PIPELINE, deployment.settings)["Statement"]
    try:
        # That it may be asked is seen from the answers.
        asked = [statement for statement in statements if statement["Action"] != ["iam:SimulatePrincipalPolicy"]]
        denied = {statement["Sid"]: _denied(deployment, statement) for statement in asked}
    except ClientError as error:
        if not is_denied(error):
            raise
        yield found.warning(
            "the credentials may not ask IAM what they may do",
            "allow iam:SimulatePrincipalPolicy to them, on themselves, or take the other checks for what they are",
        )
        return
    for sid, actions in denied.items():
        if actions:
            yield found.wrong(f"{sid}: {', '.join(actions)} {'is' if len(actions) == 1 else 'are'} not allowed", _CURE)
    if not any(denied.values()):
        yield found.ok(f"{len(statements)} statements of the pipeline's policy hold for {caller}")


def _denied(deployment: Deployment, statement: Mapping[str, Any]) -> list[str]:
    """The actions of a statement that are not allowed on an example of each of its resources."""
    named = statement["Resource"]
    resources = [example(resource) for resource in ([named] if isinstance(named, str) else named) if resource != "*"]
    answer = deployment.client("iam").simulate_principal_policy(
        PolicySourceArn=principal(deployment.caller["Arn"]),
        ActionNames=statement["Action"],
        ResourceArns=resources,
        ContextEntries=list(_context(statement.get("Condition", {}))),
    )
    return sorted(
        {result["EvalActionName"] for result in answer["EvaluationResults"] if result["EvalDecision"] != "allowed"}
    )


def principal(caller: str) -> str:
    """The user or role whose policies count for a caller: of a session, its role."""
    session = re.fullmatch(r"(arn:[^:]+):sts::(\d+):assumed-role/([^/]+)/.*", caller)
    return f"{session[1]}:iam::{session[2]}:role/{session[3]}" if session else caller


def example(pattern: str) -> str:
    """A text that a pattern of IAM means: a letter for each wildcard."""
    return re.sub(r"\$\{([^}]*)\}|[*?]", lambda found: found[1] if found[1] in ("*", "?", "$") else _LETTER, pattern)


def _context(conditions: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for tests in conditions.values():
        for key, values in tests.items():
            first = values if isinstance(values, str) else values[0]
            yield {"ContextKeyName": key, "ContextKeyValues": [example(first)], "ContextKeyType": "string"}
