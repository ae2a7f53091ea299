"""Vector data: JSON numbers in, finite float32 rows out."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_NAMED_FLOATS = frozenset({"NaN", "Infinity", "-Infinity"})
_NOT_FINITE = "vector contains NaN or Infinity values"
_NOT_NUMBERS = "vector must contain numbers only"


class RowError(Exception):
    """A row that an index cannot take.

    Attributes:
        row: Its position.
        reason: What is wrong, as the service words it.
    """

    def __init__(self, row: int, reason: str) -> None:
        """Keep position and reason."""
        super().__init__(f"row {row}: {reason}")
        self.row = row
        self.reason = reason


def checked_rows(rows: Sequence[Sequence[object]], *, dimension: int, metric: str) -> NDArray[np.float32]:
    """Return shape (n, dimension).

    Args:
        rows: Parsed JSON arrays; NaN and infinity come as strings, as botocore writes them.
        dimension: Length that every row must have.
        metric: ``cosine`` refuses rows of zeros.

    Raises:
        RowError: For the first row that is too long or short, not of numbers, not finite in
            float32, or zero.
    """
    for position, row in enumerate(rows):
        if len(row) != dimension:
            raise RowError(position, f"vector must have length {dimension}, but has length {len(row)}")
    data = _as_float32(rows)
    _check_rows(np.isfinite(data).all(axis=1), _NOT_FINITE)
    if metric == "cosine":
        _check_rows(data.any(axis=1), "cosine distance does not support vectors with zero norm")
    return data


def _as_float32(rows: Sequence[Sequence[object]]) -> NDArray[np.float32]:
    """Round to float32; what is too large becomes infinite."""
    try:
        values = np.asarray(rows)
    except ValueError as error:  # an array among the numbers
        raise _first_strange(rows) from error
    if values.dtype.kind not in "iuf" or values.shape[2:]:
        raise _first_strange(rows)
    with np.errstate(over="ignore"):
        return values.astype(np.float32)


def _first_strange(rows: Sequence[Sequence[object]]) -> RowError:
    for position, row in enumerate(rows):
        strange = [value for value in row if isinstance(value, bool) or not isinstance(value, int | float)]
        if strange:
            named = all(isinstance(value, str) and value in _NAMED_FLOATS for value in strange)
            return RowError(position, _NOT_FINITE if named else _NOT_NUMBERS)
    return RowError(0, _NOT_NUMBERS)


def _check_rows(accepted: NDArray[np.bool_] | np.bool_, reason: str) -> None:
    if not accepted.all():
        raise RowError(int(np.argmin(accepted)), reason)
