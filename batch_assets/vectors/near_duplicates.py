"""Near-duplicates among vectors: exact, without an index, and without all distances in memory.

An orthonormal projection never lengthens a difference. So a product of a few leading coordinates names every pair that
can be near; the full distance is computed for those alone, and only while they are in different groups.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.intp]

_BLOCK_ROWS, _BLOCK_COLUMNS = 1024, 4096
_FIT_ROWS, _TRIAL_ROWS = 256, 512
_AXES = (16, 32, 64, 128, 256)
_VERDICTS_AT_ONCE = 4096
_MANY = 65_536
# One verdict costs about as much as so many coordinates in the product, for each dimension of the vectors.
_VERDICT_COST = 100
_EPSILON = float(np.finfo(np.float32).eps)


def near_duplicate_groups(vectors: NDArray[np.float32], *, threshold: float) -> list[Rows]:
    """Groups of rows that are linked by a cosine distance of at most `threshold`.

    A group is a connected component: its members are near to one another through others, not necessarily each to each.
    A row that is zero or not finite is near to nothing. Distances are decided in float64, so the result is that of
    comparing all pairs.

    Args:
        vectors: (n, d), of any length; memory beside them is some 100 bytes to 1 kB a row.
        threshold: Cosine distance, 0 to 2.

    Returns:
        Ascending row numbers of each group of two or more, the largest group first.

    Raises:
        ValueError: The threshold is no cosine distance.
    """
    if not 0 <= threshold <= 2:  # noqa: PLR2004 opposite vectors
        raise ValueError(f"threshold={threshold} is no cosine distance: it must be 0 to 2")
    lengths = _lengths(vectors)
    rows = np.flatnonzero(np.isfinite(lengths) & (lengths > 0))
    if rows.size < 2:  # noqa: PLR2004 a pair
        return []
    search = _Search.over(vectors, lengths, rows, threshold)
    for first, last in _blocks(0, rows.size, _BLOCK_ROWS):
        for begin, end in _blocks(first, search.reach(last - 1), _BLOCK_COLUMNS):
            search.link(first, last, begin, end)
    return search.groups()


@dataclass(frozen=True)
class _Search:
    """The usable rows in the order of their first coordinate, and which of them are linked so far.

    Attributes:
        vectors: All rows as they were given.
        lengths: Of all rows.
        rows: Row numbers in order; everything else here is by the place in this order.
        coordinates: (n, k) leading coordinates of the normalised rows.
        threshold: What is near.
        parents: The forest of links; a root is its own parent.
    """

    vectors: NDArray[np.float32]
    lengths: NDArray[np.float64]
    rows: Rows
    coordinates: NDArray[np.float32]
    threshold: float
    parents: Rows

    @classmethod
    def over(
        cls, vectors: NDArray[np.float32], lengths: NDArray[np.float64], rows: Rows, threshold: float
    ) -> "_Search":
        centre, axes = _axes(vectors, lengths, rows, threshold)
        coordinates = np.empty((rows.size, axes.shape[1]), np.float32)
        for begin, end in _blocks(0, rows.size, _BLOCK_COLUMNS):
            coordinates[begin:end] = (_normalised(vectors, lengths, rows[begin:end]) - centre) @ axes
        order = np.argsort(coordinates[:, 0], kind="stable")
        return cls(vectors, lengths, rows[order], coordinates[order], threshold, np.arange(rows.size))

    def reach(self, place: int) -> int:
        """End of the places that can be near to this one or to any before it: the first coordinate alone tells."""
        farthest = self.coordinates[place, 0] + np.sqrt(2 * (self.threshold + self._margin(1)))
        return int(np.searchsorted(self.coordinates[:, 0], farthest, side="right"))

    def link(self, first: int, last: int, begin: int, end: int) -> None:
        """Link all near pairs between two blocks."""
        rows, columns = self._roots(np.arange(first, last)), self._roots(np.arange(begin, end))
        if min(rows.min(), columns.min()) == max(rows.max(), columns.max()):
            return
        possible = _nearness(self.coordinates[first:last], self.coordinates[begin:end]) >= -self._limit
        if not possible.any():
            return
        if np.count_nonzero(possible) > _MANY:
            # In a dense cloud one verdict for each row and each column links nearly all.
            self._decide(np.arange(first, last), possible.argmax(axis=1) + begin)
            self._decide(possible.argmax(axis=0) + first, np.arange(begin, end))
            rows, columns = self._roots(np.arange(first, last)), self._roots(np.arange(begin, end))
        possible &= rows[:, None] != columns[None, :]
        left, right = np.nonzero(possible)
        self._decide(left + first, right + begin)

    def groups(self) -> list[Rows]:
        """The groups as row numbers of what was given."""
        order = np.argsort(self.rows)
        roots, rows = self._roots(np.arange(self.rows.size))[order], self.rows[order]
        together = np.argsort(roots, kind="stable")
        starts = np.flatnonzero(np.diff(roots[together])) + 1
        groups = [rows[group] for group in np.split(together, starts) if group.size > 1]
        return sorted(groups, key=lambda group: (-group.size, group[0]))

    @property
    def _limit(self) -> float:
        return self.threshold + self._margin(self.coordinates.shape[1])

    @staticmethod
    def _margin(width: int) -> float:
        # Rounding of a float32 sum of products of unit vectors, centred ones at most twice as long: n eps for each.
        return 8 * (width + 4) * _EPSILON

    def _decide(self, left: Rows, right: Rows) -> None:
        """Link those of the possible pairs that are near, some at a time: each link spares many verdicts."""
        random, narrowed = np.random.default_rng(0), False
        while left.size:
            chosen = np.arange(left.size)
            if left.size > _VERDICTS_AT_ONCE:
                chosen = np.unique(random.integers(left.size, size=_VERDICTS_AT_ONCE))
            near = self._near(left[chosen], right[chosen])
            self._join(left[chosen[near]], right[chosen[near]])
            rest = self._roots(left) != self._roots(right)
            rest[chosen] = False
            left, right = left[rest], right[rest]
            if left.size > _MANY and not narrowed and 2 * near.sum() < near.size:
                left, right = self._narrow(left, right)
                narrowed = True

    def _narrow(self, left: Rows, right: Rows) -> tuple[Rows, Rows]:
        """Leave out most pairs that are not near, by one product of whole vectors: cheaper than many verdicts."""
        rows, row_places = np.unique(left, return_inverse=True)
        columns, column_places = np.unique(right, return_inverse=True)
        products = self._units(rows).astype(np.float32) @ self._units(columns).astype(np.float32).T
        possible = 1 - products <= self.threshold + self._margin(self.vectors.shape[1])
        kept = possible[row_places, column_places]
        return left[kept], right[kept]

    def _near(self, left: Rows, right: Rows) -> NDArray[np.bool_]:
        near = np.empty(left.size, np.bool_)
        for begin, end in _blocks(0, left.size, _BLOCK_ROWS):
            difference = self._units(left[begin:end]) - self._units(right[begin:end])
            near[begin:end] = _half_squares(difference) <= self.threshold
        return near

    def _units(self, places: Rows) -> NDArray[np.float64]:
        return _normalised(self.vectors, self.lengths, self.rows[places])

    def _join(self, left: Rows, right: Rows) -> None:
        for one, other in zip(left.tolist(), right.tolist(), strict=True):
            low, high = sorted((self._root(one), self._root(other)))
            self.parents[high] = low

    def _root(self, place: int) -> int:
        while (parent := int(self.parents[place])) != place:
            self.parents[place] = self.parents[parent]
            place = parent
        return place

    def _roots(self, places: Rows) -> Rows:
        roots = self.parents[places]
        while not np.array_equal(higher := self.parents[roots], roots):
            roots = higher
        self.parents[places] = roots
        return roots


def _axes(
    vectors: NDArray[np.float32], lengths: NDArray[np.float64], rows: Rows, threshold: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A centre (d,) and orthonormal axes (d, k), as many as make the search cheapest by a trial on some rows."""
    shuffled = np.random.default_rng(0).permutation(rows)
    fitted = _normalised(vectors, lengths, shuffled[:_FIT_ROWS])
    centre = fitted.mean(axis=0)
    axes = np.linalg.svd(fitted - centre, full_matrices=False)[2].T
    # Rows that the axes were not fitted to, as far as there are any.
    trial = _normalised(vectors, lengths, shuffled[-_TRIAL_ROWS:])
    far = 1 - trial @ trial.T > threshold
    coordinates = (trial - centre) @ axes

    def cost(width: int) -> float:
        possible = _nearness(coordinates[:, :width], coordinates[:, :width]) >= -threshold
        return float(width + _VERDICT_COST * vectors.shape[1] * (possible & far).mean())

    return centre, axes[:, : min(_AXES, key=cost)]


