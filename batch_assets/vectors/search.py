"""Nearest vectors of an index, narrowed by partition, time, format and size."""

import heapq
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from botocore.exceptions import ClientError
from numpy.typing import NDArray

from batch_assets.errors import SearchError
from batch_assets.vectors.flight import in_chunks

if TYPE_CHECKING:
    from mypy_boto3_s3vectors import S3VectorsClient
    from mypy_boto3_s3vectors.type_defs import QueryVectorsInputPaginateTypeDef

MAX_TOP_K = 10_000
"""Top-K results per QueryVectors request; they come in pages of 100 (s3-vectors-limitations)."""
MAX_CONSTRAINTS = 100
"""Values that one filter may compare with (s3-vectors-metadata-filtering)."""

_QUERIES_IN_FLIGHT = 16

Filter = Mapping[str, Any]


@dataclass(frozen=True)
class Match:
    """One vector found: smaller distances are closer (cosine: 0 same direction, 2 opposite)."""

    key: str
    distance: float
    metadata: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Criteria:
    """What a result must be; None and empty tuples leave it open.

    Attributes:
        partitions: One of these partition keys; an empty tuple here matches nothing.
        since: Modified at or after this time.
        until: Modified before this time.
        formats: One of these formats, as the model names them.
        min_size_bytes: At least so large.
        max_size_bytes: At most so large.
    """

    partitions: tuple[str, ...] | None = None
    since: datetime | None = None
    until: datetime | None = None
    formats: tuple[str, ...] = ()
    min_size_bytes: int | None = None
    max_size_bytes: int | None = None

    def filters(self) -> list[Filter | None]:
        """Return the filters of as many queries as are needed: no filter has over 100 constraints.

        None stands for a query without filter. Only many partitions make more than one.

        Raises:
            SearchError: If the times have no zone, or more than 100 formats leave no room.
        """
        common = self._common()
        room = MAX_CONSTRAINTS - sum(map(_constraints, common))
        if room < (self.partitions is not None):
            raise SearchError(f"a filter takes at most {MAX_CONSTRAINTS} values: name fewer formats")
        if self.partitions is None:
            return [_conjunction(common)]
        chunks = in_chunks(dict.fromkeys(self.partitions), room)
        return [_conjunction([{"partition": {"$in": chunk}}, *common]) for chunk in chunks]

    def _common(self) -> list[Filter]:
        conditions: list[Filter] = []
        modified = _range({"$gte": _epoch_seconds(self.since), "$lt": _epoch_seconds(self.until)})
        if modified:
            conditions.append({"last_modified": modified})
        if self.formats:
            conditions.append({"format": {"$in": list(self.formats)}})
        size = _range({"$gte": self.min_size_bytes, "$lte": self.max_size_bytes})
        if size:
            conditions.append({"size": size})
        return conditions


def search(
    client: "S3VectorsClient",
    *,
    bucket: str,
    index: str,
    vector: Sequence[float] | NDArray[np.float32],
    top_k: int,
    criteria: Criteria | None = None,
) -> list[Match]:
    """Return the nearest vectors of one index, nearest first: `ranking` as a whole."""
    return list(ranking(client, bucket=bucket, indexes={index: criteria}, vector=vector, top_k=top_k))


