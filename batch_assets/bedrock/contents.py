"""Sets of contents: what identifies the bytes of pictures, whatever their keys."""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Content = tuple[str, int]
"""What identifies bytes: ETag and size."""

REFUSAL_COLUMNS = ["etag", "size", "final", "attempts"]
"""Columns of the rejected images that `final_refusals` reads."""

_SCHEMA = pa.schema([("etag", pa.string()), ("size", pa.int64())])


class Contents:
    """A set of contents, kept as the rows of a table: compared with another table without a Python object a row."""

    def __init__(self, rows: pa.Table) -> None:
        """Take the contents of a table's rows; equal ones may stand in it more than once."""
        self._rows = rows.select(_SCHEMA.names).cast(_SCHEMA)

    @classmethod
    def of(cls, contents: Iterable[Content]) -> "Contents":
        """A set of these contents."""
        return cls(pa.Table.from_pylist([{"etag": etag, "size": size} for etag, size in contents], schema=_SCHEMA))

    def __or__(self, other: "Contents") -> "Contents":
        """What is in one of two sets."""
        return Contents(pa.concat_tables([self._rows, other._rows]))

    def __iter__(self) -> Iterator[Content]:
        """Give each content once."""
        return iter(set(zip(self._rows["etag"].to_pylist(), self._rows["size"].to_pylist(), strict=True)))

    def missing(self, table: pa.Table) -> pa.Array:
        """Positions of the rows of a table whose content is not in this set, in their order."""
        positions = pa.array(np.arange(table.num_rows))
        if not self._rows.num_rows:
            return positions
        rows = table.select(_SCHEMA.names).append_column("position", positions)
        left = rows.join(self._rows, keys=_SCHEMA.names, join_type="left anti")["position"]
        return pa.array(np.sort(left.to_numpy()))

    def without(self, table: pa.Table) -> pa.Table:
        """The rows of a table whose content is not in this set, in their order."""
        left = self.missing(table)
        return table if len(left) == table.num_rows else table.take(left)


def contents(table: pa.Table | None) -> Contents:
    """The contents of a table's rows."""
    return Contents(table) if table is not None else Contents.of(())


def final_refusals(rejected: pa.Table | None) -> Contents:
    """Contents that the model refused for good; ineligible files are told by the inventory itself."""
    if rejected is None:
        return Contents.of(())
    return contents(rejected.filter(pc.and_(rejected["final"], pc.greater(rejected["attempts"], 0))))


def distinct(table: pa.Table) -> tuple[pa.Table, list[int]]:
    """The first row of each content, in order, and how many rows have it."""
    texts = pc.binary_join_element_wise(table["etag"], table["size"].cast(pa.string()), "\0")
    # The codes of a dictionary are given in the order in which its values come up.
    codes = texts.combine_chunks().dictionary_encode().indices.to_numpy()
    is_first = np.diff(np.maximum.accumulate(codes), prepend=-1) > 0
    return table.filter(pa.array(is_first)), np.bincount(codes).tolist()
