"""Lets calls through that the policies of their caller allow, and keeps what they asked for."""

from collections.abc import Iterable
from dataclasses import dataclass

from batch_assets.sandbox.authorization.access_log import Access, AccessLog
from batch_assets.sandbox.authorization.access_request import AccessRequest
from batch_assets.sandbox.authorization.callers import Caller, find_caller, service_in_role
from batch_assets.sandbox.authorization.conditions import UnknownConditionError
from batch_assets.sandbox.authorization.policy import Decision, decide

_WHY = {
    Decision.IMPLICITLY_DENIED: "because no identity-based policy allows the {action} action",
    Decision.EXPLICITLY_DENIED: "with an explicit deny in an identity-based policy",
}


class DeniedError(Exception):
    """A caller may not do what it asks for; the text says who, what and why, as IAM does."""


class UnknownAccessKeyError(Exception):
    """Nobody has the access key of a call."""


@dataclass(frozen=True)
class Guard:
    """Judges calls.

    Attributes:
        enforces: Whether what policies do not allow is refused.
        log: Where accesses are kept, if anywhere.
    """

    enforces: bool = False
    log: AccessLog | None = None

    @property
    def watches(self) -> bool:
        """Whether there is any use in telling what a call asks for."""
        return self.enforces or self.log is not None

    def check(self, key_id: str, operation: str, needs: Iterable[AccessRequest]) -> None:
        """Judge a call by the access key that it was signed with; without enforcement any key will do.

        Raises:
            DeniedError: The caller's policies do not allow one of the requests.
            UnknownAccessKeyError: Nobody has this key.
        """
        if self.enforces and not key_id:
            raise DeniedError("Access Denied")
        caller = find_caller(key_id) if self.enforces else Caller(key_id, key_id)
        if caller is None:
            raise UnknownAccessKeyError(key_id)
        for request in needs:
            self._judge(caller, operation, request)

    def allows_role(self, role_arn: str, operation: str, request: AccessRequest) -> bool:
        """Tell whether Bedrock may do something as a role."""
        caller = service_in_role(role_arn) if self.enforces else Caller(role_arn, role_arn)
        try:
            self._judge(caller, operation, request)
        except DeniedError:
            return False
        return True

    def _judge(self, caller: Caller, operation: str, request: AccessRequest) -> None:
        known = AccessRequest(request.action, request.resource, {**caller.context, **request.context})
        decision = judgement(caller, known)
        if self.log is not None:
            self.log.add(Access(caller.name, operation, known, decision))
        if decision is not Decision.ALLOWED:
            why = _WHY[decision].format(action=request.action)
            raise DeniedError(
                f"User: {caller.arn} is not authorized to perform: {request.action} "
                f"on resource: {request.resource} {why}"
            )


def judgement(caller: Caller, request: AccessRequest) -> Decision:
    """Return what the policies of a caller say; a condition that is not known here never allows."""
    if caller.policies is None:
        return Decision.ALLOWED
    known = AccessRequest(request.action, request.resource, {**caller.context, **request.context})
    try:
        return decide(caller.policies, known)
    except UnknownConditionError:
        return Decision.EXPLICITLY_DENIED
