"""From one request to the embedding model to what is to be embedded, or why it cannot be."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from batch_assets.sandbox.bedrock import model
from batch_assets.sandbox.config import ACCOUNT_ID
from batch_assets.sandbox.s3_store import ObjectStore


class RecordError(Exception):
    """The model refuses a record.

    Attributes:
        code: The ``errorCode`` of a batch output line.
        message: What is wrong, for the ``errorMessage``.
    """

    def __init__(self, code: int, message: str) -> None:
        """Keep both parts, also when the error travels between processes."""
        super().__init__(code, message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class S3Object:
    """A bucket and a key."""

    bucket: str
    key: str

    @property
    def uri(self) -> str:
        """The object's ``s3://`` URI."""
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True, kw_only=True)
class EmbeddingRequest:
    """One modality to embed: inline content, or an object that holds it.

    ``image_format`` is None for text.
    """

    dimension: int
    image_format: str | None
    content: bytes | S3Object


@dataclass(frozen=True, kw_only=True)
class EmbeddingTask:
    """All that a worker needs to make one vector."""

    dimension: int
    image_format: str | None
    content: bytes


def parse_body(body: Any) -> EmbeddingRequest:
    """Check an InvokeModel body against the schema of the model.

    Raises:
        RecordError: The first thing that is wrong, by the path of the member.
    """
    members = _object(body, "#")
    _one_of(members, "schemaVersion", (model.SCHEMA_VERSION,), "#", required=False)
    _one_of(members, "taskType", ("SINGLE_EMBEDDING",), "#")
    path = "#/singleEmbeddingParams"
    params = _object(_required(members, "singleEmbeddingParams", "#"), path)
    _one_of(params, "embeddingPurpose", model.PURPOSES, path)
    dimension = params.get("embeddingDimension", model.DEFAULT_DIMENSION)
    if isinstance(dimension, bool) or dimension not in model.DIMENSIONS:
        raise _malformed(f"{path}/embeddingDimension: {dimension} is not one of {list(model.DIMENSIONS)}")
    given = [name for name in model.MODALITIES if params.get(name) is not None]
    if len(given) != 1:
        found = ", ".join(given) or "none"
        raise _malformed(f"{path}: exactly one of {', '.join(model.MODALITIES)} must be given, found {found}")
    if given[0] not in ("text", "image"):
        raise RecordError(400, f"this sandbox embeds images and text, not {given[0]}")
    modality = _object(params[given[0]], f"{path}/{given[0]}")
    parse = _image if given[0] == "image" else _text
    image_format, content = parse(modality, f"{path}/{given[0]}")
    return EmbeddingRequest(dimension=int(dimension), image_format=image_format, content=content)


def load(request: EmbeddingRequest, store: ObjectStore, allows: Callable[[S3Object], bool]) -> EmbeddingTask:
    """Fetch what a request refers to.

    Raises:
        RecordError: The object is out of bounds, missing or too large.
    """
    content = request.content
    if isinstance(content, S3Object):
        content = _fetch(content, store, allows, is_text=request.image_format is None)
    return EmbeddingTask(dimension=request.dimension, image_format=request.image_format, content=content)


def parse_s3_uri(uri: str) -> S3Object | None:
    """Split an ``s3://bucket/key`` URI; None when it is no such thing."""
    scheme, _, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    return S3Object(bucket, key) if scheme == "s3" and bucket else None


def _image(image: dict[str, Any], path: str) -> tuple[str | None, bytes | S3Object]:
    image_format = _one_of(image, "format", model.IMAGE_FORMATS, path)
    _one_of(image, "detailLevel", model.DETAIL_LEVELS, path, required=False)
    return image_format, _source(_required(image, "source", path), f"{path}/source", allows_bytes=True)


