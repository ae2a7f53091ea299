"""The ASGI application: one port, every service."""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import partial
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote
from xml.sax.saxutils import escape

import orjson
from a2wsgi import WSGIMiddleware
from moto.moto_server.werkzeug_app import create_backend_app
from starlette.concurrency import run_in_threadpool

from batch_assets.sandbox.authorization.s3_access import S3Call
from batch_assets.sandbox.authorization.service_access import service_needs
from batch_assets.sandbox.connection import Application, Message, Receive, Scope, Send, read_body, replaying
from batch_assets.sandbox.control import PREFIX, create_control_app
from batch_assets.sandbox.disturbance import Call, Disturbance
from batch_assets.sandbox.errors import ModelledError
from batch_assets.sandbox.faults.call_rule import ErrorAnswer
from batch_assets.sandbox.guarded import Guarded, Needs, authorization
from batch_assets.sandbox.identity_answers import identity_answer
from batch_assets.sandbox.rest_json import RestJsonApi, Route
from batch_assets.sandbox.rest_json_response import HttpResponse
from batch_assets.sandbox.routing import Target, find_target, s3_operation
from batch_assets.sandbox.s3_bridge import S3Bridge, error_xml
from batch_assets.sandbox.visitors import Visitors
from batch_assets.sandbox.world import World

_logger = logging.getLogger(__name__)

_REQUEST_MAX_BYTES = {"s3vectors": 20 * 1024 * 1024}  # s3-vectors-limitations
_S3_THREADS = 16
_MOTO_SERVICES = ("iam", "sts", "events", "sqs", "sns")

_Refusal = Callable[[ErrorAnswer], Application]


