"""A map of vectors: the plane in which they differ most (principal component analysis)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_KRYLOV_STEPS, _KRYLOV_BLOCK = 24, 6


@dataclass(frozen=True)
class Projection:
    """A plane through the mean of some vectors.

    Attributes:
        mean: (d,), the middle of the map.
        axes: (d, 2), of length one and at right angles; the component with the largest amount is positive in each.
        explained: Share of all variance along each axis, 0 to 1; zeros if the vectors do not differ.
    """

    mean: NDArray[np.float64]
    axes: NDArray[np.float64]
    explained: tuple[float, float]

    def apply(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Places (n, 2) of vectors (n, d) on the map."""
        axes = self.axes.astype(np.float32)
        return block @ axes - (self.mean @ self.axes).astype(np.float32)


def fit_projection(batches: Callable[[], Iterable[NDArray[np.float32]]]) -> Projection:
    """The two principal axes of all vectors, in memory of (d, d) and one batch whatever their number.

    The same batches give the same map, also the same way round.

    Args:
        batches: Opens the vectors, blocks (n, d) of one d; called once.

    Raises:
        ValueError: There are no vectors, or they hold values that are not finite.
    """
    count, mean, scatter = 0, np.zeros(0), np.zeros((0, 0))
    for block in batches():
        if not len(block):
            continue
        block_mean = block.mean(axis=0, dtype=np.float64)
        centred = block - block_mean.astype(np.float32)
        if not count:
            mean, scatter = np.zeros(block.shape[1]), np.zeros((block.shape[1], block.shape[1]))
        # Merging means and scatters of groups (Chan, Golub, LeVeque 1979): nothing large is subtracted.
        difference, total = block_mean - mean, count + len(block)
        scatter += centred.T @ centred
        scatter += np.outer(difference, difference) * (count * len(block) / total)
        mean += difference * (len(block) / total)
        count = total
    if not count:
        raise ValueError("There are no vectors to draw a map of.")
    if not np.isfinite(scatter).all():
        raise ValueError("A map needs finite vectors, and these hold NaN or infinity.")
    return _projection(mean, scatter)


def _projection(mean: NDArray[np.float64], scatter: NDArray[np.float64]) -> Projection:
    variances, axes = _leading(scatter)
    if axes.shape[1] == 1:  # a line has one axis
        axes = np.pad(axes, ((0, 0), (0, 1)))
    largest = axes[np.abs(axes).argmax(axis=0), [0, 1]]
    axes = axes * np.where(largest < 0, -1.0, 1.0)
    # Rounding may leave a variance that is none a little below zero.
    total = max(float(np.trace(scatter)), float(variances.clip(min=0).sum()), np.finfo(np.float64).tiny)
    shares = [*(max(0.0, float(variance)) / total for variance in variances), 0.0]
    return Projection(mean, axes, (shares[0], shares[1]))


def _leading(scatter: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The two largest eigenvalues (2,), the largest first, and their eigenvectors (d, 2).

    Of a large matrix within a Krylov space of some steps (block Lanczos): to find all eigenvectors, only to throw away
    all but two, takes longer than the step whose vectors are drawn.
    """
    basis = np.eye(len(scatter))
    if len(scatter) > _KRYLOV_STEPS * _KRYLOV_BLOCK:
        blocks = [np.linalg.qr(np.random.default_rng(0).standard_normal((len(scatter), _KRYLOV_BLOCK)))[0]]
        for _ in range(_KRYLOV_STEPS - 1):
            known, further = np.hstack(blocks), scatter @ blocks[-1]
            blocks.append(np.linalg.qr(further - known @ (known.T @ further))[0])
        basis = np.linalg.qr(np.hstack(blocks))[0]
    values, vectors = np.linalg.eigh(basis.T @ scatter @ basis)
    return values[::-1][:2], basis @ vectors[:, ::-1][:, :2]
