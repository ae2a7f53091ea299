"""A fair sample of a stream of vectors, and how they lie."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from batch_assets.vectors.sample import VectorSample
from batch_assets.vectors.spread import spread

Vectors = NDArray[np.float32]


def ids_of(keys: list[str]) -> list[str]:
    return [hashlib.sha256(key.encode()).hexdigest()[:32] for key in keys]


def sampled(keys: list[str], *, capacity: int, cuts: tuple[int, ...] = ()) -> tuple[list[str], Vectors, int]:
    """A sample of vectors that hold the number in their key, three times."""
    sample = VectorSample(capacity, 3)
    for part in np.split(np.array(keys, object), sorted(cuts)):
        numbers = np.array([[int(key)] * 3 for key in part], np.float32).reshape(-1, 3)
        sample.add(ids_of(list(part)), list(part), numbers)
    return *sample.rows(), sample.seen


@given(st.permutations([f"{number:03d}" for number in range(60)]), st.integers(1, 80), st.integers(0, 60))
def test_a_sample_does_not_depend_on_order_or_batches(keys: list[str], capacity: int, cut: int) -> None:
    """The same rows, in the order of their keys, each with its own vector."""
    names, vectors, seen = sampled(keys, capacity=capacity, cuts=(cut,))

    assert (names, seen) == (sampled(sorted(keys), capacity=capacity)[0], 60)
    assert len(names) == min(60, capacity)
    np.testing.assert_array_equal(vectors, [[int(key)] * 3 for key in names])


def test_every_row_has_the_same_chance() -> None:
    """Of ten thousand rows a sample of a thousand has about as many from each tenth."""
    keys = [f"{number:05d}" for number in range(10_000)]

    names, _, _ = sampled(keys, capacity=1000)

    tenths = np.bincount([int(key) // 1000 for key in names], minlength=10)
    assert (np.abs(tenths - 100) < 50).all()


def test_vectors_without_a_direction_are_left_out() -> None:
    """Zero and NaN have no place on the map."""
    vectors = np.array([[0, 0], [3, 4], [np.nan, 1], [4, 3], [6, 8]], np.float32)

    found = spread(["a", "b", "c", "d", "e"], vectors, of=7)

    assert found is not None
    assert (found.keys, found.of) == (["b", "d", "e"], 7)
    np.testing.assert_allclose(found.lengths, [5, 5, 10])
    np.testing.assert_allclose(np.sort(found.distances), [0, 0.04, 0.04], atol=1e-6)
    assert [group.tolist() for group in found.near_duplicates] == [[0, 2]]


@pytest.mark.parametrize("vectors", [np.zeros((0, 4), np.float32), np.zeros((3, 4), np.float32)])
def test_nothing_sound_has_no_spread(vectors: Vectors) -> None:
    """A partition whose pictures were all refused."""
    assert spread(["k"] * len(vectors), vectors, of=len(vectors)) is None


def test_one_picture_stands_in_the_middle() -> None:
    """It has no distances and no map to speak of."""
    found = spread(["k"], np.ones((1, 4), np.float32), of=1)

    assert found is not None
    assert (found.distances.size, found.near_duplicates, found.places.tolist()) == (0, [], [[0, 0]])


def test_only_some_pairs_of_many_are_measured() -> None:
    """Distances of a thousand rows are half a million, however many rows there are."""
    vectors = np.random.default_rng(0).standard_normal((2500, 8)).astype(np.float32)

    found = spread([str(number) for number in range(2500)], vectors, of=2500)

    assert found is not None
    assert found.distances.size <= 1000 * 999 // 2
