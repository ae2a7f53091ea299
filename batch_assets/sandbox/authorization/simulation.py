"""SimulatePrincipalPolicy, which moto's IAM does not have: what policies would say to actions that nobody has called.

Source: the service model of IAM. Only what identity-based policies decide is answered, in one page.
"""

from collections.abc import Iterator, Mapping
from xml.sax.saxutils import escape

from batch_assets.sandbox.authorization.access_request import AccessRequest
from batch_assets.sandbox.authorization.callers import Caller, identity
from batch_assets.sandbox.authorization.guard import judgement

OPERATION = "SimulatePrincipalPolicy"


class NoSuchIdentityError(Exception):
    """There is no user and no role of the ARN that is to be simulated; the text says so."""


def simulate(parameters: Mapping[str, str]) -> bytes:
    """Answer a call of the query protocol by its parameters.

    Raises:
        NoSuchIdentityError: Nobody has the ARN.
    """
    arn = parameters.get("PolicySourceArn", "")
    caller = identity(arn)
    if caller is None:
        raise NoSuchIdentityError(f"The source policy principal {arn} cannot be found.")
    context = dict(_context(parameters))
    members = "".join(
        _evaluated(caller, AccessRequest(action, resource, context))
        for action in _members(parameters, "ActionNames")
        for resource in list(_members(parameters, "ResourceArns")) or ["*"]
    )
    result = f"<EvaluationResults>{members}</EvaluationResults><IsTruncated>false</IsTruncated>"
    return f"<{OPERATION}Response><{OPERATION}Result>{result}</{OPERATION}Result></{OPERATION}Response>".encode()


def _evaluated(caller: Caller, request: AccessRequest) -> str:
    decision = judgement(caller, request).value
    return (
        f"<member><EvalActionName>{escape(request.action)}</EvalActionName>"
        f"<EvalResourceName>{escape(request.resource)}</EvalResourceName>"
        f"<EvalDecision>{decision}</EvalDecision></member>"
    )


def _context(parameters: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    number = 1
    while (entry := f"ContextEntries.member.{number}") + ".ContextKeyName" in parameters:
        yield parameters[f"{entry}.ContextKeyName"], parameters[f"{entry}.ContextKeyValues.member.1"]
        number += 1


def _members(parameters: Mapping[str, str], name: str) -> Iterator[str]:
    number = 1
    while (member := f"{name}.member.{number}") in parameters:
        yield parameters[member]
        number += 1
