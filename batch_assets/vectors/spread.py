"""How some vectors lie: their lengths, their distances, what is nearly the same, and where each stands on a map."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from batch_assets.vectors.near_duplicates import near_duplicate_groups
from batch_assets.vectors.projection import fit_projection

NEAR_DUPLICATE_DISTANCE = 0.01
"""Cosine distance up to which two pictures are called near-duplicates."""

_PAIRED_ROWS = 1000


@dataclass(frozen=True)
class Spread:
    """How the vectors of some pictures lie.

    Attributes:
        keys: Of the pictures.
        of: How many pictures there are, of which these are a sample.
        lengths: (n,), of the vectors.
        distances: Cosine distances of all pairs of some of them.
        near_duplicates: Rows of each group of near-duplicates, the largest group first.
        places: (n, 2), on the map.
        explained: Share of the variance along each axis of the map.
    """

    keys: Sequence[str]
    of: int
    lengths: NDArray[np.float32]
    distances: NDArray[np.float32]
    near_duplicates: Sequence[NDArray[np.intp]]
    places: NDArray[np.float32]
    explained: tuple[float, float]


def spread(keys: Sequence[str], vectors: NDArray[np.float32], *, of: int) -> Spread | None:
    """How `vectors` (n, d) lie; those that are zero or not finite are left out. None if there are no others."""
    with np.errstate(over="ignore", invalid="ignore"):
        lengths = np.linalg.norm(vectors, axis=1)
    sound = np.flatnonzero(np.isfinite(lengths) & (lengths > 0))
    if not sound.size:
        return None
    vectors, lengths = vectors[sound], lengths[sound]
    units = vectors / lengths[:, None]
    projection = fit_projection(lambda: [units])
    return Spread(
        keys=[keys[row] for row in sound.tolist()],
        of=of,
        lengths=lengths,
        distances=_distances(units),
        near_duplicates=near_duplicate_groups(units, threshold=NEAR_DUPLICATE_DISTANCE),
        places=projection.apply(units),
        explained=projection.explained,
    )


def _distances(units: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cosine distances of all pairs of rows, of some rows evenly among many."""
    some = units[:: -(-len(units) // _PAIRED_ROWS)]
    first, second = np.triu_indices(len(some), k=1)
    distances: NDArray[np.float32] = np.maximum(1 - some @ some.T, 0)[first, second]
    return distances