def ranking(
    client: "S3VectorsClient",
    *,
    bucket: str,
    indexes: Mapping[str, Criteria | None],
    vector: Sequence[float] | NDArray[np.float32],
    top_k: int,
) -> Iterator[Match]:
    """Yield the nearest vectors, nearest first, and ask for a page of 100 only when it is wanted.

    Several indexes are asked for their first pages at the same time, and merged; one that does not exist has no
    vectors, if another one does. S3 Vectors searches approximately, and forgets a query several minutes after its first
    page. Needs s3vectors:QueryVectors and GetVectors, the latter for metadata.

    Args:
        client: Of S3 Vectors.
        bucket: Vector bucket.
        indexes: What results must be, by index; all indexes are of one embedding space.
        vector: Shape (d,), of that space.
        top_k: 1 to 10,000 results of all indexes together.

    Raises:
        SearchError: If a number is out of range, none of the indexes exists, or the service refuses.
    """
    if not 1 <= top_k <= MAX_TOP_K:
        raise SearchError(f"top_k must be between 1 and {MAX_TOP_K:,}, not {top_k}")
    values = [float(value) for value in vector]
    queries = [
        _Query(bucket, index, values, top_k, query_filter)
        for index, criteria in indexes.items()
        for query_filter in (criteria or Criteria()).filters()
    ]
    with ThreadPoolExecutor(_QUERIES_IN_FLIGHT) as pool:
        begun = list(pool.map(partial(_begun, client), queries))
    missing = [error for error in begun if isinstance(error, ClientError)]
    there = [matches for matches in begun if not isinstance(matches, ClientError)]
    if missing and not there:
        raise _none_exists(bucket, list(indexes)) from missing[0]
    yield from itertools.islice(heapq.merge(*there, key=lambda match: match.distance), top_k)


@dataclass(frozen=True)
class _Query:
    """One query of one index."""

    bucket: str
    index: str
    values: list[float]
    top_k: int
    query_filter: Filter | None


def _none_exists(bucket: str, indexes: Sequence[str]) -> SearchError:
    names = ", ".join(repr(index) for index in indexes)
    if len(indexes) == 1:
        return SearchError(f"index {names} of vector bucket {bucket!r} does not exist: load a partition first")
    return SearchError(f"none of the indexes {names} of vector bucket {bucket!r} exists: load a partition first")


def _begun(client: "S3VectorsClient", query: _Query) -> Iterator[Match] | ClientError:
    """The matches of a query, of which the first page is there, or the service's word that its index is not."""
    matches = _matches(client, query)
    try:
        first = list(itertools.islice(matches, 1))
    except client.exceptions.NotFoundException as error:
        return error
    except ClientError as error:
        raise _refused(query, error) from error
    return itertools.chain(first, _following(query, matches))


def _following(query: _Query, matches: Iterator[Match]) -> Iterator[Match]:
    try:
        yield from matches
    except ClientError as error:
        raise _refused(query, error) from error


def _refused(query: _Query, error: ClientError) -> SearchError:
    return SearchError(f"cannot query index {query.index!r} of vector bucket {query.bucket!r}: {error}")


def _matches(client: "S3VectorsClient", query: _Query) -> Iterator[Match]:
    request: QueryVectorsInputPaginateTypeDef = {
        "vectorBucketName": query.bucket,
        "indexName": query.index,
        "queryVector": {"float32": query.values},
        "topK": query.top_k,
        "returnDistance": True,
        "returnMetadata": True,
    }
    if query.query_filter is not None:
        request["filter"] = query.query_filter
    for page in client.get_paginator("query_vectors").paginate(**request):
        for vector in page["vectors"]:
            yield Match(vector["key"], vector["distance"], vector.get("metadata", {}))


def _epoch_seconds(time: datetime | None) -> float | None:
    if time is None:
        return None
    if time.tzinfo is None:
        raise SearchError(f"{time.isoformat()} has no time zone: write one, such as {time.isoformat()}+00:00")
    return time.timestamp()


def _range(bounds: Mapping[str, float | None]) -> dict[str, float]:
    return {operator: bound for operator, bound in bounds.items() if bound is not None}


def _constraints(condition: Filter) -> int:
    """Count the values that a condition compares with."""
    (comparison,) = condition.values()
    return sum(len(operand) if isinstance(operand, list) else 1 for operand in comparison.values())


def _conjunction(conditions: Iterable[Filter]) -> Filter | None:
    """Join conditions on different keys: several keys in one filter are all required."""
    return {key: comparison for condition in conditions for key, comparison in condition.items()} or None
