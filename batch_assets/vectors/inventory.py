"""Everything that a live index holds, listed in parallel segments."""

from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from batch_assets.vectors.backoff import Backoff

if TYPE_CHECKING:
    from mypy_boto3_s3vectors import S3VectorsClient

SEGMENTS = 16
"""Most segments that ListVectors divides an index into (service model of Amazon S3 Vectors)."""

_PAGE_VECTORS = 1000

Listed = tuple[str, Mapping[str, Any]]
"""Key and metadata of a vector."""


@dataclass(frozen=True)
class _Page:
    vectors: list[Listed]
    segment: int
    next_token: str | None


def list_index(
    client: "S3VectorsClient", *, bucket: str, index: str, segments: int = SEGMENTS, backoff: Backoff | None = None
) -> Iterator[Listed]:
    """Yield key and metadata of every vector, in no particular order.

    One page of a segment is in memory at a time. What is written meanwhile may be in the listing or not. Needs
    s3vectors:ListVectors and GetVectors, the latter for metadata.

    Args:
        client: Of S3 Vectors.
        bucket: Vector bucket.
        index: Index.
        segments: 1 to 16 parts that are listed at the same time.
        backoff: How calls are repeated.

    Raises:
        VectorIndexError: If the service refuses, or throttles for too long.
    """
    repeat = backoff or Backoff()

    def read(segment: int, token: str | None) -> _Page:
        following: Any = {"nextToken": token} if token else {}
        answer = repeat.run(
            lambda: client.list_vectors(
                vectorBucketName=bucket,
                indexName=index,
                maxResults=_PAGE_VECTORS,
                segmentCount=segments,
                segmentIndex=segment,
                returnMetadata=True,
                **following,
            ),
            where=f"ListVectors on index {index!r} of vector bucket {bucket!r}",
        )
        vectors: list[Listed] = [(vector["key"], vector.get("metadata", {})) for vector in answer["vectors"]]
        return _Page(vectors, segment, answer.get("nextToken"))

    with ThreadPoolExecutor(segments) as pool:
        running: set[Future[_Page]] = {pool.submit(read, segment, None) for segment in range(segments)}
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for page in [future.result() for future in done]:
                if page.next_token:
                    running.add(pool.submit(read, page.segment, page.next_token))
                yield from page.vectors
