"""Services behind the guard: a call that its caller may not make is refused as its service words it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from batch_assets.sandbox.authorization.access_request import AccessRequest
from batch_assets.sandbox.authorization.guard import DeniedError, Guard, UnknownAccessKeyError
from batch_assets.sandbox.authorization.service_access import service_needs
from batch_assets.sandbox.connection import Application, Receive, Scope, Send, read_body, replaying
from batch_assets.sandbox.errors import ModelledError
from batch_assets.sandbox.faults.call_rule import ErrorAnswer
from batch_assets.sandbox.routing import Target

_FORBIDDEN = 403
# What services say to who may not do something, and to a key that nobody has. Sources: the pages on common errors of
# each service's API reference; the service model of SNS.
_DENIED = {"sns": "AuthorizationError", "events": "AccessDeniedException"}
_UNKNOWN_TO_JSON = ("UnrecognizedClientException", "The security token included in the request is invalid.")
_UNKNOWN_KEY = {
    "s3": ("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."),
    "events": _UNKNOWN_TO_JSON,
}
_UNKNOWN_KEY_OF_QUERIES = ("InvalidClientTokenId", "The security token included in the request is invalid.")

Needs = Callable[[bytes], Iterable[AccessRequest]]
"""Tells from the body of a call what it asks for."""


@dataclass(frozen=True, kw_only=True)
class Guarded:
    """An application of S3, or of a service of moto's, that asks the guard first.

    ``needs`` tells from the body of a call what it asks for; ``reads_body`` says whether it has to see the body.
    """

    target: Target
    operation: str
    application: Application
    refusal: Callable[[ErrorAnswer], Application]
    guard: Guard
    needs: Needs
    reads_body: bool = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call, or refuse it."""
        body = b""
        if self.reads_body:
            body = await read_body(receive)
            receive = replaying(body, receive)
        refused = self._refused(body)
        if refused is None:
            await self.application(scope, receive, send)
            return
        await read_body(receive)
        await self.refusal(refused)(scope, receive, send)

    def _refused(self, body: bytes) -> ErrorAnswer | None:
        try:
            self.guard.check(self.target.access_key_id, f"{self.target.service}.{self.operation}", self.needs(body))
        except DeniedError as error:
            return ErrorAnswer(
                code=_DENIED.get(self.target.service, "AccessDenied"), status=_FORBIDDEN, message=str(error)
            )
        except UnknownAccessKeyError:
            code, message = _UNKNOWN_KEY.get(self.target.service, _UNKNOWN_KEY_OF_QUERIES)
            return ErrorAnswer(code=code, status=_FORBIDDEN, message=message)
        return None


def authorization(guard: Guard, target: Target) -> Callable[[str, Mapping[str, Any]], None] | None:
    """Return what a rest-json service has to call before an operation, or None where nothing is watched.

    It raises ``ModelledError`` with the service's own error.
    """

    def authorize(operation: str, request: Mapping[str, Any]) -> None:
        needs = service_needs(target.service, operation, target.region, request)
        try:
            guard.check(target.access_key_id, f"{target.service}.{operation}", needs)
        except DeniedError as error:
            raise ModelledError("AccessDeniedException", str(error)) from error
        except UnknownAccessKeyError as error:
            raise ModelledError(*_UNKNOWN_TO_JSON, status=_FORBIDDEN) from error

    return authorize if guard.watches else None
