"""PutVectors with numpy rows written straight into the request body.

boto3 turns every float into a Python object twice. Here two event hooks of botocore step around that:
`provide-client-params` takes the encoded records out of the parameters, `before-call` puts them into the
body. boto3 still resolves the endpoint, signs, sends, retries and parses. Ordinary `put_vectors` calls
through the same client are left alone.
"""

import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import orjson
from numpy.typing import NDArray

from batch_assets.errors import VectorIndexError

if TYPE_CHECKING:
    from mypy_boto3_s3vectors import S3VectorsClient
    from mypy_boto3_s3vectors.type_defs import PutInputVectorTypeDef

_CONTEXT_KEY = "batch_assets_encoded_records"
_PLACEHOLDER = {"key": "-", "data": {"float32": [0.0]}}
_BEFORE_VALIDATION = "provide-client-params.s3vectors.PutVectors"
_BEFORE_SIGNING = "before-call.s3vectors.PutVectors"
_registration = threading.Lock()


class _EncodedRecords(list[bytes]):
    """Records of one PutVectors call, each already JSON: stands where boto3 expects a list of dicts."""


def encode_record(key: str, vector: NDArray[np.float32], metadata: Mapping[str, Any]) -> bytes:
    """Return one element of `vectors` as JSON, each float32 as its shortest exact decimal text.

    Args:
        key: Key of the vector, 1 to 1,024 characters.
        vector: Shape (d,), contiguous.
        metadata: Document stored beside the vector.
    """
    record = {"key": key, "data": {"float32": vector}, "metadata": metadata}
    return orjson.dumps(record, option=orjson.OPT_SERIALIZE_NUMPY)


def encode_block(
    keys: Sequence[str], vectors: NDArray[np.float32], metadata: Sequence[Mapping[str, Any]]
) -> list[bytes]:
    """Encode the rows of a block.

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
    return [encode_record(key, row, document) for key, row, document in zip(keys, rows, metadata, strict=True)]


def body_bytes(bucket: str, index: str, record_sizes: Sequence[int]) -> int:
    """Return the exact size of the request body that holds records of these sizes."""
    return len(_body(bucket, index, [])) + sum(record_sizes) + max(0, len(record_sizes) - 1)


def put_records(client: "S3VectorsClient", *, bucket: str, index: str, records: Sequence[bytes]) -> int:
    """Send encoded records in one PutVectors call; return how often boto3 repeated it.

    Raises:
        botocore.exceptions.ClientError: What the service refuses, as from any boto3 call.
    """
    _register(client)
    vectors = cast("Sequence[PutInputVectorTypeDef]", _EncodedRecords(records))
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
    """Send one block in one PutVectors call, as `put_records`; `batches` cuts what is too large for one."""
    records = encode_block(keys, vectors, metadata)
    return put_records(client, bucket=bucket, index=index, records=records)


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


def _body(bucket: str, index: str, records: Sequence[bytes]) -> bytes:
    address = orjson.dumps({"vectorBucketName": bucket, "indexName": index})
    return b"".join((address[:-1], b',"vectors":[', b",".join(records), b"]}"))


def _register(client: "S3VectorsClient") -> None:
    """Hook into the client; a second time does nothing."""
    events = client.meta.events
    with _registration:
        events.register(_BEFORE_VALIDATION, _take_out, unique_id="batch-assets-take-out")
        events.register(_BEFORE_SIGNING, _put_in, unique_id="batch-assets-put-in")


def _take_out(params: dict[str, Any], context: dict[str, Any], **_: object) -> Any:
    """Return parameters with one small record for boto3 to validate; the real ones go into the context."""
    records = params.get("vectors")
    if not isinstance(records, _EncodedRecords):
        return None
    context[_CONTEXT_KEY] = _body(params["vectorBucketName"], params["indexName"], records)
    return params | {"vectors": [_PLACEHOLDER]}


def _put_in(params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
    """Swap the body before it is signed; its length header is computed when the request is prepared."""
    body = context.pop(_CONTEXT_KEY, None)
    if body is not None:
        params["body"] = body
