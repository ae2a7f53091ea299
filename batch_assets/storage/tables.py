"""Parquet tables in S3: one object a partition, in hive-style directories, replaced atomically.

`<root>/<table>/<dimension>=<value>/partition=<percent-encoded key>/data.parquet` is what DuckDB, Athena and Spark read
as partitioned tables. Facts that are no rows (which job was loaded, how much remains) stand in the parquet metadata,
so that rows and facts change together.
"""

import io
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
from botocore.exceptions import ClientError

from batch_assets.errors import TableChangedError, TableError
from batch_assets.storage.catalog import Catalog, TablePath
from batch_assets.storage.memory import system_memory
from batch_assets.storage.objects import ABSENT, S3Address, explained, is_conflict, is_missing, replace_file, version
from batch_assets.storage.staged_table import FACTS, SCHEMA_VERSION, StagedTable

_ANY_VERSION = "*"

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class TableOutput:
    """Rows and facts of one partition to be written, and the version of the table that they were computed from.

    `replaces` is the version that was read (`ABSENT` for none); the write is refused if it is no longer the current
    one. `"*"` replaces whatever is there. `catalog` names the tables of another space than
    that of the settings. `rows` is an Arrow table or stream, a pandas frame, or a `StagedTable`.
    """

    rows: Any
    facts: Facts = field(default_factory=dict)
    replaces: str = _ANY_VERSION
    catalog: Catalog | None = None


@dataclass(frozen=True)
class StoredTable:
    """One partition of a table as it was when it was looked up; rows are read when they are asked for."""

    uri: str
    file: pq.ParquetFile | None
    facts: Facts
    version: str

    @property
    def exists(self) -> bool:
        return self.file is not None

    @property
    def rows_count(self) -> int:
        return self.file.metadata.num_rows if self.file else 0

    def read(self, columns: Sequence[str] | None = None) -> pa.Table | None:
        """All rows of the named columns, or None if there is no such table."""
        return self.file.read(columns=columns) if self.file else None

    def rows(self, columns: Sequence[str] | None = None) -> pa.Table:
        """All rows of the named columns. Raises `TableError` if there is no such table."""
        table = self.read(columns)
        if table is None:
            raise self._missing()
        return table

    def stream(self) -> pa.RecordBatchReader:
        """All rows as a stream with a schema. Raises `TableError` if there is no such table."""
        if self.file is None:
            raise self._missing()
        return pa.RecordBatchReader.from_batches(self.file.schema_arrow, self.batches())

    def batches(self, columns: Sequence[str] | None = None, *, rows: int = 1024) -> Iterator[pa.RecordBatch]:
        """The rows as a stream of batches of at most `rows` rows; nothing if there is no such table."""
        if self.file is None:
            return
        # Row group by row group: pre-buffering then joins the reads of one group and holds no more than it. Threads
        # would decode columns side by side, of which one holds nearly all bytes, each with memory of its own.
        for group in range(self.file.num_row_groups):
            yield from self.file.iter_batches(rows, row_groups=[group], columns=columns, use_threads=False)

    def _missing(self) -> TableError:
        return TableError(f"{self.uri} does not exist yet: materialise the assets before it for this partition")


