"""Rules about calls: late, refused, or cut off before or after their effect."""

from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any, Literal, Self

import botocore.session
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from batch_assets.sandbox.faults.chance import Frequency
from batch_assets.sandbox.routing import S3_OPERATIONS

SERVICES = ("s3", "s3vectors", "bedrock", "bedrock-runtime", "iam", "sts", "events", "sqs", "sns")
_ANY = "*"


class ErrorAnswer(BaseModel):
    """The error that a call is answered with, in the format of its service."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    code: str = Field(min_length=1)
    status: int = Field(default=500, ge=300, le=599)
    message: str = "Injected fault"


def _listed(value: Any) -> Any:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def _known_services(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        _check_known(name, SERVICES, "service of the sandbox")
    return names


_Names = Annotated[tuple[str, ...], BeforeValidator(_listed), Field(min_length=1)]


class CallRule(Frequency):
    """What happens to some calls.

    Attributes:
        service: Names of services, or ``*``.
        operation: Names of operations as the SDK has them, or ``*``.
        latency_seconds: The call waits so long first, in real time.
        error: It is answered with this error, and has no effect.
        cut: Its connection is closed without an answer, before or after it has its effect.
    """

    service: Annotated[_Names, AfterValidator(_known_services)]
    operation: _Names = (_ANY,)
    latency_seconds: float = Field(default=0.0, ge=0, lt=float("inf"))
    error: ErrorAnswer | None = None
    cut: Literal["before", "after"] | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.error is not None and self.cut is not None:
            raise ValueError("give error or cut, not both: a connection that is cut carries no error")
        known = {name for service in self._services for name in operations(service)} if self._names_operations else ()
        for name in self.operation:
            _check_known(name, known, f"operation of {', '.join(self.service)}", field="operation: ")
        return self

    @property
    def _services(self) -> tuple[str, ...]:
        return SERVICES if _ANY in self.service else self.service

    @property
    def _names_operations(self) -> bool:
        return any(name != _ANY for name in self.operation)

    def matches(self, service: str, operation: str) -> bool:
        """Tell whether a call is one that this rule is about."""
        return not {_ANY, service}.isdisjoint(self.service) and not {_ANY, operation}.isdisjoint(self.operation)


@cache
def operations(service: str) -> frozenset[str]:
    """Name the operations that calls to a service can be told apart by."""
    if service == "s3":
        return S3_OPERATIONS
    return frozenset(botocore.session.get_session().get_service_model(service).operation_names)


def _check_known(name: str, known: Any, what: str, *, field: str = "") -> None:
    if name == _ANY or name in known:
        return
    near = get_close_matches(name, known, n=1)
    raise ValueError(f"{field}{name!r} is no {what}" + (f", did you mean {near[0]!r}?" if near else ""))
