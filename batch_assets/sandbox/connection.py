"""Connections that an application can close without an answer, as a network does when it breaks."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_HANG_UP = "batch_assets.hang_up"


class BreakableProtocol(AutoHTTPProtocol):  # type: ignore[misc,valid-type]  # uvicorn picks the class when it is imported
    """Uvicorn's HTTP protocol, with a way for the application to reach its transport."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Offer the transport's end to every request of this connection."""
        super().connection_made(transport)
        application: Application = self.app  # type: ignore[has-type]  # as above

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            scope.setdefault("extensions", {})[_HANG_UP] = {"abort": transport.abort}  # type: ignore[attr-defined]  # TCP
            await application(scope, receive, send)

        self.app = serve


async def hang_up(scope: Scope, receive: Receive) -> None:
    """Close the connection of a request that was read whole and not answered."""
    scope["extensions"][_HANG_UP]["abort"]()
    # The server answers for an application that returns while the connection still counts as open.
    while (await receive())["type"] != "http.disconnect":
        pass


async def read_body(receive: Receive) -> bytes:
    """Return the body of a request."""
    chunks = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)


def replaying(body: bytes, receive: Receive) -> Receive:
    """Return a ``receive`` that gives a body that was read already."""
    rest = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return rest.pop() if rest else await receive()

    return replay