@dataclass(frozen=True)
class Tables:
    """All tables below one folder of S3, as one catalog names them."""

    client: Any
    root: S3Address
    catalog: Catalog

    def partition(self, table: str, partition: str) -> StoredTable:
        """A partition of a table by name; see `open`."""
        return self.open(self.catalog.path(table, partition))

    def address(self, path: TablePath) -> S3Address:
        return S3Address(self.root.bucket, self.root.key + path.key)

    def spaces(self) -> list[str]:
        """The embedding spaces that have a job table."""
        prefix = f"{self.root.key}batch_job/space="
        with explained(f"s3://{self.root.bucket}/{prefix}"):
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.root.bucket, Prefix=prefix, Delimiter="/"
            )
            return [
                unquote(entry["Prefix"][len(prefix) : -1]) for page in pages for entry in page.get("CommonPrefixes", [])
            ]

    def open(self, path: TablePath) -> StoredTable:
        """The table of a partition, or an empty one with version `ABSENT`. Raises `TableError` if it is damaged."""
        address = self.address(path)
        with explained(address.uri):
            try:
                source = _RangeReader(self.client, address)
            except ClientError as error:
                if is_missing(error):
                    return StoredTable(address.uri, None, {}, ABSENT)
                raise
        try:
            file = open_parquet(pa.PythonFile(source, mode="r"))
        except pa.ArrowException as error:
            raise TableError(f"{address.uri} is no readable parquet file: {error}") from error
        facts = json.loads((file.schema_arrow.metadata or {}).get(FACTS, b"{}"))
        if facts.get("schema_version", 0) > SCHEMA_VERSION:
            raise TableError(f"{address.uri} was written by a newer release: upgrade batch_assets")
        return StoredTable(address.uri, file, facts, source.version)

    def write(self, path: TablePath, output: TableOutput) -> str:
        """Replace one partition as a whole, and give its new version.

        Raises `TableChangedError` if another run was faster.
        """
        address = self.address(path)
        with tempfile.TemporaryDirectory(prefix="batch-assets-") as folder:
            file = _staged(output.rows, Path(folder)).finish({"partition": path.partition, **output.facts})
            with explained(address.uri):
                replaces = version(self.client, address) if output.replaces == _ANY_VERSION else output.replaces
                return replace_file(self.client, address, file, replaces=replaces)

    def partitions(self, path: TablePath) -> list[str]:
        """Keys of the partitions that a table has."""
        prefix = f"{self.root.key}{path.folder}partition="
        with explained(f"s3://{self.root.bucket}/{prefix}"):
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.root.bucket, Prefix=prefix, Delimiter="/"
            )
            found = [entry["Prefix"] for page in pages for entry in page.get("CommonPrefixes", [])]
        return sorted(unquote(name[len(prefix) : -1]) for name in found)


def open_parquet(source: Any) -> pq.ParquetFile:
    """A parquet file to be read in flat memory: with few reads, row group by row group."""
    with system_memory():
        return pq.ParquetFile(source, pre_buffer=True)


def _staged(rows: Any, folder: Path) -> StagedTable:
    """The rows as a file that lacks only its facts: as it was handed over, or made in a folder."""
    if isinstance(rows, StagedTable):
        return rows
    reader = _as_reader(rows)
    staged = StagedTable(folder / "data.parquet", reader.schema)
    for batch in reader:
        staged.write(batch)
    return staged


def _as_reader(rows: Any) -> pa.RecordBatchReader:
    if isinstance(rows, pa.RecordBatchReader):
        return rows
    if isinstance(rows, pa.Table):
        return rows.to_reader()
    return pa.Table.from_pandas(rows, preserve_index=False).to_reader()


class _RangeReader(io.RawIOBase):
    """A seekable view of one version of an object: parquet reads its footer and the columns that are asked for."""

    def __init__(self, client: Any, address: S3Address) -> None:
        super().__init__()
        head = client.head_object(Bucket=address.bucket, Key=address.key)
        self._client, self._address = client, address
        self._size, self._position = int(head["ContentLength"]), 0
        self.version = str(head["ETag"])

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
        with explained(self._address.uri):
            data = self._range(f"bytes={self._position}-{end - 1}")
        self._position += len(data)
        return data

    def _range(self, wanted: str) -> bytes:
        try:
            reply = self._client.get_object(
                Bucket=self._address.bucket, Key=self._address.key, Range=wanted, IfMatch=self.version
            )
        except ClientError as error:
            if is_conflict(error) or is_missing(error):
                raise TableChangedError(
                    f"{self._address.uri} was replaced while it was read: run this partition again"
                ) from error
            raise
        data: bytes = reply["Body"].read()
        return data
