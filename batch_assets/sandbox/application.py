"""The ASGI application: one port, every service."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from a2wsgi import WSGIMiddleware
from moto.moto_server.werkzeug_app import create_backend_app
from starlette.concurrency import run_in_threadpool

from batch_assets.sandbox.config import SandboxConfig
from batch_assets.sandbox.control import PREFIX, create_control_app
from batch_assets.sandbox.errors import ModelledError
from batch_assets.sandbox.faults import CallFault
from batch_assets.sandbox.rest_json import RestJsonApi
from batch_assets.sandbox.rest_json_response import HttpResponse
from batch_assets.sandbox.routing import Target, find_target, s3_operation
from batch_assets.sandbox.s3_bridge import S3Bridge, error_xml
from batch_assets.sandbox.world import World

_logger = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_REQUEST_MAX_BYTES = {"s3vectors": 20 * 1024 * 1024}  # s3-vectors-limitations
_S3_THREADS = 16
_QUERY_SERVICES = ("iam", "sts")


class Sandbox:
    """Sends each request to moto or to one of our own services."""

    def __init__(self, config: SandboxConfig) -> None:
        """Build every service; nothing listens yet."""
        self._world = World(config)
        self._control = create_control_app(self._world)
        self._apis = {
            name: RestJsonApi(name, max_body_bytes=_REQUEST_MAX_BYTES.get(name))
            for name in ("bedrock", "bedrock-runtime", "s3vectors")
        }
        # a2wsgi, moto and Starlette each name the same ASGI and WSGI types in their own words.
        s3: Any = S3Bridge(self._world.store)
        self._s3: Any = WSGIMiddleware(s3, workers=_S3_THREADS)
        create: Any = create_backend_app
        self._query: dict[str, Any] = {name: WSGIMiddleware(create(name)) for name in _QUERY_SERVICES}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection, as ASGI has it."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http" and scope["path"].startswith(PREFIX):
            await self._control(scope, receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await run_in_threadpool(self._world.close)
        await send({"type": "lifespan.shutdown.complete"})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1").lower(): value for name, value in scope["headers"]}
        target = find_target(raw_path=scope["raw_path"], authorization=headers.get("authorization"))
        if target.service in self._apis:
            response = await self._rest_json(target, scope, headers, receive)
            await _send(send, response)
        elif target.service in _QUERY_SERVICES:
            if not await self._strikes(target.service, "*", receive, send):
                await self._query[target.service](scope, receive, send)
        elif target.service == "s3":
            operation = s3_operation(
                method=scope["method"],
                raw_path=scope["raw_path"],
                query=dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)),
                is_copy="x-amz-copy-source" in headers,
            )
            if not await self._strikes("s3", operation, receive, send):
                await self._s3(scope, receive, send)
        else:
            text = f"the sandbox does not serve {target.service}"
            await _send(send, _json_error(501, "NotImplementedException", text))

    async def _rest_json(
        self, target: Target, scope: Scope, headers: dict[str, bytes], receive: Receive
    ) -> HttpResponse:
        api = self._apis[target.service]
        method, raw_path = scope["method"], scope["raw_path"].decode("latin-1")
        body = await _read_body(receive)
        route = api.route(method=method, raw_path=raw_path)
        if route is None:
            return api.unknown(method=method, raw_path=raw_path)
        fault = self._world.faults.for_call(target.service, route.operation.name)
        if fault is not None:
            await asyncio.sleep(fault.latency_seconds)
            if fault.code is not None:
                return api.error(ModelledError(fault.code, fault.message), status=fault.status)
        try:
            return await run_in_threadpool(
                api.call,
                self._world.handler(target.service, target.region),
                route,
                query_string=scope["query_string"].decode("latin-1"),
                headers={name: value.decode("latin-1") for name, value in headers.items()},
                body=body,
            )
        except Exception as error:
            _logger.exception("%s %s broke", target.service, route.operation.name)
            return api.error(ModelledError("InternalServerException", f"Internal error: {error!r}"), status=500)

    async def _strikes(self, service: str, operation: str, receive: Receive, send: Send) -> bool:
        """Do what a fault rule says about a call to moto; True when that answered it."""
        fault = self._world.faults.for_call(service, operation)
        if fault is None:
            return False
        await asyncio.sleep(fault.latency_seconds)
        if fault.code is None:
            return False
        await _read_body(receive)
        await _send(send, _xml_fault(service, fault))
        return True


async def _read_body(receive: Receive) -> bytes:
    chunks = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)


async def _send(send: Send, response: HttpResponse) -> None:
    headers = {**response.headers, "content-length": str(len(response.body))}
    await send(
        {
            "type": "http.response.start",
            "status": response.status,
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }
    )
    await send({"type": "http.response.body", "body": response.body})


def _json_error(status: int, code: str, message: str) -> HttpResponse:
    body = f'{{"message":"{message}","__type":"{code}"}}'.encode()
    return HttpResponse(status=status, headers={"x-amzn-ErrorType": code}, body=body)


def _xml_fault(service: str, fault: CallFault) -> HttpResponse:
    body = error_xml(fault.code or "", fault.message)
    if service != "s3":
        error = f"<Code>{escape(fault.code or '')}</Code><Message>{escape(fault.message)}</Message>"
        body = f"<ErrorResponse><Error>{error}</Error></ErrorResponse>".encode()
    return HttpResponse(status=fault.status, headers={"content-type": "application/xml"}, body=body)
