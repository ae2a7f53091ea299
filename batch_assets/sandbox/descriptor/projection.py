"""From the descriptor's own features to the dimension an embedding model was asked for."""

import functools
import hashlib

import numpy as np
from numpy.typing import NDArray

DIMENSIONS = (256, 384, 1024, 3072)
"""The embedding dimensions of Nova multimodal embeddings (AWS: embeddings-schema)."""

_MAXIMUM_FEATURES = 1024
_ISOMETRY_DIMENSION = 3072
_PALEY_PRIME = 11


def project(features: NDArray[np.float32], dimension: int) -> NDArray[np.float32]:
    """Project features to a unit vector of the asked dimension.

    Angles are kept exactly at 3072 dimensions and, by the Johnson-Lindenstrauss lemma,
    approximately at fewer. The matrices come from SHAKE-256 and integer arithmetic, so they are
    the same on every platform.

    Args:
        features: At most 1,024 of them, not all zero. Fewer count as followed by zeros.
        dimension: One of ``DIMENSIONS``.

    Raises:
        ValueError: Another dimension.
    """
    check_dimension(dimension)
    return unit(features @ _matrix(dimension)[: len(features)])


def random_direction(seed: str, dimension: int) -> NDArray[np.float32]:
    """Derive a unit vector from a text; two texts give nearly orthogonal ones.

    Raises:
        ValueError: The dimension is none of ``DIMENSIONS``.
    """
    check_dimension(dimension)
    return unit(_signs(f"direction {seed}", dimension).astype(np.float32))


def check_dimension(dimension: int) -> None:
    """Refuse a dimension that the embedding model does not have."""
    if dimension not in DIMENSIONS:
        raise ValueError(f"The dimension is {dimension}; allowed are {', '.join(map(str, DIMENSIONS))}")


def unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale a vector to length one; a zero vector stays as it is."""
    length = float(np.linalg.norm(vector))
    return (vector / length if length else vector).astype(np.float32)


@functools.cache
def _matrix(dimension: int) -> NDArray[np.float32]:
    if dimension == _ISOMETRY_DIMENSION:
        # Distinct rows of a Hadamard matrix are orthogonal, whatever the signs of its columns.
        signs = _signs("batch_assets isometry", dimension)
        return (_hadamard()[:_MAXIMUM_FEATURES] * signs).astype(np.float32)
    signs = _signs(f"batch_assets projection to {dimension}", _MAXIMUM_FEATURES * dimension)
    return signs.reshape(_MAXIMUM_FEATURES, dimension).astype(np.float32)


def _signs(seed: str, count: int) -> NDArray[np.int8]:
    """Stretch a text to a row of plus and minus ones."""
    stream = hashlib.shake_256(seed.encode()).digest(-(-count // 8))
    bits = np.unpackbits(np.frombuffer(stream, dtype=np.uint8), count=count)
    return (bits.astype(np.int8) << 1) - 1


def _hadamard() -> NDArray[np.int8]:
    """Build a Hadamard matrix of order 3072: Paley's of order 12, doubled eight times (Sylvester)."""
    squares = {number * number % _PALEY_PRIME for number in range(1, _PALEY_PRIME)}
    residues = [0, *(1 if number in squares else -1 for number in range(1, _PALEY_PRIME))]
    order = _PALEY_PRIME + 1
    skew = np.zeros((order, order), dtype=np.int8)
    skew[0, 1:], skew[1:, 0] = 1, -1
    numbers = np.arange(_PALEY_PRIME)
    skew[1:, 1:] = np.array(residues, dtype=np.int8)[(numbers[:, None] - numbers) % _PALEY_PRIME]
    matrix = skew + np.eye(order, dtype=np.int8)
    while len(matrix) < _ISOMETRY_DIMENSION:
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    return matrix
