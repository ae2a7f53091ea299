"""Some vectors of a stream, in bounded memory, the same whatever order the stream has."""

import heapq
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_HASH_LETTERS = 15  # as many hexadecimal digits as an integer of 64 bits surely holds


class VectorSample:
    """The vectors with the lowest ids, at most `capacity` of them: ids are hashes, so it is a fair sample.

    Attributes:
        dimension: Length of a vector.
        seen: How many vectors the stream had.
    """

    def __init__(self, capacity: int, dimension: int) -> None:
        self.dimension, self.seen = dimension, 0
        self._capacity = capacity
        self._vectors = np.empty((capacity, dimension), np.float32)
        self._keys: list[str] = []
        self._highest: list[tuple[int, int]] = []  # a heap of (-id, row): what would go first is on top

    def add(self, ids: Sequence[str], keys: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Consider rows of the stream; `ids` are hexadecimal."""
        self.seen += len(ids)
        for position, (text, key) in enumerate(zip(ids, keys, strict=True)):
            number = int(text[:_HASH_LETTERS], 16)
            if len(self._keys) < self._capacity:
                row = len(self._keys)
                self._keys.append(key)
                heapq.heappush(self._highest, (-number, row))
            elif self._highest and -number > self._highest[0][0]:
                row = heapq.heapreplace(self._highest, (-number, self._highest[0][1]))[1]
                self._keys[row] = key
            else:
                continue
            self._vectors[row] = vectors[position]

    def rows(self) -> tuple[list[str], NDArray[np.float32]]:
        """The keys of the sample in their order, and their vectors."""
        order = sorted(range(len(self._keys)), key=self._keys.__getitem__)
        return [self._keys[row] for row in order], self._vectors[order]
