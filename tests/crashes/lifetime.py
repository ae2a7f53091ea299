"""A process that dies at one of its own service calls, however much would still have been done after it.

The calls of every boto3 client are counted where they are made, so that a call that boto3 repeats counts once.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn

import orjson
import pytest
from botocore.client import BaseClient

_READS = ("Get", "Head", "List")

When = Literal["before", "after"]


class Killed(BaseException):
    """What ends a process in place of a signal."""


def _raise() -> NoReturn:
    raise Killed


@dataclass(frozen=True)
class Call:
    """A service call: its operation and the parameters that it was made with."""

    operation: str
    parameters: Mapping[str, Any]

    @property
    def has_effect(self) -> bool:
        """Whether it changes or costs anything; death after a read is death before the next call."""
        return not self.operation.startswith(_READS)

    @property
    def embeds(self) -> str | None:
        """The S3 URI of the picture that an on-demand call embeds."""
        if self.operation != "InvokeModel":
            return None
        body = orjson.loads(self.parameters["body"])
        return str(body["singleEmbeddingParams"]["image"]["source"]["s3Location"]["uri"])

    def __str__(self) -> str:
        """Operation and, of an object, its table or last name."""
        key = str(self.parameters.get("Key", ""))
        _, _, table = key.partition("/tables/")
        return f"{self.operation} {table.split('/')[0] or key.rsplit('/', maxsplit=1)[-1]}".strip()


@dataclass(frozen=True)
class Kill:
    """The moment of a death: before a call is sent, or after it took effect and before its answer is seen."""

    call: int
    when: When

    def __str__(self) -> str:
        """Such as `after call 3`."""
        return f"{self.when} call {self.call}"


@dataclass
class Lifetime:
    """The life of a process, counted in its calls from 1; without a `kill` it does not die.

    `die` ends the process. Nothing that still runs in it gets through to a service after that.
    """

    kill: Kill | None = None
    die: Callable[[], NoReturn] = _raise
    calls: list[Call] = field(default_factory=list)
    dead: bool = False
    _is_running: bool = False
    _is_suspended: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def running(self) -> Iterator[None]:
        """What runs within is this process: its calls are counted, and it dies when its time has come."""
        if self._is_running:
            yield
            return
        send = BaseClient._make_api_call  # type: ignore[attr-defined]  # not in the stubs

        def make_api_call(client: BaseClient, operation: str, parameters: Mapping[str, Any]) -> Any:
            number = self._begin(Call(operation, parameters))
            try:
                return send(client, operation, parameters)
            finally:
                self._end(number)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(BaseClient, "_make_api_call", make_api_call)
            patch.setattr(self, "_is_running", True)
            yield

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Calls within are those of others, and not counted."""
        self._is_suspended = True
        try:
            yield
        finally:
            self._is_suspended = False

    def _begin(self, call: Call) -> int:
        if self._is_suspended:
            return 0
        with self._lock:
            if not self.dead:
                self.calls.append(call)
            number = len(self.calls)
        self._reach(Kill(number, "before"))
        return number

    def _end(self, number: int) -> None:
        if not self._is_suspended:
            self._reach(Kill(number, "after"))

    def _reach(self, moment: Kill) -> None:
        if moment == self.kill:
            self.dead = True
        if self.dead:
            self.die()


def moments(calls: list[Call]) -> list[Kill]:
    """Every moment at which a process with these calls can die with another effect, in their order."""
    found = []
    for number, call in enumerate(calls, start=1):
        found.append(Kill(number, "before"))
        if call.has_effect:
            found.append(Kill(number, "after"))
    return found
