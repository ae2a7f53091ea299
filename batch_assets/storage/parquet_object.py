"""Reading a parquet object in S3 with few requests: its end first, then the byte ranges of the columns asked for.

Arrow's own read-ahead is not used: its threads would call back into Python, and one that still does when the
interpreter ends takes the process down with it.
"""

import io
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from botocore.exceptions import ClientError

from batch_assets.errors import TableChangedError
from batch_assets.storage.memory import system_memory
from batch_assets.storage.objects import S3Address, explained, is_conflict, is_missing

_TAIL_BYTES = 256 * 1024
"""Read at once when a table is opened: all of most tables, the footer of nearly every other."""

_GAP_BYTES = 64 * 1024
"""Ranges that lie no further apart are read as one: a request costs more than so many bytes."""

_CALLS_IN_FLIGHT = 8


@dataclass(frozen=True)
class _Range:
    """Bytes from `start` up to and without `end`."""

    start: int
    end: int


class ParquetObject:
    """One version of a parquet object; it is refused as changed when another has taken its place."""

    def __init__(self, client: Any, address: S3Address) -> None:
        """Open it. The service's error passes through when it is missing, Arrow's when it is no parquet file."""
        self._source = _RangeReader(client, address)
        with system_memory():
            self._file = pq.ParquetFile(pa.PythonFile(self._source, mode="r"), pre_buffer=False)

    @property
    def version(self) -> str:
        """ETag of the object."""
        return self._source.version

    @property
    def rows_count(self) -> int:
        return int(self._file.metadata.num_rows)

    @property
    def schema(self) -> pa.Schema:
        return self._file.schema_arrow

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        """All rows of the named columns."""
        groups = range(self._file.num_row_groups)
        self._source.hold(merged(wanted for group in groups for wanted in self._ranges(group, columns)))
        return self._file.read(columns=columns, use_threads=False)

    def batches(self, columns: Sequence[str] | None, *, rows: int) -> Iterator[pa.RecordBatch]:
        """The rows of the named columns in batches of at most `rows`; the bytes of one row group are in memory.

        Threads would decode columns side by side, of which one holds nearly all bytes, each with memory of its own.
        """
        for group in range(self._file.num_row_groups):
            self._source.hold(merged(self._ranges(group, columns)))
            yield from self._file.iter_batches(rows, row_groups=[group], columns=columns, use_threads=False)

    def _ranges(self, group: int, columns: Sequence[str] | None) -> Iterator[_Range]:
        row_group = self._file.metadata.row_group(group)
        for number in range(row_group.num_columns):
            chunk = row_group.column(number)
            if columns is None or chunk.path_in_schema.partition(".")[0] in columns:
                first_page = min(chunk.data_page_offset, chunk.dictionary_page_offset or chunk.data_page_offset)
                yield _Range(first_page, first_page + chunk.total_compressed_size)


def merged(ranges: Iterable[_Range]) -> list[_Range]:
    """The ranges in order, those that touch or nearly touch as one."""
    result: list[_Range] = []
    for item in sorted(ranges, key=lambda wanted: wanted.start):
        if result and item.start - result[-1].end <= _GAP_BYTES:
            result[-1] = _Range(result[-1].start, max(result[-1].end, item.end))
        else:
            result.append(item)
    return result


class _RangeReader(io.RawIOBase):
    """A seekable view of one version of an object, of which some ranges are in memory."""

    def __init__(self, client: Any, address: S3Address) -> None:
        super().__init__()
        self._client, self._address, self._position = client, address, 0
        try:
            reply = client.get_object(Bucket=address.bucket, Key=address.key, Range=f"bytes=-{_TAIL_BYTES}")
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "InvalidRange":
                raise pa.ArrowInvalid("the object is empty") from error
            if is_conflict(error):
                raise _changed(address) from error
            raise
        tail: bytes = reply["Body"].read()
        self._size = int(str(reply.get("ContentRange", f"/{len(tail)}")).rpartition("/")[2])
        self.version = str(reply["ETag"])
        self._tail = (_Range(self._size - len(tail), self._size), tail)
        self._held = [self._tail]

    def hold(self, ranges: Iterable[_Range]) -> None:
        """Have these ranges in memory, in place of those before; the end of the object always is."""
        missing = [wanted for wanted in ranges if wanted.start < self._tail[0].start]
        with ThreadPoolExecutor(_CALLS_IN_FLIGHT) as pool:
            self._held = [self._tail, *zip(missing, pool.map(self._fetch, missing), strict=True)]

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = base + offset
        return self._position

    def read(self, size: int = -1) -> bytes:
        end = self._size if size < 0 else min(self._position + size, self._size)
        if end <= self._position:
            return b""
        data = self._bytes(_Range(self._position, end))
        self._position = end
        return data

    def _bytes(self, wanted: _Range) -> bytes:
        for held, data in self._held:
            if held.start <= wanted.start and wanted.end <= held.end:
                return data[wanted.start - held.start : wanted.end - held.start]
        return self._fetch(wanted)

    def _fetch(self, wanted: _Range) -> bytes:
        with explained(self._address.uri):
            try:
                reply = self._client.get_object(
                    Bucket=self._address.bucket,
                    Key=self._address.key,
                    Range=f"bytes={wanted.start}-{wanted.end - 1}",
                    IfMatch=self.version,
                )
            except ClientError as error:
                if is_conflict(error) or is_missing(error):
                    raise _changed(self._address) from error
                raise
            data: bytes = reply["Body"].read()
        return data


def _changed(address: S3Address) -> TableChangedError:
    return TableChangedError(f"{address.uri} was replaced while it was read: run this partition again")
