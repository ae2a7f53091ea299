"""What to put and delete, and reading it back."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_assets.errors import VectorIndexError
from batch_assets.vectors.reconcile import Reconciliation, Verification, read_back, reconcile, verify
from batch_assets.vectors.writer import VectorBlock, VectorWriter

if TYPE_CHECKING:
    from mypy_boto3_s3vectors import S3VectorsClient

rows = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from("xyz"))
indexed_rows = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["x", "y", "z", None]))


@given(rows, indexed_rows)
def test_puts_and_deletes_lead_from_the_index_to_the_desired_rows(
    desired: dict[str, str], indexed: dict[str, str | None]
) -> None:
    """Applying the result to what is indexed gives exactly what is desired."""
    result = reconcile(desired, indexed)
    after = {key: etag for key, etag in indexed.items() if key not in result.delete}
    after |= {key: desired[key] for key in result.put}
    assert after == desired
    assert result.unchanged == sum(indexed.get(key) == etag for key, etag in desired.items())


def test_an_interrupted_write_is_put_again_or_deleted() -> None:
    """An open state, None, is never taken for right."""
    result = reconcile({"a": "1", "b": "2"}, {"a": None, "c": None})
    assert result == Reconciliation(put=("a", "b"), delete=("c",), unchanged=0)


def test_a_verification_tells_missing_from_wrong() -> None:
    """A key may be absent, or there with another etag."""
    read = [("a", {"etag": "1"}), ("b", {"etag": "old"}), ("d", {})]
    found = verify({"a": "1", "b": "2", "c": "3", "d": "4"}, read)
    assert found == Verification(missing=("c",), wrong_etag=("b", "d"), right=1)
    assert not found.complete


def test_what_was_written_reads_back(s3vectors: "S3VectorsClient", address: Any) -> None:
    """250 vectors are read in three calls, unknown keys are left out, and all verify."""
    expected = {f"{number}.jpg": f"etag-{number}" for number in range(250)}
    vectors = np.random.default_rng(1).normal(size=(250, 4)).astype(np.float32)
    written = VectorBlock(list(expected), vectors, [{"etag": etag} for etag in expected.values()])
    VectorWriter(s3vectors, address.bucket, address.index).put([written])
    keys = [*expected, "unknown.jpg"]
    found = verify(expected, read_back(s3vectors, bucket=address.bucket, index=address.index, keys=keys))
    assert found == Verification(missing=(), wrong_etag=(), right=250)
    assert found.complete


def test_reading_a_missing_index_says_where(s3vectors: "S3VectorsClient", vector_bucket: str) -> None:
    """The error names operation, index and bucket."""
    with pytest.raises(VectorIndexError, match=f"GetVectors on index 'none' of vector bucket '{vector_bucket}'"):
        list(read_back(s3vectors, bucket=vector_bucket, index="none", keys=["a"]))
