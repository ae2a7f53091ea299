"""Exact nearest neighbours among chosen rows of a float32 matrix."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_GATHER_BELOW = 0.25
_BLOCK_ROWS = 1024
_PRODUCT_ROWS = 8192
_readers = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="search")


@dataclass(frozen=True)
class Nearest:
    """What was found, closest first.

    Attributes:
        rows: Shape (k,), row numbers.
        distances: Shape (k,), in float64.
    """

    rows: NDArray[np.intp]
    distances: NDArray[np.float64]


def nearest_rows(
    matrix: NDArray[np.float32],
    *,
    norms: NDArray[np.float64],
    candidates: NDArray[np.intp],
    query: NDArray[np.float32],
    top_k: int,
    metric: str,
) -> Nearest:
    """Rank rows by their distance to a query.

    One float32 product over the matrix picks the top rows; their distances are then computed
    again in float64, so that equal vectors come out at 0. Ties keep the order of the rows.

    Args:
        matrix: Shape (n, d).
        norms: Shape (n,), Euclidean lengths of the rows.
        candidates: Ascending numbers of the rows that take part.
        query: Shape (d,).
        top_k: At most so many rows are returned.
        metric: ``cosine`` (distance 1 - cos) or ``euclidean`` (the plain distance, not
            squared). AWS documents neither formula.
    """
    if not len(candidates):
        return Nearest(candidates, np.empty(0))
    estimate = _cosine_estimate if metric == "cosine" else _euclidean_estimate
    if top_k < len(candidates):
        rough = estimate(matrix, norms, candidates, query)
        candidates = np.sort(candidates[np.argpartition(rough, top_k - 1)[:top_k]])
    distances = _exact_distances(matrix, norms, candidates, query, metric)
    order = np.argsort(distances, kind="stable")
    return Nearest(candidates[order], distances[order])


def _cosine_estimate(
    matrix: NDArray[np.float32],
    norms: NDArray[np.float64],
    candidates: NDArray[np.intp],
    query: NDArray[np.float32],
) -> NDArray[np.float64]:
    """Return minus the cosine: over the whole matrix at once, unless few rows take part."""
    unit = _unit(query).astype(np.float32)
    if len(candidates) < _GATHER_BELOW * len(matrix):
        products = _products(matrix[candidates], unit)
    else:
        products = _products(matrix, unit)
        if len(candidates) < len(matrix):
            products = products[candidates]
    with np.errstate(over="ignore", invalid="ignore"):
        return np.negative(products / norms[candidates])


def _products(rows: NDArray[np.float32], unit: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the product of each row with a vector, as fast as memory can be read.

    A row at a time, in blocks over the cores: the matrix product of the linear algebra library spins its threads on
    after it is done, and takes them from others.
    """
    products = np.empty(len(rows), np.float32)

    def fill(start: int) -> None:
        block = slice(start, start + _PRODUCT_ROWS)
        with np.errstate(over="ignore", invalid="ignore"):
            np.vecdot(rows[block], unit, out=products[block])

    list(_readers.map(fill, range(0, len(rows), _PRODUCT_ROWS)))
    return products


def _euclidean_estimate(
    matrix: NDArray[np.float32],
    _norms: NDArray[np.float64],
    candidates: NDArray[np.intp],
    query: NDArray[np.float32],
) -> NDArray[np.float64]:
    """Return squared distances."""
    squares = np.empty(len(candidates))
    for start in range(0, len(candidates), _BLOCK_ROWS):
        block = slice(start, start + _BLOCK_ROWS)
        with np.errstate(over="ignore"):
            difference = matrix[candidates[block]] - query
            squares[block] = np.einsum("ij,ij->i", difference, difference)
    return squares


def _exact_distances(
    matrix: NDArray[np.float32],
    norms: NDArray[np.float64],
    candidates: NDArray[np.intp],
    query: NDArray[np.float32],
    metric: str,
) -> NDArray[np.float64]:
    distances = np.empty(len(candidates))
    for start in range(0, len(candidates), _BLOCK_ROWS):
        chosen = candidates[start : start + _BLOCK_ROWS]
        rows = matrix[chosen].astype(np.float64)
        if metric == "cosine":
            block = np.maximum(1.0 - (rows / norms[chosen, None]) @ _unit(query), 0.0)
        else:
            block = np.linalg.norm(rows - query, axis=1)
        distances[start : start + _BLOCK_ROWS] = block
    return distances


def _unit(query: NDArray[np.float32]) -> NDArray[np.float64]:
    wide = query.astype(np.float64)
    return wide / np.linalg.norm(wide)
