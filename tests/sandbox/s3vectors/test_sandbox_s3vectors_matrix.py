"""The sandbox's vector matrix against a plain dictionary."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from batch_assets.sandbox.s3vectors.matrix import VectorMatrix

operations = st.lists(st.tuples(st.booleans(), st.lists(st.integers(0, 30), min_size=1, max_size=12)), max_size=60)


def put(matrix: VectorMatrix, keys: list[str], values: list[float]) -> None:
    """Put one-dimensional vectors."""
    data = np.asarray(values, np.float32)[:, None]
    matrix.put(keys, data, [{"value": value} for value in values], [0] * len(keys))


@given(operations)
def test_puts_and_deletes_in_any_order_end_as_in_a_dictionary(
    steps: list[tuple[bool, list[int]]],
) -> None:
    """Keys, values, metadata and the order of a listing agree after every mixture."""
    matrix, expected = VectorMatrix(1), dict[str, float]()
    for number, (is_put, chosen) in enumerate(steps):
        keys = [f"{key}" for key in chosen]
        if is_put:
            values = [float(number * 100 + position) for position in range(1, len(keys) + 1)]
            put(matrix, keys, values)
            expected |= dict(zip(keys, values, strict=True))
        else:
            matrix.delete(keys)
            for key in keys:
                expected.pop(key, None)
    listed = [(vector.key, float(vector.data[0]), vector.metadata["value"]) for vector in matrix.list_from(0)]
    assert listed == [(key, value, value) for key, value in expected.items()]
    assert len(matrix) == len(expected)


def test_holes_close_up_without_moving_the_listing() -> None:
    """After most vectors are gone the rest keep order, ordinal and distance."""
    matrix = VectorMatrix(1)
    keys = [f"{number}" for number in range(2000)]
    put(matrix, keys, [float(number + 1) for number in range(2000)])
    ordinal_before = matrix.get("1900")
    matrix.delete(keys[:1890])
    after = matrix.get("1900")
    assert ordinal_before is not None
    assert after is not None
    assert after.ordinal == ordinal_before.ordinal
    assert [vector.key for vector in matrix.list_from(after.ordinal)] == keys[1900:]
    assert matrix.nearest(np.asarray([1901.0], np.float32), top_k=1, metric="euclidean")[0][:2] == ("1900", 0.0)
