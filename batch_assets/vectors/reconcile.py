"""What has to be put and deleted, and whether the index then holds what it should."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from batch_assets.vectors.backoff import Backoff
from batch_assets.vectors.flight import in_chunks, run_in_flight

if TYPE_CHECKING:
    from mypy_boto3_s3vectors import S3VectorsClient

_GET_MAX_KEYS = 100
"""Vectors per GetVectors call (s3-vectors-limitations)."""


@dataclass(frozen=True)
class Reconciliation:
    """The way from what is indexed to what should be.

    Attributes:
        put: Keys that are new or whose etag changed, in the order of the desired rows.
        delete: Keys that are indexed and no longer desired, in the order of the indexed rows.
        unchanged: Number of rows that are right already.
    """

    put: tuple[str, ...]
    delete: tuple[str, ...]
    unchanged: int


def reconcile(desired: Mapping[str, str], indexed: Mapping[str, str | None]) -> Reconciliation:
    """Compare by key and etag.

    Args:
        desired: Etag by key of what the index should hold.
        indexed: Etag by key of what it holds; None where an interrupted write leaves that open.
    """
    put = tuple(key for key, etag in desired.items() if indexed.get(key) != etag)
    delete = tuple(key for key in indexed if key not in desired)
    return Reconciliation(put=put, delete=delete, unchanged=len(desired) - len(put))


@dataclass(frozen=True)
class Verification:
    """What reading back found.

    Attributes:
        missing: Keys that the index does not hold.
        wrong_etag: Keys that it holds with another etag.
        right: Number of keys that it holds as expected.
    """

    missing: tuple[str, ...]
    wrong_etag: tuple[str, ...]
    right: int

    @property
    def complete(self) -> bool:
        """Whether everything expected is there."""
        return not self.missing and not self.wrong_etag


def verify(expected: Mapping[str, str], read: Iterable[tuple[str, Mapping[str, Any]]]) -> Verification:
    """Compare the metadata that `read_back` yields with the etags that should be there."""
    found = {key: metadata.get("etag") for key, metadata in read}
    missing = tuple(key for key in expected if key not in found)
    wrong_etag = tuple(key for key, etag in expected.items() if key in found and found[key] != etag)
    right = len(expected) - len(missing) - len(wrong_etag)
    return Verification(missing=missing, wrong_etag=wrong_etag, right=right)


def read_back(
    client: "S3VectorsClient",
    *,
    bucket: str,
    index: str,
    keys: Iterable[str],
    backoff: Backoff | None = None,
    calls_in_flight: int = 4,
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield key and metadata of those vectors that exist, in no particular order.

    Reads 100 keys a call, several calls at a time. Needs s3vectors:GetVectors.

    Raises:
        VectorIndexError: If the service refuses, or throttles for too long.
    """
    repeat = backoff or Backoff()

    def read(chunk: list[str]) -> list[tuple[str, Mapping[str, Any]]]:
        answer = repeat.run(
            lambda: client.get_vectors(vectorBucketName=bucket, indexName=index, keys=chunk, returnMetadata=True),
            where=f"GetVectors on index {index!r} of vector bucket {bucket!r}",
        )
        return [(vector["key"], vector.get("metadata", {})) for vector in answer["vectors"]]

    chunks = in_chunks(keys, _GET_MAX_KEYS)
    for found in run_in_flight(read, chunks, calls_in_flight=calls_in_flight):
        yield from found
