"""The vectors of one index: a growing float32 matrix with keys and metadata beside its rows."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from batch_assets.sandbox.s3vectors.search import nearest_rows

Float32Matrix = NDArray[np.float32]
Float32Vector = NDArray[np.float32]

_Scalar = TypeVar("_Scalar", bound=np.generic)

_FIRST_CAPACITY = 256


@dataclass(frozen=True)
class StoredVector:
    """One row as the service gives it back.

    Attributes:
        ordinal: Grows with every new key and never changes: what a listing is paged by.
        key: The vector's key.
        data: Shape (d,), a copy.
        metadata: The document as it was put; not to be changed.
        size_bytes: Key, data and metadata together.
    """

    ordinal: int
    key: str
    data: Float32Vector
    metadata: Mapping[str, Any]
    size_bytes: int


class VectorMatrix:
    """Exact search over vectors that come, change and go. Not thread-safe.

    Rows keep the order in which their keys came. A deleted row stays as a hole until holes
    outnumber vectors; then the rest closes up in order. So a listing that continues at an
    ordinal misses nothing that was there all the time.
    """

    def __init__(self, dimension: int) -> None:
        """Start empty, for vectors of the given dimension."""
        self._rows: Float32Matrix = np.empty((_FIRST_CAPACITY, dimension), np.float32)
        self._norms = np.empty(_FIRST_CAPACITY, np.float64)
        self._alive = np.zeros(_FIRST_CAPACITY, np.bool_)
        self._ordinals = np.zeros(_FIRST_CAPACITY, np.int64)
        self._keys: list[str] = []
        self._metadata: list[Mapping[str, Any]] = []
        self._metadata_bytes: list[int] = []
        self._row_of: dict[str, int] = {}
        self._next_ordinal = 0

    def __len__(self) -> int:
        """Return the number of vectors."""
        return len(self._row_of)

    def put(
        self,
        keys: Sequence[str],
        vectors: Float32Matrix,
        metadata: Sequence[Mapping[str, Any]],
        metadata_bytes: Sequence[int],
    ) -> None:
        """Insert rows, or overwrite the whole vector where the key is known; of equal keys the last wins."""
        self._reserve(len(keys))
        targets = [self._row_for(key) for key in keys]
        last_of = {row: position for position, row in enumerate(targets)}
        rows, positions = list(last_of), list(last_of.values())
        chosen = vectors[positions]
        self._rows[rows] = chosen
        self._norms[rows] = np.linalg.norm(chosen.astype(np.float64), axis=1)
        for row, position in last_of.items():
            self._metadata[row] = metadata[position]
            self._metadata_bytes[row] = metadata_bytes[position]

    def delete(self, keys: Sequence[str]) -> None:
        """Remove the vectors of these keys; unknown keys are passed over."""
        for key in keys:
            row = self._row_of.pop(key, None)
            if row is not None:
                self._alive[row] = False
                self._metadata[row] = {}
        if len(self._keys) > 2 * max(len(self), _FIRST_CAPACITY):
            self._close_up()

    def get(self, key: str) -> StoredVector | None:
        """Return one vector, or None."""
        row = self._row_of.get(key)
        return None if row is None else self._stored(row)

    def list_from(self, ordinal: int, *, segment: int = 0, segments: int = 1) -> Iterator[StoredVector]:
        """Yield the vectors of one segment from an ordinal on, in order."""
        used = len(self._keys)
        start = int(np.searchsorted(self._ordinals[:used], ordinal))
        for row in range(start, used):
            if self._alive[row] and self._ordinals[row] % segments == segment:
                yield self._stored(row)

    def nearest(
        self,
        query: Float32Vector,
        *,
        top_k: int,
        metric: str,
        predicate: Callable[[Mapping[str, Any]], bool] | None = None,
    ) -> list[tuple[str, float, Mapping[str, Any]]]:
        """Return (key, distance, metadata) of the closest vectors, closest first.

        Args:
            query: Shape (d,).
            top_k: At most so many.
            metric: ``cosine`` or ``euclidean``.
            predicate: Which metadata may take part; applied before the search.
        """
        used = len(self._keys)
        found = nearest_rows(
            self._rows[:used],
            norms=self._norms[:used],
            candidates=self._candidates(predicate),
            query=query,
            top_k=top_k,
            metric=metric,
        )
        return [
            (self._keys[row], distance, self._metadata[row])
            for row, distance in zip(found.rows.tolist(), found.distances.tolist(), strict=True)
        ]

    def _candidates(self, predicate: Callable[[Mapping[str, Any]], bool] | None) -> NDArray[np.intp]:
        alive = self._alive[: len(self._keys)]
        if predicate is None:
            return np.flatnonzero(alive)
        matches = np.fromiter(map(predicate, self._metadata), np.bool_, len(self._metadata))
        return np.flatnonzero(matches & alive)

    def _row_for(self, key: str) -> int:
        row = self._row_of.get(key)
        if row is None:
            row = len(self._keys)
            self._row_of[key] = row
            self._keys.append(key)
            self._metadata.append({})
            self._metadata_bytes.append(0)
            self._alive[row] = True
            self._ordinals[row] = self._next_ordinal
            self._next_ordinal += 1
        return row

    def _stored(self, row: int) -> StoredVector:
        data, key = self._rows[row].copy(), self._keys[row]
        size_bytes = data.nbytes + len(key.encode("utf-8", "surrogatepass")) + self._metadata_bytes[row]
        return StoredVector(int(self._ordinals[row]), key, data, self._metadata[row], size_bytes)

    def _reserve(self, extra: int) -> None:
        needed, capacity = len(self._keys) + extra, len(self._alive)
        if needed > capacity:
            self._resize(np.arange(len(self._keys)), max(needed, 2 * capacity))

    def _close_up(self) -> None:
        kept = np.flatnonzero(self._alive[: len(self._keys)])
        self._resize(kept, max(_FIRST_CAPACITY, len(kept)))
        rows = kept.tolist()
        self._keys = [self._keys[row] for row in rows]
        self._metadata = [self._metadata[row] for row in rows]
        self._metadata_bytes = [self._metadata_bytes[row] for row in rows]
        self._row_of = {key: row for row, key in enumerate(self._keys)}

    def _resize(self, kept: NDArray[np.intp], capacity: int) -> None:
        """Move the kept rows to the front of larger or smaller arrays."""
        self._rows = _moved(self._rows, kept, capacity)
        self._norms = _moved(self._norms, kept, capacity)
        self._alive = _moved(self._alive, kept, capacity)
        self._ordinals = _moved(self._ordinals, kept, capacity)


def _moved(array: NDArray[_Scalar], kept: NDArray[np.intp], capacity: int) -> NDArray[_Scalar]:
    moved = np.zeros((capacity, *array.shape[1:]), array.dtype)
    np.take(array, kept, axis=0, out=moved[: len(kept)], mode="clip")
    return moved
