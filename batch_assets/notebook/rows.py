"""One table over the chosen partitions, in the forms that people compute with."""

import copy
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self

import pyarrow as pa

from batch_assets.errors import BatchAssetsError, TableError
from batch_assets.notebook import display
from batch_assets.notebook.columns import chosen, conformed, stored, with_partition
from batch_assets.notebook.deployment import Deployment
from batch_assets.notebook.selection import EVERYTHING, Moment, Selection
from batch_assets.partitions import PrefixTemplate
from batch_assets.storage.tables import StoredTable

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

_THREADS = 4


class Rows:
    """The rows of one table. Nothing is read before it is asked for, and every time it is read anew.

    `schema` names the columns: those of the table, and `partition`.
    """

    def __init__(self, deployment: Deployment, name: str, selection: Selection = EVERYTHING) -> None:
        """Raises `TableError` if there is no table of this name."""
        self.name, self.selection = name, selection
        self.schema: pa.Schema = with_partition(deployment.schema(name))
        self._deployment = deployment

    def partition(self, *keys: Moment) -> Self:
        """Only these partitions, whatever was chosen before. Raises `PartitionError` for what is no key and no date."""
        return self._narrowed(Selection.named(self._deployment.settings, keys))

    def between(self, since: Moment | None = None, until: Moment | None = None) -> Self:
        """Only those from one key or date to another, both included, as `partition` does. Raises `PartitionError`."""
        return self._narrowed(Selection.between(self._deployment.settings, since, until))

    @property
    def partitions(self) -> list[str]:
        """Keys of the chosen partitions that the table has, in the order of time."""
        return self.selection.of(self._template, self._existing())

    def to_arrow(self, columns: Sequence[str] | None = None) -> pa.Table:
        """All rows, or only these columns. Raises `TableError` if there are none to read, or no such column."""
        schema = chosen(self.schema, columns, table=self.name)
        with ThreadPoolExecutor(_THREADS) as pool:
            return pa.concat_tables(pool.map(lambda key: self._read(key, schema), self._wanted()))

    def batches(self, columns: Sequence[str] | None = None, *, rows: int = 1024) -> Iterator[pa.RecordBatch]:
        """The rows as a stream of batches of at most `rows` rows; memory stays flat. Raises as `to_arrow`."""
        schema = chosen(self.schema, columns, table=self.name)
        for key in self._wanted():
            for batch in self._open(key).batches(stored(schema, self.schema), rows=rows):
                yield conformed(batch, key, schema)

    def stream(self, columns: Sequence[str] | None = None, *, rows: int = 1024) -> pa.RecordBatchReader:
        """The stream of `batches` as one object with a schema, which Arrow, DuckDB and polars read."""
        schema = chosen(self.schema, columns, table=self.name)
        return pa.RecordBatchReader.from_batches(schema, self.batches(columns, rows=rows))

    def to_pandas(self, columns: Sequence[str] | None = None) -> "pd.DataFrame":
        """All rows as a frame; the cell of a vector is a numpy array, of one partition in Arrow's own memory.

        Raises as `to_arrow`.
        """
        frame: pd.DataFrame = self.to_arrow(columns).to_pandas()
        return frame

    def to_duckdb(
        self, columns: Sequence[str] | None = None, *, connection: "duckdb.DuckDBPyConnection | None" = None
    ) -> "duckdb.DuckDBPyRelation":
        """All rows as a relation that DuckDB reads in Arrow's memory, on its default connection or another."""
        try:
            import duckdb  # noqa: PLC0415 an optional extra
        except ImportError as error:
            raise BatchAssetsError("DuckDB is not installed: install this package as batch_assets[notebook]") from error
        return (connection or duckdb.default_connection()).from_arrow(self.to_arrow(columns))

    def __len__(self) -> int:
        """Rows of the chosen partitions, as the ends of their files tell."""
        with ThreadPoolExecutor(_THREADS) as pool:
            return sum(pool.map(lambda key: self._open(key).rows_count, self.partitions))

    def __bool__(self) -> bool:
        """Always true, so that nothing is read for it."""
        return True

    def __repr__(self) -> str:
        columns = ", ".join(self.schema.names)
        return f"<{type(self).__name__} {self._deployment.folder(self.name)}: {self.selection}; columns {columns}>"

    def _repr_html_(self) -> str:
        """What a notebook shows; a table that cannot be read tells why."""
        try:
            return self._shown()
        except TableError as error:
            return display.section(self.name, display.paragraph(str(error)))

    def _shown(self) -> str:
        keys = self._wanted()
        newest = keys[: -display.PARTITIONS - 1 : -1]
        opened = dict(zip(newest, self._opened(newest), strict=True))
        parts = display.partitions(keys, opened), self._pictures(opened[keys[-1]]), display.columns(self.schema)
        return display.section(f"{self.name} of {self._deployment.settings.source_bucket}", *parts)

    def _pictures(self, newest: StoredTable) -> str:  # noqa: ARG002 other tables have none
        """Pictures of the newest partition."""
        return ""

    @property
    def _template(self) -> PrefixTemplate:
        return self._deployment.settings.template

    def _narrowed(self, selection: Selection) -> Self:
        narrowed = copy.copy(self)
        narrowed.selection = selection
        return narrowed

    def _existing(self) -> list[str]:
        return EVERYTHING.of(self._template, self._deployment.tables.partitions(self.name))

    def _wanted(self) -> list[str]:
        """The partitions to read. Raises `TableError` if one that was named is not there, or there is none."""
        existing = self._existing()
        keys = self.selection.of(self._template, existing)
        missing = [key for key in self.selection.keys or () if key not in existing]
        if missing or not keys:
            raise TableError(self._nothing(", ".join(missing) or str(self.selection), existing))
        return keys

    def _nothing(self, wanted: str, existing: list[str]) -> str:
        where = self._deployment.folder(self.name)
        cure = "launch the job plan_and_submit for it, and the completion sensor loads it"
        if not existing:
            first = self._deployment.settings.first_partition
            return f"{where} has no partition yet: choose one, such as {first}; {cure}"
        there = existing[0] if len(existing) == 1 else f"{existing[0]} to {existing[-1]} ({len(existing)} in all)"
        return f"{where} has no partition {wanted}: {cure}; there is {there}"

    def _opened(self, keys: Sequence[str]) -> list[StoredTable]:
        with ThreadPoolExecutor(_THREADS) as pool:
            return list(pool.map(self._open, keys))

    def _open(self, key: str) -> StoredTable:
        return self._deployment.tables.partition(self.name, key)

    def _read(self, key: str, schema: pa.Schema) -> pa.Table:
        table = self._open(key)
        rows = table.rows(stored(schema, self.schema))
        return pa.Table.from_batches([conformed(batch, key, schema) for batch in rows.to_batches()], schema)
