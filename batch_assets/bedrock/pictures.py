"""The pictures that exist now and the records that were sent, numbered: Arrow columns and indices, no row objects.

A content is what pictures with the same bytes share. It has a number, and so has each record.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from batch_assets.bedrock.contents import Content

_COLUMNS = ["key", "etag", "size", "last_modified", "format"]


class Pictures:
    """The eligible pictures of an inventory, in the order of their keys.

    `rows` holds their key, etag, size, last_modified and format; `content` the number of each one's content.
    """

    def __init__(self, eligible: pa.Table) -> None:
        self.rows: pa.Table = eligible.select(_COLUMNS).sort_by("key").combine_chunks()
        self._numbers: dict[Content, int] = {}
        versions = zip(self.rows["etag"].to_pylist(), self.rows["size"].to_pylist(), strict=True)
        self.content = np.fromiter(
            (self._numbers.setdefault(content, len(self._numbers)) for content in versions), np.int64, len(self.rows)
        )
        self._by_content = np.argsort(self.content, kind="stable")
        self._first = np.searchsorted(self.content[self._by_content], np.arange(self.contents + 1))

    @property
    def contents(self) -> int:
        """How many different contents there are."""
        return len(self._numbers)

    def number(self, content: Content) -> int | None:
        """Number of a content, or None if no picture has it."""
        return self._numbers.get(content)

    def copies(self, contents: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """All pictures with these contents, in their order: for each its place in `contents`, and its row."""
        chosen = np.asarray(contents, np.int64)
        first, counts = self._first[chosen], self._first[chosen + 1] - self._first[chosen]
        places = np.repeat(np.arange(len(chosen)), counts)
        offsets = np.arange(len(places)) - np.repeat(np.cumsum(counts) - counts, counts)
        return places, self._by_content[first[places] + offsets]

    def rows_of(self, contents: Sequence[int]) -> pa.Table:
        """The rows of all pictures with these contents."""
        return self.rows.take(self.copies(contents)[1])


class Records:
    """The records of a submitted manifest, and which of them the output has named.

    `content` holds the number of each one's content, -1 if no picture has it any more; `unchanged` whether the very
    picture that was sent was not written since it was planned, not even with other bytes and then its own again.
    """

    def __init__(self, submitted: pa.Table, pictures: Pictures) -> None:
        submitted = submitted.combine_chunks()
        self._numbers = {name: number for number, name in enumerate(submitted["record_id"].to_pylist())}
        numbers = map(pictures.number, zip(submitted["etag"].to_pylist(), submitted["size"].to_pylist(), strict=True))
        self.content = [-1 if number is None else number for number in numbers]
        self.unchanged: list[bool] = _unchanged(submitted, self.content, pictures).tolist()
        self._seen = bytearray(len(submitted))

    def __len__(self) -> int:
        return len(self._seen)

    @property
    def seen_count(self) -> int:
        """How many records the output has named."""
        return sum(self._seen)

    def number(self, record_id: str) -> int | None:
        """Number of a record, or None if it is not of this manifest."""
        return self._numbers.get(record_id)

    def see(self, number: int) -> bool:
        """Note that the output names a record; whether that is the first time."""
        first = not self._seen[number]
        self._seen[number] = 1
        return first


def _unchanged(submitted: pa.Table, content: list[int], pictures: Pictures) -> NDArray[np.bool_]:
    # Arrays, not chunked ones: those import pandas to become numpy.
    found = pc.index_in(_array(submitted["key"]), value_set=_array(pictures.rows["key"]))
    place = found.fill_null(-1).to_numpy()
    there = place >= 0
    same = np.zeros(len(submitted), np.bool_)
    same[there] = pictures.content[place[there]] == np.asarray(content, np.int64)[there]
    if "last_modified" in submitted.column_names:  # not in a copy that an earlier release made
        written, now = _array(submitted["last_modified"]), _array(pictures.rows["last_modified"]).take(found)
        same &= pc.coalesce(pc.equal(written, now), pc.is_null(written)).to_numpy(zero_copy_only=False)
    return same


def _array(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks()
