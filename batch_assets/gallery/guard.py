"""Who may ask: pages of this very server, under a name that it is known by. Answers tell browsers to be strict too.

A web page from elsewhere can make a browser ask a server on loopback, and a name that it controls can be made to lead
there (DNS rebinding). The first shows in `Origin` and `Sec-Fetch-Site`, the second in `Host`.
"""

import re
from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_ANY_ADDRESS = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 to be told apart, not to be bound
_HOST = re.compile(r"(?:\[(?P<address>[0-9A-Fa-f:.]+)\]|(?P<name>[-A-Za-z0-9_.]+))(?::[0-9]{1,5})?")
_SAME_ORIGIN = frozenset({"same-origin", "none"})
_ASKED_BY_THE_PAGE = "/api/"

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guard:
    """Wraps an application.

    Args:
        app: What answers the requests that pass.
        host: The address that the server listens on.
        names: Further names that it is reached by.
    """

    def __init__(self, app: ASGIApp, *, host: str, names: Iterable[str] = ()) -> None:
        self._app = app
        self._names = frozenset(name.lower() for name in (*_LOOPBACK, host, *names)) - _ANY_ADDRESS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection, as ASGI has it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_strictly(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        problem = self._problem(Headers(scope=scope), scope["path"])
        if problem is None:
            await self._app(scope, receive, send_strictly)
        else:
            await JSONResponse({"error": problem}, status_code=403)(scope, receive, send_strictly)

    def _problem(self, headers: Headers, path: str) -> str | None:
        hosts = headers.getlist("host")
        parts = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
        name = (parts["address"] or parts["name"]).lower() if parts else ""
        if name not in self._names:
            return f"this server is not known as {name!r}: start it with --allow-host {name}" if name else "no host"
        for origin in headers.getlist("origin"):
            if origin.partition("://")[2] != hosts[0]:
                return "requests of other sites are not answered"
        if path.startswith(_ASKED_BY_THE_PAGE) and headers.get("sec-fetch-site", "none") not in _SAME_ORIGIN:
            return "requests of other sites are not answered"
        return None
