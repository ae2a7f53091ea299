"""Operations on the vectors of an index."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from batch_assets.sandbox.errors import validation_error
from batch_assets.sandbox.s3vectors import limits
from batch_assets.sandbox.s3vectors.buckets import with_token
from batch_assets.sandbox.s3vectors.data import RowError, checked_rows
from batch_assets.sandbox.s3vectors.filters import Predicate, compile_filter
from batch_assets.sandbox.s3vectors.matrix import StoredVector
from batch_assets.sandbox.s3vectors.metadata import check_metadata, invalid_record
from batch_assets.sandbox.s3vectors.pages import decode_token, encode_token, invalid_token
from batch_assets.sandbox.s3vectors.store import Index, Store


class VectorOperations:
    """Put, get, list, delete and query."""

    _store: Store

    def put_vectors(self, members: dict[str, Any]) -> dict[str, Any]:
        """Insert or overwrite vectors: all of them, or none if one is refused."""
        index = self._store.index(members)
        records = members["vectors"]
        _admit(index, len(records))
        keys = [record["key"] for record in records]
        data = _checked_data(index, keys, [_floats(record["data"]) for record in records])
        metadata = [record.get("metadata", {}) for record in records]
        sizes = [
            check_metadata(key, document, non_filterable=index.non_filterable)
            for key, document in zip(keys, metadata, strict=True)
        ]
        with index.lock:
            index.matrix.put(keys, data, metadata, sizes)
        return {}

    def get_vectors(self, members: dict[str, Any]) -> dict[str, Any]:
        """Return the vectors of these keys; unknown keys are left out."""
        index = self._store.index(members)
        with index.lock:
            found = [index.matrix.get(key) for key in dict.fromkeys(members["keys"])]
        return {"vectors": [_answer(vector, members) for vector in found if vector is not None]}

    def delete_vectors(self, members: dict[str, Any]) -> dict[str, Any]:
        """Remove the vectors of these keys; unknown keys are passed over."""
        index = self._store.index(members)
        _admit(index, len(members["keys"]))
        with index.lock:
            index.matrix.delete(members["keys"])
        return {}

    def list_vectors(self, members: dict[str, Any]) -> dict[str, Any]:
        """Return one page of an index or of one of its segments: 500 vectors or 1 MB by default."""
        index = self._store.index(members)
        segment, segments = _segment(members)
        start = 0
        if (token := members.get("nextToken")) is not None:
            arn, start, *cut = decode_token(token, str, int, int, int)
            if arn != index.arn or cut != [segment, segments]:
                raise invalid_token()
        page_size = members.get("maxResults") or limits.LIST_PAGE_DEFAULT
        with index.lock:
            page, following = _list_page(index, start, page_size, segment=segment, segments=segments)
        token = None if following is None else encode_token(index.arn, following, segment, segments)
        return with_token({"vectors": [_answer(vector, members) for vector in page]}, token)

    def query_vectors(self, members: dict[str, Any]) -> dict[str, Any]:
        """Return the nearest vectors, exactly, 100 a page. AWS searches approximately."""
        index = self._store.index(members)
        query = _checked_query(index, members)
        predicate = _predicate(index, members)
        fingerprint = _fingerprint(query, members)
        with index.lock:
            if (token := members.get("nextToken")) is not None:
                page, following = index.sessions.next_page(fingerprint, token)
            else:
                ranked = index.matrix.nearest(
                    query, top_k=members["topK"], metric=index.distance_metric, predicate=predicate
                )
                page, following = index.sessions.first_page(fingerprint, ranked)
        vectors = [_match(key, distance, metadata, members) for key, distance, metadata in page]
        return with_token({"vectors": vectors, "distanceMetric": index.distance_metric}, following)


def _admit(index: Index, vectors: int) -> None:
    if index.rate is not None:
        index.rate.admit(vectors)


def _floats(data: Mapping[str, Any]) -> Sequence[object]:
    if "float32" not in data:
        raise validation_error("Vector data must be given as float32", path="/vectors")
    floats: Sequence[object] = data["float32"]
    return floats


def _checked_data(index: Index, keys: Sequence[str], rows: Sequence[Sequence[object]]) -> NDArray[np.float32]:
    try:
        return checked_rows(rows, dimension=index.dimension, metric=index.distance_metric)
    except RowError as error:
        raise invalid_record(keys[error.row], error.reason) from error


def _checked_query(index: Index, members: dict[str, Any]) -> NDArray[np.float32]:
    if members["topK"] > limits.TOP_K_MAX:
        reason = f"Member must be between 1 and {limits.TOP_K_MAX}, inclusive"
        raise validation_error(
            f"1 validation error detected. Value at '/topK' failed to satisfy constraint: {reason}",
            path="/topK",
        )
    if members.get("queryTexts") is not None:
        raise validation_error("Full-text search is not available in this sandbox", path="/queryTexts")
    if members.get("queryVector") is None:
        raise validation_error("Must specify queryVector, queryTexts, or both", path="/queryVector")
    floats = _floats(members["queryVector"])
    try:
        rows = checked_rows([floats], dimension=index.dimension, metric=index.distance_metric)
    except RowError as error:
        raise validation_error(f"Invalid query vector: {error.reason}", path="/queryVector") from error
    query: NDArray[np.float32] = rows[0]
    return query


def _predicate(index: Index, members: dict[str, Any]) -> Predicate | None:
    mode = members.get("queryMode") or index.mode
    if mode == "CLASSIC" and index.mode == "ENHANCED":
        raise validation_error("queryMode CLASSIC is not available on an ENHANCED index", path="/queryMode")
    if members.get("filter") is None:
        return None
    return compile_filter(members["filter"], non_filterable=index.non_filterable, enhanced=mode == "ENHANCED")


def _fingerprint(query: NDArray[np.float32], members: dict[str, Any]) -> str:
    """Tie a page token to its query vector, topK and filter (s3-vectors-query)."""
    rest = orjson.dumps([members["topK"], members.get("filter")], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(query.tobytes() + rest).hexdigest()


def _segment(members: dict[str, Any]) -> tuple[int, int]:
    segment, segments = members.get("segmentIndex"), members.get("segmentCount")
    if (segment is None) != (segments is None):
        raise validation_error("segmentCount and segmentIndex must be specified together")
    if segment is None or segments is None:
        return 0, 1
    if segment >= segments:
        raise validation_error("segmentIndex must be less than segmentCount", path="/segmentIndex")
    return segment, segments


def _list_page(
    index: Index, start: int, page_size: int, *, segment: int, segments: int
) -> tuple[list[StoredVector], int | None]:
    """Return a page and the ordinal at which the next one begins, if there is one."""
    page: list[StoredVector] = []
    size_bytes = 0
    for vector in index.matrix.list_from(start, segment=segment, segments=segments):
        if len(page) == page_size or size_bytes >= limits.LIST_PAGE_MAX_BYTES:
            return page, vector.ordinal
        page.append(vector)
        size_bytes += vector.size_bytes
    return page, None


def _answer(vector: StoredVector, members: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"key": vector.key}
    if members.get("returnData"):
        answer["data"] = {"float32": vector.data.tolist()}
    if members.get("returnMetadata"):
        answer["metadata"] = vector.metadata
    return answer


def _match(key: str, distance: float, metadata: Mapping[str, Any], members: dict[str, Any]) -> dict[str, Any]:
    match: dict[str, Any] = {"key": key}
    if members.get("returnDistance"):
        match["distance"] = distance
    if members.get("returnMetadata"):
        match["metadata"] = metadata
    return match
