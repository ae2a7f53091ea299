"""A picture that somebody brings to search with: looked at, embedded, and forgotten."""

import io
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from PIL import Image
from starlette.requests import Request

from batch_assets.bedrock.on_demand import embed_image
from batch_assets.gallery.deployment import Deployment
from batch_assets.gallery.query_vector import encoded
from batch_assets.gallery.refusal import RequestError, undecodable
from batch_assets.gallery.thumbnails import Thumbnails
from batch_assets.pictures.thumbnail import data_uri

_EDGE_PIXELS = 256
_BINARY = "application/octet-stream"


def max_upload_bytes(deployment: Deployment) -> int:
    """What the model takes in one request."""
    return deployment.settings.space.model.max_inline_image_bytes


async def received(request: Request, *, max_bytes: int) -> bytes:
    """The body of a request, read no further than it may be long. Raises `RequestError`."""
    media_type = request.headers.get("content-type", _BINARY).partition(";")[0].strip().lower()
    if not media_type.startswith("image/") and media_type != _BINARY:
        raise _no_picture(f"{media_type[:100]} is no picture")
    told = request.headers.get("content-length", "")
    if told.isdecimal() and int(told) > max_bytes:
        raise _too_large(max_bytes)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            # Nobody knows how much is still to come: to close the connection is the one way not to receive it.
            raise _too_large(max_bytes, headers={"Connection": "close"})
    return bytes(body)


def query_of(deployment: Deployment, thumbnails: Thumbnails, data: bytes) -> Mapping[str, Any]:
    """The vector of a picture as text, and its thumbnail. Raises `RequestError`, or what the model refuses."""
    ending = _ending(deployment, data)
    small = thumbnails.made(data, _EDGE_PIXELS)
    vector = embed_image(deployment.bedrock_runtime, deployment.settings.space, name=f"upload.{ending}", data=data)
    return {"vector": encoded(vector), "thumbnail": data_uri(small)}


def _ending(deployment: Deployment, data: bytes) -> str:
    """The format as the file's first bytes tell it, if the model takes it."""
    takes = deployment.settings.space.model.formats
    try:
        with Image.open(io.BytesIO(data), formats=[name.upper() for name in set(takes.values())]) as image:
            return str(image.format).lower()
    except Image.DecompressionBombError as error:
        raise undecodable(str(error)) from error
    except Exception as error:  # decoders of damaged files raise nearly anything
        raise _no_picture(f"the file is no picture in {', '.join(sorted(set(takes.values())))}") from error


def _no_picture(message: str) -> RequestError:
    return RequestError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, message)


def _too_large(max_bytes: int, headers: Mapping[str, str] | None = None) -> RequestError:
    message = f"the picture is too large: the model takes {max_bytes:,} bytes"
    return RequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, message, headers=headers)
