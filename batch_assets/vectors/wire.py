"""PutVectors with numpy rows written straight into the request body.

boto3 turns every float into a Python object twice. Here two event hooks of botocore step around that:
`provide-client-params` takes the encoded body out of the parameters, `before-call` puts it where it belongs.
boto3 still resolves the endpoint, signs, sends, retries and parses. Ordinary `put_vectors` calls
through the same client are left alone.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import orjson
from numpy.typing import NDArray

from batch_assets.errors import VectorIndexError

if TYPE_CHECKING:
    from mypy_boto3_s3vectors import S3VectorsClient
    from mypy_boto3_s3vectors.type_defs import PutInputVectorTypeDef

_CONTEXT_KEY = "batch_assets_encoded_body"
_PLACEHOLDER = {"key": "-", "data": {"float32": [0.0]}}
_BEFORE_VALIDATION = "provide-client-params.s3vectors.PutVectors"
_BEFORE_SIGNING = "before-call.s3vectors.PutVectors"
_registration = threading.Lock()


Record = Mapping[str, Any]
"""One element of `vectors`: a key of 1 to 1,024 characters, data of shape (d,), contiguous, and metadata."""


@dataclass(frozen=True)
class _EncodedBody:
    """The body of one PutVectors call: stands where boto3 expects a list of dicts."""

    body: bytes


def records_of(
    keys: Sequence[str], vectors: NDArray[np.float32], metadata: Sequence[Mapping[str, Any]]
) -> list[Record]:
    """Return the rows of a block as records.

    Args:
        keys: n keys.
        vectors: Shape (n, d), float32.
        metadata: n documents.

    Raises:
        VectorIndexError: If lengths or types do not agree, or a row holds NaN or infinity, which JSON
            cannot carry; the message names the key.
    """
    _check_block(keys, vectors, metadata)
    rows = np.ascontiguousarray(vectors)
    return [
        {"key": key, "data": {"float32": row}, "metadata": document}
        for key, row, document in zip(keys, rows, metadata, strict=True)
    ]


def encode_body(bucket: str, index: str, records: Sequence[Record]) -> bytes:
    """Return the body of a call, each float32 as its shortest exact decimal text.

    In one piece, since 20 MiB that are written twice cost a fifth of the whole call, in page faults.
    """
    body = {"vectorBucketName": bucket, "indexName": index, "vectors": records}
    return orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)


def encoded_bytes(record: Record) -> int:
    """Return how much of a body a record takes, without the comma before the next."""
    return len(orjson.dumps(record, option=orjson.OPT_SERIALIZE_NUMPY))


def put_body(client: "S3VectorsClient", *, bucket: str, index: str, body: bytes) -> int:
    """Send an encoded body, which names the same bucket and index; return how often boto3 repeated the call.

    Raises:
        botocore.exceptions.ClientError: What the service refuses, as from any boto3 call.
    """
    _register(client)
    vectors = cast("Sequence[PutInputVectorTypeDef]", _EncodedBody(body))
    answer = client.put_vectors(vectorBucketName=bucket, indexName=index, vectors=vectors)
    return int(answer["ResponseMetadata"]["RetryAttempts"])


def put_block(
    client: "S3VectorsClient",
    *,
    bucket: str,
    index: str,
    keys: Sequence[str],
    vectors: NDArray[np.float32],
    metadata: Sequence[Mapping[str, Any]],
) -> int:
    """Send one block in one PutVectors call, as `put_body`; `batches` cuts what is too large for one."""
    body = encode_body(bucket, index, records_of(keys, vectors, metadata))
    return put_body(client, bucket=bucket, index=index, body=body)


def _check_block(keys: Sequence[str], vectors: NDArray[np.float32], metadata: Sequence[Mapping[str, Any]]) -> None:
    if vectors.dtype != np.float32 or vectors.ndim != 2:  # noqa: PLR2004 - rows and columns
        raise VectorIndexError(
            f"vectors must be a float32 array of shape (n, d), not {vectors.dtype} of shape {vectors.shape}"
        )
    if not len(keys) == len(vectors) == len(metadata):
        raise VectorIndexError(
            f"a block needs as many keys as vectors and metadata, not {len(keys)}, {len(vectors)} and {len(metadata)}"
        )
    finite = np.isfinite(vectors).all(axis=1)
    if not finite.all():
        key = keys[int(np.argmin(finite))]
        raise VectorIndexError(f"the vector of {key!r} holds NaN or infinity: leave it out")


def _register(client: "S3VectorsClient") -> None:
    """Hook into the client; a second time does nothing."""
    events = client.meta.events
    with _registration:
        events.register(_BEFORE_VALIDATION, _take_out, unique_id="batch-assets-take-out")
        events.register(_BEFORE_SIGNING, _put_in, unique_id="batch-assets-put-in")


def _take_out(params: dict[str, Any], context: dict[str, Any], **_: object) -> Any:
    """Return parameters with one small record for boto3 to validate; the real body goes into the context."""
    encoded = params.get("vectors")
    if not isinstance(encoded, _EncodedBody):
        return None
    context[_CONTEXT_KEY] = encoded.body
    return params | {"vectors": [_PLACEHOLDER]}


def _put_in(params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
    """Swap the body before it is signed; its length header is computed when the request is prepared."""
    body = context.pop(_CONTEXT_KEY, None)
    if body is not None:
        params["body"] = body