class Sandbox:
    """Sends each request to moto or to one of our own services."""

    def __init__(self, world: World) -> None:
        """Build every service; nothing listens yet."""
        self._world = world
        self._control = create_control_app(self._world)
        self._disturbance = Disturbance(self._world.faults, self._world.calls)
        self._apis = {
            name: RestJsonApi(name, max_body_bytes=_REQUEST_MAX_BYTES.get(name))
            for name in ("bedrock", "bedrock-runtime", "s3vectors")
        }
        # a2wsgi, moto and Starlette each name the same ASGI and WSGI types in their own words.
        s3: Any = S3Bridge(self._world.store)
        self._s3: Any = WSGIMiddleware(s3, workers=_S3_THREADS)
        self._moto: dict[str, Any] = {}
        self._making = threading.Lock()
        self._visitors = Visitors(world.config.allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection, as ASGI has it."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)

    def close(self) -> None:
        """End jobs and worker processes; closing twice is fine."""
        self._world.close()

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await run_in_threadpool(self.close)
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1").lower(): value for name, value in scope["headers"]}
        refusal = self._visitors.refusal(headers)
        if refusal is not None:
            await read_body(receive)
            await _send(send, _json_error(403, "AccessDeniedException", refusal))
        elif scope["path"].startswith(PREFIX):
            await self._control(scope, receive, send)
        else:
            await self._serve(headers, scope, receive, send)

    async def _serve(self, headers: Mapping[str, bytes], scope: Scope, receive: Receive, send: Send) -> None:
        target = find_target(
            raw_path=scope["raw_path"],
            authorization=headers.get("authorization"),
            query_string=scope["query_string"],
        )
        # Jobs live by the virtual clock, and whoever asks for them is told its time.
        send = _dated(send, self._world.clock.now() if target.service == "bedrock" else datetime.now(UTC))
        if target.service in self._apis:
            await self._serve_rest_json(target, headers, scope, receive, send)
        elif target.service in _MOTO_SERVICES:
            await self._serve_moto(target, headers, scope, receive, send)
        elif target.service == "s3":
            await self._serve_s3(target, headers, scope, receive, send)
        else:
            text = f"the sandbox does not serve {target.service}"
            await _send(send, _json_error(501, "NotImplementedException", text))

    async def _serve_s3(
        self, target: Target, headers: Mapping[str, bytes], scope: Scope, receive: Receive, send: Send
    ) -> None:
        query = dict(parse_qsl(_query_string(scope), keep_blank_values=True))
        operation = s3_operation(
            method=scope["method"],
            raw_path=scope["raw_path"],
            query=query,
            is_copy="x-amz-copy-source" in headers,
        )
        application = self._s3
        if self._world.guard.watches:
            bucket, _, raw_key = scope["raw_path"].decode("latin-1").lstrip("/").partition("/")
            asked = S3Call(
                operation=operation,
                bucket=bucket,
                key=unquote(raw_key),
                query=query,
                headers={name: value.decode("latin-1") for name, value in headers.items()},
                exists=self._world.store.find(bucket, unquote(raw_key)) is not None,
            )
            application = self._guarded(target, operation, self._s3, _s3_refusal, asked.needs)
        call = Call(service="s3", operation=operation, application=application, refusal=_s3_refusal)
        await self._disturbance.serve(call, scope, receive, send)

    async def _serve_moto(
        self, target: Target, headers: Mapping[str, bytes], scope: Scope, receive: Receive, send: Send
    ) -> None:
        body = await read_body(receive)
        # X-Amz-Target: AmazonSQS.ReceiveMessage; the services of the query protocol name it in the body.
        named = headers.get("x-amz-target", b"").decode("latin-1").rpartition(".")[2]
        parameters = _json_object(body) if named else _form(body)
        operation = named or parameters.get("Action", "unknown")
        refusal = _json_refusal if named else _query_refusal
        answer = identity_answer(operation, target.access_key_id, parameters, _query_error)
        application = (
            await run_in_threadpool(self._application, target.service) if answer is None else _answering(answer)
        )
        if self._world.guard.watches:
            application = self._guarded(
                target,
                operation,
                application,
                refusal,
                lambda _: service_needs(target.service, operation, target.region, parameters),
            )
        call = Call(service=target.service, operation=operation, application=application, refusal=refusal)
        await self._disturbance.serve(call, scope, replaying(body, receive), send)

    def _application(self, service: str) -> Any:
        """The application of one of moto's services, made when it is first asked for."""
        create: Any = create_backend_app
        with self._making:
            if service not in self._moto:
                self._moto[service] = WSGIMiddleware(create(service))
            return self._moto[service]

    async def _serve_rest_json(
        self, target: Target, headers: Mapping[str, bytes], scope: Scope, receive: Receive, send: Send
    ) -> None:
        api = self._apis[target.service]
        method, raw_path = scope["method"], scope["raw_path"].decode("latin-1")
        route = api.route(method=method, raw_path=raw_path)
        if route is None:
            await read_body(receive)
            await _send(send, api.unknown(method=method, raw_path=raw_path))
            return
        handler = self._world.handler(target.service, target.region)
        call = Call(
            service=target.service,
            operation=route.operation.name,
            application=_RestJsonCall(api, handler, route, headers, authorization(self._world.guard, target)),
            refusal=partial(_rest_json_refusal, api),
        )
        await self._disturbance.serve(call, scope, receive, send)

    def _guarded(self, target: Target, operation: str, application: Any, refusal: _Refusal, needs: Needs) -> Guarded:
        return Guarded(
            target=target,
            operation=operation,
            application=application,
            refusal=refusal,
            guard=self._world.guard,
            needs=needs,
            reads_body=operation == "DeleteObjects",
        )


@dataclass(frozen=True)
class _RestJsonCall:
    """One call of one of our own services, as an application."""

    api: RestJsonApi
    handler: Any
    route: Route
    headers: Mapping[str, bytes]
    authorize: Callable[[str, Mapping[str, Any]], None] | None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(receive)
        try:
            response = await run_in_threadpool(
                self.api.call,
                self.handler,
                self.route,
                query_string=_query_string(scope),
                headers={name: value.decode("latin-1") for name, value in self.headers.items()},
                body=body,
                authorize=self.authorize,
            )
        except Exception as error:
            _logger.exception("%s %s broke", self.api.service_name, self.route.operation.name)
            text = f"Internal error: {error!r}"
            response = self.api.error(ModelledError("InternalServerException", text), status=500)
        await _send(send, response)


def _form(body: bytes) -> dict[str, Any]:
    return {name: values[0] for name, values in parse_qs(body.decode("latin-1")).items()}


def _json_object(body: bytes) -> dict[str, Any]:
    """The parameters of a call; of a body that is no object none, which the service itself refuses."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _query_string(scope: Scope) -> str:
    text: str = scope["query_string"].decode("latin-1")
    return text


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


def _dated(send: Send, moment: datetime) -> Send:
    date = (b"date", format_datetime(moment, usegmt=True).encode())

    async def send_dated(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [date, *(item for item in message["headers"] if item[0] != b"date")]}
        await send(message)

    return send_dated


def _answering(response: HttpResponse) -> Application:
    async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
        await _send(send, response)

    return answer


def _json_error(status: int, code: str, message: str) -> HttpResponse:
    body = orjson.dumps({"message": message, "__type": code})
    return HttpResponse(status=status, headers={"x-amzn-ErrorType": code}, body=body)


def _rest_json_refusal(api: RestJsonApi, error: ErrorAnswer) -> Application:
    return _answering(api.error(ModelledError(error.code, error.message), status=error.status))


def _s3_refusal(error: ErrorAnswer) -> Application:
    return _answering(_xml_error(error.status, error_xml(error.code, error.message)))


def _query_refusal(error: ErrorAnswer) -> Application:
    return _answering(_query_error(error.status, error.code, error.message))


def _query_error(status: int, code: str, message: str) -> HttpResponse:
    text = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    return _xml_error(status, f"<ErrorResponse><Error>{text}</Error></ErrorResponse>".encode())


def _json_refusal(error: ErrorAnswer) -> Application:
    return _answering(_json_error(error.status, error.code, error.message))


def _xml_error(status: int, body: bytes) -> HttpResponse:
    return HttpResponse(status=status, headers={"content-type": "application/xml"}, body=body)
