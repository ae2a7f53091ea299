"""Writing streams of vectors."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from botocore.config import Config

from batch_assets.errors import VectorIndexError
from batch_assets.vectors.backoff import Backoff
from batch_assets.vectors.rate import RateLimiter
from batch_assets.vectors.writer import VectorBlock, VectorWriter

if TYPE_CHECKING:
    from mypy_boto3_s3vectors import S3VectorsClient


def block(start: int, rows: int) -> VectorBlock:
    """Return rows with keys that count on from `start`."""
    numbers = range(start, start + rows)
    vectors = np.random.default_rng(start).normal(size=(rows, 4)).astype(np.float32)
    return VectorBlock([f"{number}" for number in numbers], vectors, [{"size": number} for number in numbers])


@pytest.fixture
def writer(s3vectors: "S3VectorsClient", address: Any) -> VectorWriter:
    """Give a writer that does not wait between attempts."""
    return VectorWriter(s3vectors, address.bucket, address.index, backoff=Backoff(waiter=lambda _: None))


@pytest.fixture
def throttle(aws: Any) -> Iterator[Callable[..., None]]:
    """Give a function that makes the next PutVectors calls fail; afterwards all is well again."""

    def add(times: int, *, status: int) -> None:
        codes = {429: "TooManyRequestsException", 503: "ServiceUnavailableException"}
        error = {"code": codes[status], "status": status, "message": "slow down"}
        aws.control("faults", {"service": "s3vectors", "operation": "PutVectors", "times": times, "error": error})

    yield add
    aws.control("faults", method="DELETE")


def listed(client: "S3VectorsClient", address: Any) -> set[str]:
    """Return all keys of the index."""
    pages = client.get_paginator("list_vectors").paginate(vectorBucketName=address.bucket, indexName=address.index)
    return {vector["key"] for page in pages for vector in page["vectors"]}


def test_blocks_of_any_size_become_full_calls(s3vectors: "S3VectorsClient", address: Any, writer: VectorWriter) -> None:
    """1,200 rows in blocks of 300 go out as 500, 500 and 200."""
    statistics = writer.put(block(start, 300) for start in range(0, 1200, 300))
    assert (statistics.vectors, statistics.calls, statistics.throttled) == (1200, 3, 0)
    assert listed(s3vectors, address) == {f"{number}" for number in range(1200)}


def test_nothing_to_put_makes_no_call(writer: VectorWriter) -> None:
    """An empty stream is no error."""
    assert writer.put([]).calls == 0


def test_keys_are_deleted_five_hundred_a_call(s3vectors: "S3VectorsClient", address: Any, writer: VectorWriter) -> None:
    """Known and unknown keys together; what was not named stays."""
    writer.put([block(0, 600)])
    statistics = writer.delete(f"{number}" for number in range(1, 700))
    assert (statistics.vectors, statistics.calls) == (699, 2)
    assert listed(s3vectors, address) == {"0"}


@pytest.mark.parametrize("status", [429, 503])
def test_throttled_calls_are_repeated_and_slow_the_pace(
    address: Any, writer: VectorWriter, throttle: Any, status: int
) -> None:
    """Everything arrives, the statistics show the refusals, the limiter is slower."""
    throttle(3, status=status)
    statistics = writer.put([block(0, 100)])
    assert (statistics.vectors, statistics.throttled) == (100, 3)
    assert writer.limiter.pace < 1
    assert len(listed(writer.client, address)) == 100


def test_repeats_inside_boto3_count_as_throttled(aws: Any, address: Any, writer: VectorWriter, throttle: Any) -> None:
    """A client with retries of its own sends the same body again; the statistics still tell."""
    client = aws.client("s3vectors", config=Config(retries={"mode": "standard", "total_max_attempts": 2}))
    throttle(1, status=503)
    statistics = replace(writer, client=client).put([block(0, 100)])
    client.close()
    assert (statistics.vectors, statistics.calls, statistics.throttled) == (100, 1, 1)
    assert len(listed(writer.client, address)) == 100


def test_throttling_without_end_is_an_error(address: Any, writer: VectorWriter, throttle: Any) -> None:
    """After the last attempt the error names operation, index and bucket."""
    throttle(100, status=429)
    impatient = replace(writer, backoff=Backoff(max_attempts=2, waiter=lambda _: None))
    where = f"PutVectors on index 'pictures' of vector bucket '{address.bucket}'"
    with pytest.raises(VectorIndexError, match=f"{where}: still failing after 2 attempts"):
        impatient.put([block(0, 10)])


def test_a_vector_that_the_service_refuses_stops_the_stream(writer: VectorWriter) -> None:
    """A zero vector is refused for good, by its key."""
    zero = VectorBlock(["black.jpg"], np.zeros((1, 4), np.float32), [{}])
    with pytest.raises(VectorIndexError, match=r"black\.jpg.*zero norm"):
        writer.put([zero])


def test_the_limits_of_the_service_are_never_met(address: Any, s3vectors: "S3VectorsClient") -> None:
    """4,000 small vectors go at just under 2,500 a second without one refusal."""
    writer = VectorWriter(s3vectors, address.bucket, address.index, limiter=RateLimiter())
    statistics = writer.put(block(start, 500) for start in range(0, 4000, 500))
    assert statistics.throttled == 0
    assert statistics.seconds >= 3500 / 2500
