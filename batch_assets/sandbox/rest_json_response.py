"""Writing a rest-json answer as botocore's model of the operation describes it."""

import base64
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import orjson
from botocore.model import OperationModel, ServiceModel

from batch_assets.sandbox.errors import ModelledError

Shape = Any  # botocore types what a shape has by subclass, and finds the subclass at run time
_FLOAT_TYPES = ("float", "double")
_NOT_IMPLEMENTED = "NotImplementedException"


@dataclass(frozen=True, kw_only=True)
class HttpResponse:
    """An answer before it becomes ASGI messages."""

    status: int
    headers: dict[str, str]
    body: bytes


def write_response(operation: OperationModel, output: Mapping[str, Any]) -> HttpResponse:
    """Turn an operation's output, by botocore's member names, into an answer."""
    shape = operation.output_shape
    headers = _base_headers()
    status = int(operation.http.get("responseCode", 200))
    if shape is None:
        return HttpResponse(status=status, headers=headers, body=b"{}")
    payload_name = shape.serialization.get("payload")
    body: dict[str, Any] = {}
    for name, member in shape.members.items():
        if output.get(name) is None or name == payload_name:
            continue
        wire_name = member.serialization.get("name", name)
        match member.serialization.get("location"):
            case None:
                body[wire_name] = _write(member, output[name], default_format="unixtimestamp")
            case "statusCode":
                status = int(output[name])
            case _:
                headers[wire_name] = str(_write(member, output[name], default_format="rfc822"))
    if payload_name and shape.members[payload_name].type_name == "blob":
        return HttpResponse(status=status, headers=headers, body=output.get(payload_name, b""))
    return HttpResponse(status=status, headers=headers, body=_dumps(body))


def write_error(service: ServiceModel, error: ModelledError, *, status: int | None = None) -> HttpResponse:
    """Turn an error into an answer with the status of its shape in the model (else 400)."""
    shape: Shape = next((item for item in service.error_shapes if item.name == error.code), None)
    modelled = {} if shape is None else shape.metadata.get("error", {})
    body: dict[str, Any] = {"message": error.message, "__type": error.code}
    if error.fields is not None and shape is not None and "fieldList" in shape.members:
        body["fieldList"] = error.fields
    headers = {**_base_headers(), "x-amzn-ErrorType": error.code}
    return HttpResponse(status=status or int(modelled.get("httpStatusCode", 400)), headers=headers, body=_dumps(body))


def not_implemented(service_name: str, operation: str) -> HttpResponse:
    """Answer for an operation that AWS has and the sandbox does not."""
    body = {"message": f"the sandbox does not implement {service_name} {operation}", "__type": _NOT_IMPLEMENTED}
    headers = {**_base_headers(), "x-amzn-ErrorType": _NOT_IMPLEMENTED}
    return HttpResponse(status=501, headers=headers, body=_dumps(body))


def _base_headers() -> dict[str, str]:
    return {"Content-Type": "application/json", "x-amzn-RequestId": str(uuid.uuid4())}


def _dumps(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)


def _write(shape: Shape, value: Any, *, default_format: str) -> Any:
    writer = _WRITERS.get(shape.type_name)
    return value if writer is None else writer(shape, value, default_format)


def _write_structure(shape: Shape, value: Any, default_format: str) -> Any:
    if shape.is_document_type:
        return value
    return {
        member.serialization.get("name", name): _write(member, value[name], default_format=default_format)
        for name, member in shape.members.items()
        if value.get(name) is not None
    }


def _write_list(shape: Shape, value: Any, default_format: str) -> Any:
    if shape.member.type_name in _FLOAT_TYPES:
        return value
    return [_write(shape.member, item, default_format=default_format) for item in value]


def _write_map(shape: Shape, value: Any, default_format: str) -> Any:
    return {key: _write(shape.value, item, default_format=default_format) for key, item in value.items()}


def _write_timestamp(shape: Shape, value: datetime, default_format: str) -> Any:
    moment = value.astimezone(UTC)
    match str(shape.serialization.get("timestampFormat", default_format)).lower():
        case "iso8601":
            return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case "rfc822":
            return format_datetime(moment, usegmt=True)
        case _:
            return round(moment.timestamp(), 3)


def _write_blob(_: Shape, value: bytes, __: str) -> Any:
    return base64.b64encode(value).decode()


_WRITERS: dict[str, Callable[[Shape, Any, str], Any]] = {
    "structure": _write_structure,
    "list": _write_list,
    "map": _write_map,
    "timestamp": _write_timestamp,
    "blob": _write_blob,
}
