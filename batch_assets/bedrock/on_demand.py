"""On-demand embedding with InvokeModel: what a search is asked with."""

import json
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from botocore.exceptions import ClientError
from numpy.typing import NDArray

from batch_assets.errors import SearchError
from batch_assets.spaces import EmbeddingSpace, ImageSource, RequestBody

Vector = NDArray[np.float32]


def embed_text(runtime: Any, space: EmbeddingSpace, text: str) -> Vector:
    """The vector, shape (dimension,), of words to search with. Raises `SearchError` if the model refuses them."""
    limit = space.model.max_text_characters
    if not text.strip() or len(text) > limit:
        raise SearchError(f"the text has {len(text)} characters: write 1 to {limit}")
    return _invoke(runtime, space, space.text_query(text))


def embed_image(runtime: Any, space: EmbeddingSpace, *, name: str, data: bytes) -> Vector:
    """The vector, shape (dimension,), of a picture to search with; its name tells the format.

    Raises `SearchError` if the format or the size is not one that the model takes.
    """
    image_format = space.model.formats.get(PurePosixPath(name).suffix.lower().removeprefix("."))
    if image_format is None:
        endings = ", ".join(f".{ending}" for ending in space.model.formats)
        raise SearchError(f"{name}: the model takes {endings}")
    if len(data) > space.model.max_inline_image_bytes:
        raise SearchError(f"{name} has {len(data)} bytes, the model takes {space.model.max_inline_image_bytes}")
    return _invoke(runtime, space, space.image_query(ImageSource(image_format, data=data)))


def _invoke(runtime: Any, space: EmbeddingSpace, body: RequestBody) -> Vector:
    try:
        reply = runtime.invoke_model(
            modelId=space.model.model_id,
            body=json.dumps(body),
            contentType="application/json",
            accept="application/json",
        )
    except ClientError as error:
        raise SearchError(f"{space.model.model_id} refuses the query: {error}") from error
    vector = np.array(json.loads(reply["body"].read())["embeddings"][0]["embedding"], dtype=np.float32)
    if vector.shape != (space.dimension,) or not np.isfinite(vector).all() or not vector.any():
        raise SearchError(f"{space.model.model_id} answered with an unusable vector of shape {vector.shape}")
    return vector
