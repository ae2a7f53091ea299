"""Cutting records into calls."""

from itertools import pairwise

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from batch_assets.errors import VectorIndexError
from batch_assets.vectors import batches, wire

RECORDS = st.lists(st.integers(1, 60), max_size=40).map(
    lambda sizes: [{"key": f"{number}" + "x" * size} for number, size in enumerate(sizes)]
)


def records(vectors: NDArray[np.float32]) -> list[wire.Record]:
    """Return records of these vectors, keyed by their numbers."""
    return wire.records_of([f"{number}" for number in range(len(vectors))], vectors, [{}] * len(vectors))


@given(RECORDS, st.integers(1, 6), st.integers(150, 400))
def test_no_call_breaks_a_limit_and_nothing_is_lost(
    records: list[wire.Record], max_records: int, max_body_bytes: int
) -> None:
    """Calls joined are the records; each fits, and none could have taken its successor's first."""
    calls = list(batches.cut(records, bucket="b", index="i", max_records=max_records, max_body_bytes=max_body_bytes))
    sent = [orjson.loads(call.body)["vectors"] for call in calls]
    assert [record for call in sent for record in call] == records
    for call, vectors in zip(calls, sent, strict=True):
        assert 1 <= len(call) == len(vectors) <= max_records
        assert len(call.body) <= max_body_bytes
    for vectors, successor in pairwise(sent):
        larger = len(wire.encode_body("b", "i", [*vectors, successor[0]]))
        assert len(vectors) == max_records or larger > max_body_bytes


def test_five_hundred_large_vectors_fit_in_one_call() -> None:
    """At 3,072 dimensions shortest float32 text keeps a full call below 20 MiB."""
    vectors = np.random.default_rng(0).normal(size=(501, 3072)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert [len(call) for call in batches.cut(records(vectors), bucket="b", index="i")] == [500, 1]


def test_long_numbers_make_smaller_calls() -> None:
    """Values such as -1.2345678e-38 are the longest float32 texts: then bytes decide."""
    vectors = np.full((500, 4096), -1.2345678e-38, np.float32)
    sizes = [len(call) for call in batches.cut(records(vectors), bucket="b", index="i")]
    assert sum(sizes) == 500
    assert sizes[0] < 500


def test_a_record_that_fits_no_call_is_refused() -> None:
    """The message names it and shows its size."""
    with pytest.raises(VectorIndexError, match=r"'x+' takes 209 bytes, which do not fit into a request of 100"):
        list(batches.cut([{"key": "x" * 199}], bucket="b", index="i", max_body_bytes=100))