def _nearness(left: NDArray[Any], right: NDArray[Any]) -> NDArray[Any]:
    """Half the squared distance of each row to each, with a minus; as one product, so that no pass follows it."""
    ones_left, ones_right = np.ones((len(left), 1), left.dtype), np.ones((len(right), 1), right.dtype)
    wide_left = np.hstack([left, -_half_squares(left)[:, None], ones_left])
    wide_right = np.hstack([right, ones_right, -_half_squares(right)[:, None]])
    nearness: NDArray[Any] = wide_left @ wide_right.T
    return nearness


def _half_squares(vectors: NDArray[Any]) -> NDArray[Any]:
    """Half of each row's squared length; of the difference of two unit vectors it is their cosine distance."""
    halves: NDArray[Any] = np.einsum("ij,ij->i", vectors, vectors) / 2
    return halves


def _lengths(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    lengths = np.empty(len(vectors))
    for begin, end in _blocks(0, len(vectors), _BLOCK_COLUMNS):
        lengths[begin:end] = np.linalg.norm(vectors[begin:end].astype(np.float64), axis=1)
    return lengths


def _normalised(vectors: NDArray[np.float32], lengths: NDArray[np.float64], rows: Rows) -> NDArray[np.float64]:
    units: NDArray[np.float64] = vectors[rows] / lengths[rows, None]
    return units


def _blocks(begin: int, end: int, size: int) -> Iterator[tuple[int, int]]:
    for start in range(begin, end, size):
        yield start, min(start + size, end)
