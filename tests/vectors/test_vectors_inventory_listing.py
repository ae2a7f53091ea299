"""Listing a whole index in segments, and keeping the listing on disk."""

import tracemalloc
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_assets.errors import VectorIndexError
from batch_assets.vectors.backoff import Backoff
from batch_assets.vectors.inventory import list_index
from batch_assets.vectors.inventory_file import LiveVector, inventory_file
from batch_assets.vectors.writer import VectorBlock, VectorWriter

if TYPE_CHECKING:
    from mypy_boto3_s3vectors import S3VectorsClient

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
live_vectors = st.builds(LiveVector, partition=texts, key=texts, etag=st.none() | texts, ours=st.booleans())


@pytest.mark.parametrize("segments", [1, 5, 16])
def test_every_vector_is_listed_once(s3vectors: "S3VectorsClient", address: Any, segments: int) -> None:
    """Over several pages of several segments, for a page ends at 1 MB; each vector with its metadata."""
    metadata = [{"etag": f"etag-{number}", "s3_uri": "x" * 20_000} for number in range(400)]
    keys = [f"{number}.jpg" for number in range(400)]
    written = VectorBlock(keys, np.ones((400, 4), np.float32), metadata)
    VectorWriter(s3vectors, address.bucket, address.index).put([written])
    listed = list(list_index(s3vectors, bucket=address.bucket, index=address.index, segments=segments))
    assert sorted(key for key, _ in listed) == sorted(keys)
    assert {key: found["etag"] for key, found in listed} == {key: f"etag-{number}" for number, key in enumerate(keys)}


def test_throttled_pages_are_asked_for_again(aws: Any, s3vectors: "S3VectorsClient", address: Any) -> None:
    """A page that the service could not give just now is not left out."""
    written = VectorBlock(["a.jpg"], np.ones((1, 4), np.float32), [{"etag": "a"}])
    VectorWriter(s3vectors, address.bucket, address.index).put([written])
    slow_down = {"code": "TooManyRequestsException", "status": 429}
    aws.control("faults", {"service": "s3vectors", "operation": "ListVectors", "times": 7, "error": slow_down})
    try:
        patient = Backoff(waiter=lambda _: None)
        listed = list(list_index(s3vectors, bucket=address.bucket, index=address.index, backoff=patient))
    finally:
        aws.control("faults", method="DELETE")
    assert listed == [("a.jpg", {"etag": "a"})]


def test_listing_a_missing_index_says_where(s3vectors: "S3VectorsClient", vector_bucket: str) -> None:
    """The error names operation, index and bucket."""
    with pytest.raises(VectorIndexError, match=f"ListVectors on index 'none' of vector bucket '{vector_bucket}'"):
        list(list_index(s3vectors, bucket=vector_bucket, index="none"))


@given(st.lists(live_vectors, unique_by=lambda vector: (vector.partition, vector.key)))
def test_what_is_kept_on_disk_is_what_was_listed(vectors: list[LiveVector]) -> None:
    """Partition by partition, whatever the keys are made of, partitions in the order of their bytes."""
    with TemporaryDirectory() as folder, inventory_file(Path(folder) / "index.sqlite") as inventory:
        assert inventory.add(vectors) == len(vectors)
        inventory.sort()
        partitions = inventory.partitions()
        kept = {name: inventory.vectors(name) for name in partitions}
    assert all(first.encode() < second.encode() for first, second in pairwise(partitions))
    assert {(name, key): vector for name, found in kept.items() for key, vector in found.items()} == {
        (vector.partition, vector.key): vector for vector in vectors
    }


def test_memory_does_not_grow_with_the_listing(tmp_path: Path) -> None:
    """100,000 vectors leave no more objects behind than 10,000: only the partition that is read is held."""

    def peak_bytes(vectors: int) -> int:
        stream = (LiveVector(f"{n % (vectors // 100)}", f"{n}.jpg", f"etag-{n}", ours=True) for n in range(vectors))
        tracemalloc.start()
        try:
            with inventory_file(tmp_path / f"{vectors}.sqlite") as inventory:
                inventory.add(stream)
                inventory.sort()
                assert len(inventory.vectors("7")) == 100
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak_bytes(100_000) < 2 * peak_bytes(10_000)
