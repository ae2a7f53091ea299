"""The map of vectors: principal components from a stream, against those of the whole matrix."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from batch_assets.vectors.projection import Projection, fit_projection

Vectors = NDArray[np.float32]


def flat_cloud(random: np.random.Generator, rows: int, dimension: int = 40) -> Vectors:
    """A cloud that is long in one direction, half as long in another, and thin in all the rest, far from zero."""
    extents = np.full(dimension, 0.05)
    extents[:2] = 2, 1
    rotation = np.linalg.qr(random.standard_normal((dimension, dimension)))[0]
    cloud: Vectors = (random.standard_normal((rows, dimension)) * extents @ rotation + 30).astype(np.float32)
    return cloud


def fitted(vectors: Vectors, *cuts: int) -> Projection:
    return fit_projection(lambda: iter(np.split(vectors, sorted(cuts))))


@pytest.mark.parametrize("dimension", [40, 400])
def test_the_map_is_that_of_the_whole_matrix(dimension: int) -> None:
    """Axes, shares and places agree with a singular value decomposition."""
    vectors = flat_cloud(np.random.default_rng(0), 500, dimension)
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    _, values, rows = np.linalg.svd(centred, full_matrices=False)

    projection = fitted(vectors, 7, 200)

    np.testing.assert_allclose(np.abs(projection.axes), np.abs(rows[:2].T), atol=1e-4)
    np.testing.assert_allclose(projection.explained, values[:2] ** 2 / (values**2).sum(), rtol=1e-4)
    np.testing.assert_allclose(np.abs(projection.apply(vectors)), np.abs(centred @ rows[:2].T), atol=1e-3)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 120), max_size=5))
def test_how_the_stream_is_cut_does_not_matter(seed: int, cuts: list[int]) -> None:
    """Empty batches, batches of one, or all at once: the same map, the same way round."""
    vectors = flat_cloud(np.random.default_rng(seed), 120)

    np.testing.assert_allclose(fitted(vectors, *cuts).apply(vectors), fitted(vectors).apply(vectors), atol=1e-3)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.integers(1, 6))
def test_a_map_is_a_shadow(seed: int, rows: int, dimension: int) -> None:
    """It is centred, lengthens no distance, and shares add up to at most the whole."""
    vectors = np.random.default_rng(seed).standard_normal((rows, dimension)).astype(np.float32)

    projection = fitted(vectors)
    places = projection.apply(vectors)

    assert places.shape == (rows, 2)
    np.testing.assert_allclose(places.mean(axis=0), 0, atol=1e-5)
    assert (np.linalg.norm(places - places[0], axis=1) <= np.linalg.norm(vectors - vectors[0], axis=1) + 1e-4).all()
    assert 0 <= projection.explained[1] <= projection.explained[0] <= 1 + 1e-9
    assert sum(projection.explained) <= 1 + 1e-9


def test_the_same_vectors_give_the_same_way_round() -> None:
    """The largest component of an axis is positive."""
    vectors = flat_cloud(np.random.default_rng(3), 50)

    axes = fitted(vectors).axes

    assert (axes[np.abs(axes).argmax(axis=0), [0, 1]] > 0).all()
    np.testing.assert_allclose(fitted(vectors[::-1]).axes, axes, atol=1e-4)


def test_vectors_that_do_not_differ_stand_in_the_middle() -> None:
    """A partition of copies has a map, too: one point."""
    vectors = np.full((10, 4), 3, np.float32)

    projection = fitted(vectors, 5)

    assert projection.explained == (0, 0)
    np.testing.assert_array_equal(projection.apply(vectors), np.zeros((10, 2)))


def test_no_vectors_have_no_map() -> None:
    """An empty stream is refused, and so is one of empty batches."""

    def empty() -> Iterator[Vectors]:
        yield np.zeros((0, 4), np.float32)

    with pytest.raises(ValueError, match="no vectors"):
        fit_projection(empty)


def test_the_map_of_a_cloud_that_is_round_is_nearly_the_best() -> None:
    """Where all axes are much alike, those that are found explain as much as the best, to a thousandth."""
    vectors = np.random.default_rng(5).standard_normal((300, 700)).astype(np.float32)
    values = np.linalg.svd(vectors - vectors.mean(axis=0), compute_uv=False)

    np.testing.assert_allclose(fitted(vectors).explained, values[:2] ** 2 / (values**2).sum(), rtol=1e-3)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(value: float) -> None:
    """One NaN would move every picture of the map."""
    with np.errstate(invalid="ignore"), pytest.raises(ValueError, match="finite"):
        fitted(np.array([[1, 2], [value, 3]], np.float32))
