"""InvokeModel for the embedding model, whose vectors a stand-in makes (see ``embedding``)."""

from concurrent.futures import CancelledError
from typing import Any

import orjson

from batch_assets.sandbox.bedrock import model
from batch_assets.sandbox.bedrock.embedding import Embedder
from batch_assets.sandbox.bedrock.records import RecordError, load, parse_body
from batch_assets.sandbox.errors import ModelledError, validation_error
from batch_assets.sandbox.s3_store import ObjectStore


class BedrockRuntimeService:
    """The operations of bedrock-runtime that a client of an embedding model needs."""

    def __init__(self, *, store: ObjectStore, pool: Embedder) -> None:
        """Share the store and the workers with the batch engine."""
        self._store = store
        self._pool = pool

    def invoke_model(self, request: dict[str, Any]) -> dict[str, Any]:
        """Embed one text or image; a refused body is a ``ValidationException``."""
        if model.model_name(request["modelId"]) != model.MODEL_ID:
            raise validation_error("The provided model identifier is invalid.")
        try:
            body = orjson.loads(request.get("body", b""))
        except orjson.JSONDecodeError as error:
            raise validation_error("Malformed input request, please reformat your input and try again.") from error
        try:
            parsed = parse_body(body)
            vector = self._pool.submit(load(parsed, self._store, lambda _: True)).result()
        except RecordError as error:
            code = "AccessDeniedException" if error.code == 403 else "ValidationException"  # noqa: PLR2004 - HTTP
            raise ModelledError(code, error.message) from error
        except CancelledError as error:
            raise ModelledError("ServiceUnavailableException", "The sandbox is ending") from error
        kind = "TEXT" if parsed.image_format is None else "IMAGE"
        return {"contentType": "application/json", "body": model_output(kind, vector)}


def model_output(kind: str, vector: bytes) -> bytes:
    """Write the model's answer around a vector that is already JSON."""
    return b'{"embeddings":[{"embeddingType":"%b","embedding":%b}]}' % (kind.encode(), vector)
