"""Cutting records into calls."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_assets.errors import VectorIndexError
from batch_assets.vectors import batches, wire

RECORDS = st.lists(st.integers(1, 60).map(lambda size: b"x" * size), max_size=40)


@given(RECORDS, st.integers(1, 6), st.integers(120, 300))
def test_no_batch_breaks_a_limit_and_nothing_is_lost(
    records: list[bytes], max_records: int, max_body_bytes: int
) -> None:
    """Batches joined are the records; each fits, and none could have taken its successor's first."""
    cut = list(batches.cut(records, bucket="b", index="i", max_records=max_records, max_body_bytes=max_body_bytes))
    assert [record for batch in cut for record in batch] == records
    for batch in cut:
        assert 1 <= len(batch) <= max_records
        assert wire.body_bytes("b", "i", [len(record) for record in batch]) <= max_body_bytes
    for batch, successor in pairwise(cut):
        larger = wire.body_bytes("b", "i", [len(record) for record in [*batch, successor[0]]])
        assert len(batch) == max_records or larger > max_body_bytes


def test_five_hundred_large_vectors_fit_in_one_call() -> None:
    """At 3,072 dimensions shortest float32 text keeps a full call below 20 MiB."""
    vectors = np.random.default_rng(0).normal(size=(501, 3072)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    records = [wire.encode_record(f"{number}", row, {}) for number, row in enumerate(vectors)]
    assert [len(batch) for batch in batches.cut(records, bucket="b", index="i")] == [500, 1]


def test_long_numbers_make_smaller_calls() -> None:
    """Values such as -1.2345678e-38 are the longest float32 texts: then bytes decide."""
    vectors = np.full((500, 4096), -1.2345678e-38, np.float32)
    records = [wire.encode_record(f"{number}", row, {}) for number, row in enumerate(vectors)]
    sizes = [len(batch) for batch in batches.cut(records, bucket="b", index="i")]
    assert sum(sizes) == 500
    assert sizes[0] < 500


def test_a_record_that_fits_no_call_is_refused() -> None:
    """The message shows its size and how it begins."""
    with pytest.raises(VectorIndexError, match="200 bytes does not fit into a request of 100"):
        list(batches.cut([b"x" * 200], bucket="b", index="i", max_body_bytes=100))
