"""Reading tables while runs may replace them."""

from collections.abc import Callable
from typing import TypeVar

from batch_assets.errors import TableChangedError

_READS = 5

Found = TypeVar("Found")


def read_steadily(read: Callable[[], Found]) -> Found:
    """What `read` gives, begun again when a run replaces a table meanwhile; after a few times the error passes."""
    for _ in range(_READS - 1):
        try:
            return read()
        except TableChangedError:
            continue
    return read()