def _text(text: dict[str, Any], path: str) -> tuple[str | None, bytes | S3Object]:
    _one_of(text, "truncationMode", model.TRUNCATION_MODES, path)
    if ("value" in text) == ("source" in text):
        raise _malformed(f"{path}: exactly one of value, source must be given")
    if "source" in text:
        return None, _source(text["source"], f"{path}/source", allows_bytes=False)
    value = text["value"]
    if not isinstance(value, str) or not 1 <= len(value) <= model.TEXT_MAX_CHARACTERS:
        raise _malformed(f"{path}/value: expected a text of 1 to {model.TEXT_MAX_CHARACTERS} characters")
    return None, value.encode()


def _source(value: Any, path: str, *, allows_bytes: bool) -> bytes | S3Object:
    source = _object(value, path)
    allowed = ("s3Location", "bytes") if allows_bytes else ("s3Location",)
    given = [name for name in source if name in allowed]
    if len(given) != 1:
        raise _malformed(f"{path}: exactly one of {', '.join(allowed)} must be given")
    if given[0] == "bytes":
        return _inline(source["bytes"], f"{path}/bytes")
    location = _object(source["s3Location"], f"{path}/s3Location")
    uri = _required(location, "uri", f"{path}/s3Location")
    found = parse_s3_uri(uri) if isinstance(uri, str) else None
    if found is None or not found.key:
        raise _malformed(f"{path}/s3Location/uri: {uri!r} is not an S3 URI")
    owner = location.get("bucketOwner", ACCOUNT_ID)
    if owner != ACCOUNT_ID:
        raise RecordError(403, f"Access denied: the bucket {found.bucket} is not owned by account {owner}")
    return found


def _inline(encoded: Any, path: str) -> bytes:
    if not isinstance(encoded, str) or len(encoded) > model.INLINE_MAX_BYTES:
        raise _malformed(f"{path}: expected base64 of at most {model.INLINE_MAX_BYTES} characters")
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _malformed(f"{path}: not base64: {error}") from error


def _fetch(location: S3Object, store: ObjectStore, allows: Callable[[S3Object], bool], *, is_text: bool) -> bytes:
    if not allows(location):
        raise RecordError(
            400, f"The S3 object {location.uri} must be in the bucket and under the folder of the job's input s3Uri"
        )
    limit_bytes = model.TEXT_OBJECT_MAX_BYTES if is_text else model.IMAGE_MAX_BYTES
    size_bytes = store.size_bytes(location.bucket, location.key)
    if size_bytes is not None and size_bytes > limit_bytes:
        raise RecordError(
            400, f"The S3 object {location.uri} has {size_bytes} bytes, more than the maximum of {limit_bytes}"
        )
    content = store.read(location.bucket, location.key)
    if content is None:
        raise RecordError(400, f"The S3 object {location.uri} does not exist or cannot be accessed")
    if is_text:
        _check_text(content, location)
    return content


def _check_text(content: bytes, location: S3Object) -> None:
    try:
        characters = len(content.decode())
    except UnicodeDecodeError as error:
        raise RecordError(400, f"The S3 object {location.uri} is not UTF-8 text") from error
    if not 1 <= characters <= model.TEXT_OBJECT_MAX_CHARACTERS:
        raise RecordError(
            400, f"The S3 object {location.uri} must hold 1 to {model.TEXT_OBJECT_MAX_CHARACTERS} characters"
        )


def _object(value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _malformed(f"{path}: expected type: JSONObject, found: {type(value).__name__}")
    return value


def _required(members: dict[str, Any], name: str, path: str) -> Any:
    if members.get(name) is None:
        raise _malformed(f"{path}: required key [{name}] not found")
    return members[name]


def _one_of(
    members: dict[str, Any], name: str, allowed: tuple[str, ...], path: str, *, required: bool = True
) -> str | None:
    value = _required(members, name, path) if required else members.get(name)
    if value is not None and value not in allowed:
        raise _malformed(f"{path}/{name}: {value!r} is not one of {', '.join(allowed)}")
    return value


def _malformed(detail: str) -> RecordError:
    return RecordError(400, f"Malformed input request: {detail}, please reformat your input and try again.")
