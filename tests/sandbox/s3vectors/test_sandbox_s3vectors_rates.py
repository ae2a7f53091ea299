"""The write-rate limit of the sandbox's S3 Vectors."""

import datetime as dt

import pytest

from batch_assets.sandbox.errors import ModelledError
from batch_assets.sandbox.s3vectors.rates import WriteRate
from batch_assets.sandbox.s3vectors.service import S3VectorsService


class Stopwatch:
    """Monotonic time that a test moves."""

    def __init__(self) -> None:
        """Start at zero."""
        self.seconds = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.seconds


def test_the_sixth_full_call_of_a_second_is_throttled() -> None:
    """Five calls of 500 vectors fill a second; a fifth of a second later there is room for one."""
    time = Stopwatch()
    rate = WriteRate(monotonic=time)
    for _ in range(5):
        rate.admit(500)
    with pytest.raises(ModelledError) as error:
        rate.admit(500)
    assert error.value.code == "TooManyRequestsException"
    time.seconds = 0.2
    rate.admit(500)
    with pytest.raises(ModelledError):
        rate.admit(1)


def test_small_calls_are_limited_by_their_number() -> None:
    """1,000 calls of one vector fill a second."""
    rate = WriteRate(monotonic=Stopwatch())
    for _ in range(1_000):
        rate.admit(1)
    with pytest.raises(ModelledError):
        rate.admit(1)


def test_puts_and_deletes_count_together_for_each_index() -> None:
    """Deletes use up the room of puts; another index has room of its own."""
    time = Stopwatch()
    service = S3VectorsService(
        account_id="123456789012",
        region="us-east-1",
        clock=lambda: dt.datetime(2026, 11, 1, tzinfo=dt.UTC),
        new_rate=lambda: WriteRate(monotonic=time),
    )
    service.create_vector_bucket({"vectorBucketName": "pictures"})
    one, other = ({"vectorBucketName": "pictures", "indexName": name} for name in ("one", "other"))
    for address in (one, other):
        service.create_index(address | {"dataType": "float32", "dimension": 1, "distanceMetric": "cosine"})
    keys = [f"{number}" for number in range(500)]
    for _ in range(5):
        service.delete_vectors(one | {"keys": keys})
    record = {"key": "a", "data": {"float32": [1.0]}}
    with pytest.raises(ModelledError):
        service.put_vectors(one | {"vectors": [record]})
    service.put_vectors(other | {"vectors": [record]})
