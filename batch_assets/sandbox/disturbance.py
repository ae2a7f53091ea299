"""Calls on their way to a service: counted, and disturbed where a fault rule says so."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from batch_assets.sandbox.call_counts import CallCounts, Event
from batch_assets.sandbox.connection import Application, Message, Receive, Scope, Send, hang_up, read_body
from batch_assets.sandbox.faults.call_rule import CallRule, ErrorAnswer
from batch_assets.sandbox.faults.plan import FaultPlan


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call: what it is named, what serves it, and how its service words an error."""

    service: str
    operation: str
    application: Application
    refusal: Callable[[ErrorAnswer], Application]


@dataclass(frozen=True)
class Disturbance:
    """Lets calls through to their service as the rules have it."""

    faults: FaultPlan
    counts: CallCounts

    async def serve(self, call: Call, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call, or close its connection."""
        self._count(call, "calls")
        rule = self.faults.for_call(call.service, call.operation)
        if rule is not None:
            await asyncio.sleep(rule.latency_seconds)
        if rule is not None and (rule.error is not None or rule.cut is not None):
            self._count(call, "disturbed")
            await self._disturb(call, rule, scope, receive, send)
        else:
            await self._serve(call, scope, receive, send)

    async def _disturb(self, call: Call, rule: CallRule, scope: Scope, receive: Receive, send: Send) -> None:
        if rule.error is not None:
            await read_body(receive)
            await call.refusal(rule.error)(scope, receive, send)
        else:
            if rule.cut == "after":
                await self._serve(call, scope, receive, _discard)
            else:
                await read_body(receive)
            await hang_up(scope, receive)

    async def _serve(self, call: Call, scope: Scope, receive: Receive, send: Send) -> None:
        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] < HTTPStatus.BAD_REQUEST:
                self._count(call, "succeeded")
            await send(message)

        await call.application(scope, receive, watch)

    def _count(self, call: Call, event: Event) -> None:
        self.counts.add(call.service, call.operation, event)


async def _discard(_: Message) -> None:
    """Send nothing."""
