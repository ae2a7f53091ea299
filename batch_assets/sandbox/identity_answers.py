"""Answers about identities that moto's IAM and STS do not give."""

from collections.abc import Callable, Mapping

from batch_assets.sandbox.authorization import simulation
from batch_assets.sandbox.authorization.callers import find_caller
from batch_assets.sandbox.config import ACCOUNT_ID
from batch_assets.sandbox.rest_json_response import HttpResponse

_ROOT = (
    "<GetCallerIdentityResponse><GetCallerIdentityResult>"
    f"<Arn>arn:aws:iam::{ACCOUNT_ID}:root</Arn><UserId>{ACCOUNT_ID}</UserId><Account>{ACCOUNT_ID}</Account>"
    "</GetCallerIdentityResult></GetCallerIdentityResponse>"
)


def identity_answer(
    operation: str, key_id: str, parameters: Mapping[str, str], refusal: Callable[[int, str, str], HttpResponse]
) -> HttpResponse | None:
    """Return the answer to a call of IAM or STS, or None for one that moto answers."""
    if operation == simulation.OPERATION:
        try:
            return _xml(simulation.simulate(parameters))
        except simulation.NoSuchIdentityError as error:
            return refusal(404, "NoSuchEntity", str(error))
    if operation == "GetCallerIdentity":
        caller = find_caller(key_id)
        # The account's own key, and, where nothing is enforced, one that nobody has.
        if caller is None or caller.policies is None:
            return _xml(_ROOT.encode())
    return None


def _xml(body: bytes) -> HttpResponse:
    return HttpResponse(status=200, headers={"content-type": "application/xml"}, body=body)
