"""Groups of near-duplicate vectors, against the comparison of all pairs."""

import time
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy
from numpy.typing import NDArray

from batch_assets.vectors.near_duplicates import near_duplicate_groups

Vectors = NDArray[np.float32]


def by_all_pairs(vectors: Vectors, threshold: float) -> list[list[int]]:
    """The same groups the plain way: every distance, then a walk through the links."""
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    usable = np.flatnonzero(np.isfinite(lengths) & (lengths > 0))
    units = vectors[usable] / lengths[usable, None]
    near = ((units[:, None, :] - units[None, :, :]) ** 2).sum(axis=2) / 2 <= threshold
    groups, seen = [], set[int]()
    for start in range(len(usable)):
        group, to_visit = set[int](), set() if start in seen else {start}
        while to_visit:
            group |= to_visit
            to_visit = set(np.flatnonzero(near[list(to_visit)].any(axis=0)).tolist()) - group
        seen |= group
        groups.append(usable[sorted(group)].tolist())
    return sorted((group for group in groups if len(group) > 1), key=lambda group: (-len(group), group[0]))


def found(vectors: Vectors, threshold: float) -> list[list[int]]:
    return [group.tolist() for group in near_duplicate_groups(vectors, threshold=threshold)]


def clustered(random: np.random.Generator, *, rows: int, dimension: int, clusters: int, spread: float) -> Vectors:
    """Rows around some centres; within a cluster about spread squared apart."""
    centres = random.standard_normal((clusters, dimension))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    noise = random.standard_normal((rows, dimension)) * spread / np.sqrt(dimension)
    vectors: Vectors = (centres[random.integers(clusters, size=rows)] + noise).astype(np.float32)
    return vectors


def isotropic(rows: int) -> Vectors:
    return np.random.default_rng(1).standard_normal((rows, 128)).astype(np.float32)


def one_tight_cluster(rows: int) -> Vectors:
    """No two the same, all near: every pair is a candidate."""
    return (np.ones(128) + 0.01 * isotropic(rows)).astype(np.float32)


def just_too_far(rows: int) -> Vectors:
    """All about 0.06 apart in every direction: every pair looks possible from a few axes, and none is near."""
    return (np.ones(128) + 0.25 * isotropic(rows)).astype(np.float32)


def test_copies_and_near_copies_are_one_group() -> None:
    """Length does not matter, and neither does a little noise; the largest group comes first."""
    a, b, c = np.eye(3, 8, dtype=np.float32)
    vectors = np.stack([a, b, 2 * b, c, b + 0.01 * c, 5 * a])

    assert found(vectors, 0.001) == [[1, 2, 4], [0, 5]]


def test_a_chain_is_one_group() -> None:
    """Neighbours are near, the ends are not: they belong together through the others."""
    angles = np.arange(0, 1, 0.1)
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)

    assert found(vectors, 0.0051) == [list(range(10))]
    assert found(vectors, 0.0049) == []


def test_threshold_zero_finds_what_is_the_same() -> None:
    """Rounding neither parts the same vectors nor joins different ones."""
    vectors = isotropic(300)
    vectors[200] = vectors[100]
    vectors[17] = vectors[3] * np.float32(4)

    assert found(vectors, 0) == [[3, 17], [100, 200]]


def test_unusable_rows_are_near_to_nothing() -> None:
    """Zero, NaN and infinity have no direction."""
    vectors = np.array([[0, 0], [0, 0], [np.nan, 1], [np.nan, 1], [np.inf, 1], [np.inf, 1], [1, 2]], np.float32)

    assert found(vectors, 2) == []


@pytest.mark.parametrize("vectors", [np.zeros((0, 4), np.float32), np.ones((1, 4), np.float32)])
def test_fewer_than_two_rows_have_no_groups(vectors: Vectors) -> None:
    """Nothing to compare."""
    assert found(vectors, 1) == []


@pytest.mark.parametrize("threshold", [-0.1, 2.1, float("nan")])
def test_what_is_no_cosine_distance_is_refused(threshold: float) -> None:
    """A slip is not answered with no groups."""
    with pytest.raises(ValueError, match="must be 0 to 2"):
        near_duplicate_groups(isotropic(3), threshold=threshold)


@settings(max_examples=60, deadline=None)
@given(
    st_numpy.arrays(
        np.float32,
        st.tuples(st.integers(0, 24), st.integers(1, 5)),
        elements=st.sampled_from([0.0, 1.0, 1.0001, -1.0, 0.25, 1e-20, 1e20, float("inf"), float("nan")]),
    ),
    st.sampled_from([0.0, 1e-8, 0.01, 0.3, 1.0, 2.0]),
)
def test_groups_are_those_of_all_pairs(vectors: Vectors, threshold: float) -> None:
    """On small awkward vectors nothing is missed and nothing is added."""
    assert found(vectors, threshold) == by_all_pairs(vectors, threshold)


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([2, 40, 300]),
    st.sampled_from([0.02, 0.1, 0.3]),
    st.sampled_from([0.005, 0.02, 0.1]),
)
def test_groups_of_clusters_are_those_of_all_pairs(seed: int, dimension: int, spread: float, threshold: float) -> None:
    """Also where many distances lie about the threshold."""
    vectors = clustered(np.random.default_rng(seed), rows=60, dimension=dimension, clusters=12, spread=spread)

    assert found(vectors, threshold) == by_all_pairs(vectors, threshold)


@pytest.mark.parametrize(
    ("make", "together"), [(isotropic, [0, 2999]), (one_tight_cluster, [*range(3000)]), (just_too_far, [0, 2999])]
)
def test_several_blocks_are_as_one(make: Callable[[int], Vectors], together: list[int]) -> None:
    """More rows than a block, in an easy and in awkward clouds: a copy at the other end is found, and no more."""
    vectors = make(3000)
    vectors[2999] = vectors[0]

    assert found(vectors, 0.02) == [together]


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["clusters", "identical", "isotropic", "tight"])
def test_a_large_partition_takes_seconds(kind: str, record_property: Callable[[str, object], None]) -> None:
    """100,000 vectors of 1,024 numbers, of kinds that are easy and kinds that explode where all pairs are kept."""
    random, shape = np.random.default_rng(2), (100_000, 1024)
    if kind == "clusters":
        vectors = clustered(random, rows=shape[0], dimension=shape[1], clusters=5000, spread=0.12)
    else:
        vectors = random.standard_normal(shape, np.float32) * {"identical": 0, "isotropic": 1, "tight": 0.05}[kind]
        vectors += np.float32(kind != "isotropic")
    tracemalloc.start()
    begun = time.perf_counter()

    groups = found(vectors, 0.02)

    record_property("seconds", round(time.perf_counter() - begun, 1))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    record_property("peak_megabytes", round(peak / 1e6))
    assert len(groups) == {"clusters": 5000, "identical": 1, "isotropic": 0, "tight": 1}[kind]
    assert peak < 600e6
