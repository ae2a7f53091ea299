"""Reading a rest-json request as botocore's model of the operation describes it.

Texts of validation errors follow the Smithy validation trait, which S3 Vectors answers with.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NoReturn

import orjson
from botocore.model import OperationModel
from botocore.utils import parse_timestamp

from batch_assets.sandbox.errors import ModelledError

Shape = Any  # botocore types what a shape has by subclass, and finds the subclass at run time
# Unicode classes of the models' patterns, which Python's `re` spells otherwise.
_UNICODE_CLASSES = {r"\p{L}": r"\w", r"\p{N}": r"\d", r"\p{Z}": r"\s", r"\p{M}": ""}
_FLOAT_TYPES = ("float", "double")


@dataclass(frozen=True, kw_only=True)
class HttpRequest:
    """The parts of a request that a rest-json operation can bind to.

    ``labels`` are the decoded parts of the path; header names are in lower case.
    """

    labels: Mapping[str, str]
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes


@dataclass
class _Violations:
    """What a request breaks; all of it is reported in one answer."""

    fields: list[dict[str, str]] = field(default_factory=list)

    def add(self, path: str, constraint: str, *, subject: str = "Value") -> None:
        message = f"{subject} at '{path}' failed to satisfy constraint: Member must {constraint}"
        self.fields.append({"path": path, "message": message})

    def raise_if_any(self) -> None:
        if self.fields:
            count = len(self.fields)
            text = "; ".join(entry["message"] for entry in self.fields)
            plural = "error" if count == 1 else "errors"
            raise ModelledError("ValidationException", f"{count} validation {plural} detected. {text}", self.fields)


def parse_request(operation: OperationModel, request: HttpRequest) -> dict[str, Any]:
    """Return the operation's input by botocore's member names, checked against its shapes.

    Members that the model does not know are ignored, as AWS does. Lists of floats are handed on
    unchecked: they are the bulk of PutVectors, and the service checks them as arrays.

    Raises:
        ModelledError: ``ValidationException`` naming every broken constraint, or
            ``SerializationException`` when the body cannot be read as the model's types.
    """
    shape = operation.input_shape
    if shape is None:
        return {}
    violations = _Violations()
    payload = shape.serialization.get("payload")
    body = {} if payload else _json_object(request.body)
    raw = {name: _raw_member(member, name, request, body, payload) for name, member in shape.members.items()}
    values = _read_members(shape, raw, "", violations)
    violations.raise_if_any()
    return values


def _raw_member(member: Shape, name: str, request: HttpRequest, body: dict[str, Any], payload: str | None) -> Any:
    if name == payload:
        return (request.body or None) if member.type_name == "blob" else _json_object(request.body)
    if "location" in member.serialization:
        return _located(member, name, request)
    return body.get(member.serialization.get("name", name))


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError as error:
        raise ModelledError("SerializationException", f"The body is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ModelledError("SerializationException", "The body is not a JSON object")
    return value


def _located(member: Shape, name: str, request: HttpRequest) -> Any:
    wire_name = member.serialization.get("name", name)
    match member.serialization["location"]:
        case "uri":
            raw: Any = request.labels.get(wire_name)
        case "querystring" if member.type_name == "list":
            return [_from_text(member.member, text) for text in request.query.get(wire_name, [])] or None
        case "querystring":
            raw = next(iter(request.query.get(wire_name, [])), None)
        case "headers":
            prefix = wire_name.lower()
            return {key[len(prefix) :]: value for key, value in request.headers.items() if key.startswith(prefix)}
        case _:
            raw = request.headers.get(wire_name.lower())
    return None if raw is None else _from_text(member, raw)


def _from_text(shape: Shape, text: str) -> Any:
    """Turn a label, query parameter or header into what JSON would have held."""
    match shape.type_name:
        case "integer" | "long" | "float" | "double":
            try:
                return float(text) if shape.type_name in _FLOAT_TYPES else int(text)
            except ValueError:
                _refuse(text, shape)
        case "boolean":
            return {"true": True, "false": False}.get(text, text)
        case _:
            return text


def _read_members(shape: Shape, raw: Mapping[str, Any], path: str, violations: _Violations) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, member in shape.members.items():
        if raw.get(name) is not None:
            values[name] = _read(member, raw[name], f"{path}/{name}", violations)
        elif name in shape.required_members:
            violations.add(f"{path}/{name}", "not be null")
    return values


def _read(shape: Shape, raw: Any, path: str, violations: _Violations) -> Any:
    reader = _READERS.get(shape.type_name)
    if reader is None:
        raise ModelledError("SerializationException", f"the sandbox cannot read a {shape.type_name} at '{path}'")
    return reader(shape, raw, path, violations)


def _read_structure(shape: Shape, raw: Any, path: str, violations: _Violations) -> Any:
    if shape.is_document_type:
        return raw
    if not isinstance(raw, dict):
        _refuse(raw, shape, path)
    members = {name: raw.get(member.serialization.get("name", name)) for name, member in shape.members.items()}
    values = _read_members(shape, members, path, violations)
    if shape.is_tagged_union and len(values) != 1:
        violations.add(path, f"have exactly one of these set: [{', '.join(shape.members)}]")
    return values


def _read_list(shape: Shape, raw: Any, path: str, violations: _Violations) -> Any:
    if not isinstance(raw, list):
        _refuse(raw, shape, path)
    _check_length(shape, len(raw), path, violations)
    if shape.member.type_name in _FLOAT_TYPES:
        return raw
    return [_read(shape.member, item, f"{path}/{index}", violations) for index, item in enumerate(raw)]


def _read_map(shape: Shape, raw: Any, path: str, violations: _Violations) -> Any:
    if not isinstance(raw, dict):
        _refuse(raw, shape, path)
    _check_length(shape, len(raw), path, violations)
    return {
        _read(shape.key, key, f"{path}/{key}", violations): _read(shape.value, value, f"{path}/{key}", violations)
        for key, value in raw.items()
    }


def _read_string(shape: Shape, raw: Any, path: str, violations: _Violations) -> Any:
    if not isinstance(raw, str):
        _refuse(raw, shape, path)
    _check_length(shape, len(raw), path, violations)
    if shape.enum and raw not in shape.enum:
        violations.add(path, f"satisfy enum value set: [{', '.join(shape.enum)}]")
    pattern = shape.metadata.get("pattern")
    if pattern and not _compiled(pattern).fullmatch(raw):
        violations.add(path, f"satisfy regular expression pattern: {pattern}")
    return raw


def _read_integer(shape: Shape, raw: Any, path: str, violations: _Violations) -> Any:
    if not isinstance(raw, int) or isinstance(raw, bool):
        _refuse(raw, shape, path)
    _check_range(shape, raw, path, violations)
    return raw


def _read_float(shape: Shape, raw: Any, path: str, violations: _Violations) -> Any:
    if raw in ("NaN", "Infinity", "-Infinity"):
        return float(raw)
    if not isinstance(raw, int | float) or isinstance(raw, bool):
        _refuse(raw, shape, path)
    _check_range(shape, raw, path, violations)
    return float(raw)


def _read_boolean(shape: Shape, raw: Any, path: str, _: _Violations) -> Any:
    if not isinstance(raw, bool):
        _refuse(raw, shape, path)
    return raw


def _read_timestamp(shape: Shape, raw: Any, path: str, _: _Violations) -> Any:
    try:
        return parse_timestamp(raw)
    except (ValueError, RuntimeError, OverflowError):
        _refuse(raw, shape, path)


def _read_blob(shape: Shape, raw: Any, path: str, violations: _Violations) -> Any:
    try:
        value = raw if isinstance(raw, bytes) else base64.b64decode(raw, validate=True)
    except (binascii.Error, TypeError, ValueError):
        _refuse(raw, shape, path)
    _check_length(shape, len(value), path, violations)
    return value


_READERS: dict[str, Callable[[Shape, Any, str, _Violations], Any]] = {
    "structure": _read_structure,
    "list": _read_list,
    "map": _read_map,
    "string": _read_string,
    "character": _read_string,
    "integer": _read_integer,
    "long": _read_integer,
    "float": _read_float,
    "double": _read_float,
    "boolean": _read_boolean,
    "timestamp": _read_timestamp,
    "blob": _read_blob,
}


def _check_length(shape: Shape, length: int, path: str, violations: _Violations) -> None:
    broken = _broken_bounds(shape, length)
    if broken:
        violations.add(path, f"have length {broken}", subject=f"Value with length {length}")


def _check_range(shape: Shape, value: float, path: str, violations: _Violations) -> None:
    broken = _broken_bounds(shape, value)
    if broken:
        violations.add(path, f"be {broken}")


def _broken_bounds(shape: Shape, value: float) -> str | None:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if (low is None or value >= low) and (high is None or value <= high):
        return None
    if low is None:
        return f"less than or equal to {high}"
    return f"greater than or equal to {low}" if high is None else f"between {low} and {high}, inclusive"


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    for unicode_class, equivalent in _UNICODE_CLASSES.items():
        pattern = pattern.replace(unicode_class, equivalent)
    return re.compile(pattern)


def _refuse(raw: Any, shape: Shape, path: str = "") -> NoReturn:
    where = f" at '{path}'" if path else ""
    raise ModelledError(
        "SerializationException", f"{type(raw).__name__} value{where} can not be converted to {shape.type_name}"
    )
