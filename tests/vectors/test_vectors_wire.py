"""PutVectors through the event hooks."""

from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from batch_assets.errors import VectorIndexError
from batch_assets.vectors import wire

if TYPE_CHECKING:
    from mypy_boto3_s3vectors import S3VectorsClient

float32s = st.floats(width=32, allow_nan=False, allow_infinity=False)


def block(rows: int, dimension: int = 4) -> dict[str, Any]:
    """Return random keys, vectors and metadata."""
    vectors = np.random.default_rng(rows).normal(size=(rows, dimension)).astype(np.float32)
    return {
        "keys": [f'2026/11/01/ü "{number}".jpg' for number in range(rows)],
        "vectors": vectors,
        "metadata": [{"size": number, "s3_uri": f"s3://photos/ü {number}"} for number in range(rows)],
    }


@given(st.lists(float32s, min_size=1, max_size=8), st.text(max_size=5))
def test_a_record_parses_back_bit_for_bit(values: list[float], key: str) -> None:
    """Whatever the float32, its text means exactly that float32."""
    vector = np.asarray(values, np.float32)
    [sent] = wire.records_of([key], vector[None], [{"size": 1}])
    [record] = orjson.loads(wire.encode_body("b", "i", [sent]))["vectors"]
    assert np.asarray(record["data"]["float32"], np.float32).tobytes() == vector.tobytes()
    assert (record["key"], record["metadata"]) == (key, {"size": 1})


def test_a_block_arrives_bit_for_bit(s3vectors: "S3VectorsClient", address: Any) -> None:
    """Keys, values and metadata read back from the service as they were put."""
    sent = block(50)
    wire.put_block(s3vectors, bucket=address.bucket, index=address.index, **sent)
    found = s3vectors.get_vectors(
        vectorBucketName=address.bucket,
        indexName=address.index,
        keys=sent["keys"],
        returnData=True,
        returnMetadata=True,
    )["vectors"]
    assert [vector["key"] for vector in found] == sent["keys"]
    assert [vector["metadata"] for vector in found] == sent["metadata"]
    values = np.asarray([vector["data"]["float32"] for vector in found], np.float32)
    assert values.tobytes() == sent["vectors"].tobytes()


def test_ordinary_puts_go_through_the_same_client(s3vectors: "S3VectorsClient", address: Any) -> None:
    """After a block, a plain boto3 call behaves as ever."""
    wire.put_block(s3vectors, bucket=address.bucket, index=address.index, **block(1))
    s3vectors.put_vectors(
        vectorBucketName=address.bucket,
        indexName=address.index,
        vectors=[{"key": "plain", "data": {"float32": [1.0, 2.0, 3.0, 4.0]}}],
    )
    listed = s3vectors.list_vectors(vectorBucketName=address.bucket, indexName=address.index)["vectors"]
    assert {vector["key"] for vector in listed} == {"plain", *block(1)["keys"]}


def test_a_body_is_sent_as_it_was_encoded(s3vectors: "S3VectorsClient", address: Any) -> None:
    """So its size is known before, and sizes of records add up to it."""
    sent: list[bytes] = []

    def note(request: Any, **_: object) -> None:
        sent.append(request.body)

    events = s3vectors.meta.events
    events.register("before-send.s3vectors.PutVectors", note)
    try:
        for rows in (1, 7):
            records = wire.records_of(**block(rows))
            body = wire.encode_body(address.bucket, address.index, records)
            wire.put_body(s3vectors, bucket=address.bucket, index=address.index, body=body)
            assert sent.pop() == body
            envelope = wire.encode_body(address.bucket, address.index, [])
            assert len(body) == len(envelope) + sum(map(wire.encoded_bytes, records)) + rows - 1
    finally:
        events.unregister("before-send.s3vectors.PutVectors", note)


def test_a_refusal_of_the_service_is_an_ordinary_client_error(s3vectors: "S3VectorsClient", address: Any) -> None:
    """A wrong dimension comes back as boto3's modelled exception, naming the key."""
    with pytest.raises(s3vectors.exceptions.ValidationException, match="must have length 4, but has length 3"):
        wire.put_block(s3vectors, bucket=address.bucket, index=address.index, **block(1, dimension=3))


def test_a_body_over_the_limit_is_refused_by_the_service(s3vectors: "S3VectorsClient", address: Any) -> None:
    """20 MiB is the service's limit: `batches` keeps below it."""
    with pytest.raises(ClientError, match="Request body exceeds max allowed size"):
        wire.put_body(s3vectors, bucket=address.bucket, index=address.index, body=b" " * (20 * 1024**2 + 1))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_json_cannot_carry_is_refused_by_key(value: float) -> None:
    """NaN and infinity never leave this process."""
    vectors = np.ones((2, 4), np.float32)
    vectors[1, 2] = value
    with pytest.raises(VectorIndexError, match=r"the vector of 'b\.jpg' holds NaN or infinity"):
        wire.records_of(["a.jpg", "b.jpg"], vectors, [{}, {}])


@pytest.mark.parametrize(
    ("keys", "vectors"),
    [
        (["a"], np.ones((1, 4))),
        (["a"], np.ones(4, np.float32)),
        (["a", "b"], np.ones((1, 4), np.float32)),
    ],
)
def test_a_block_of_wrong_shape_is_refused(keys: list[str], vectors: Any) -> None:
    """Doubles, one dimension or unequal lengths are mistakes of the caller."""
    with pytest.raises(VectorIndexError):
        wire.records_of(keys, vectors, [{}])


def test_rows_of_a_view_are_encoded_as_they_look() -> None:
    """A transposed, not contiguous array is no trap."""
    turned = np.arange(8, dtype=np.float32).reshape(4, 2).T
    records = orjson.loads(wire.encode_body("b", "i", wire.records_of(["a", "b"], turned, [{}, {}])))["vectors"]
    assert [record["data"]["float32"] for record in records] == [[0, 2, 4, 6], [1, 3, 5, 7]]
