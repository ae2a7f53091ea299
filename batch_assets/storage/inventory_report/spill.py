"""Rows in any order, parted on disk by the prefix of their keys, so that each part fits into memory.

A part is a file of Arrow streams, one after the other. What is in memory is one gathering of rows while they come, and
one part while they are read again: neither grows with the number of rows, until there are some hundred millions.
"""

import zlib
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from batch_assets.storage.page_parser import ENTRIES

PARTS = 1024
_GATHERED_ROWS = 256 * 1024


class Spill:
    """Objects (schema `ENTRIES`) in a folder, parted by the first `prefix_bytes` of their keys."""

    def __init__(self, folder: Path, *, prefix_bytes: int, is_wanted: Callable[[bytes], bool]) -> None:
        """Take objects whose prefix is wanted; others are left out."""
        self._folder, self._prefix_bytes, self._is_wanted = folder, prefix_bytes, is_wanted
        self._gathered: list[pa.RecordBatch] = []
        self._rows = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Take a batch; what has gathered is written when it is enough."""
        self._gathered.append(batch)
        self._rows += batch.num_rows
        if self._rows >= _GATHERED_ROWS:
            self._write()

    def parts(self) -> Iterator[pa.Table]:
        """Every part, each with all objects of its prefixes, sorted by key; what was twice in the report stands once.

        A part is gone from the folder when it was given.
        """
        self._write()
        for path in sorted(self._folder.iterdir()):
            with pa.OSFile(str(path)) as file:
                batches = [batch for stream in _streams(file) for batch in stream]
            path.unlink()
            yield _newest(pa.Table.from_batches(batches, ENTRIES).combine_chunks())

    def prefixes(self, keys: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
        """The beginnings of keys, as bytes."""
        return pc.binary_slice(keys.cast(pa.binary()), 0, self._prefix_bytes)

    def _write(self) -> None:
        rows = pa.Table.from_batches(self._gathered, ENTRIES).combine_chunks()
        self._gathered, self._rows = [], 0
        numbers = self._part_numbers(rows["key"].combine_chunks())
        order = np.argsort(numbers, kind="stable")
        order = order[np.searchsorted(numbers[order], 0) :]  # those that are not wanted have the number -1
        rows, numbers = rows.take(order), numbers[order]
        starts = np.flatnonzero(np.diff(numbers, prepend=-1))
        for start, end in pairwise([*starts, len(numbers)]):
            path = self._folder / f"{numbers[start]:04}.arrows"
            with path.open("ab") as file, pa.ipc.new_stream(file, ENTRIES) as stream:
                stream.write_table(rows.slice(start, end - start))

    def _part_numbers(self, keys: pa.Array) -> NDArray[np.int32]:
        prefixes = self.prefixes(keys).dictionary_encode()
        distinct = [
            zlib.crc32(prefix) % PARTS if self._is_wanted(prefix) else -1 for prefix in prefixes.dictionary.to_pylist()
        ]
        numbers: NDArray[np.int32] = np.array(distinct, np.int32)[prefixes.indices.to_numpy()]
        return numbers


def _streams(file: pa.NativeFile) -> Iterator[pa.RecordBatchReader]:
    while file.tell() < file.size():
        yield pa.ipc.open_stream(file)


def _newest(rows: pa.Table) -> pa.Table:
    """The rows by key; of several with one key only the newest: reports are eventually consistent."""
    rows = rows.sort_by([("key", "ascending"), ("last_modified", "ascending")])
    keys = rows["key"].combine_chunks()
    if len(keys) < 2:  # noqa: PLR2004 - no pair
        return rows
    is_last = pa.concat_arrays([pc.not_equal(keys[:-1], keys[1:]), pa.array([True])])
    return rows if pc.all(is_last).as_py() else rows.filter(is_last)
