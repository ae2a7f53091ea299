"""A table on its way to S3: its rows are in a parquet file on disk already, its facts come last.

Facts stand in the parquet metadata, at the end of the file: whoever streams rows knows them only when all have passed.
"""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from batch_assets.storage.memory import system_memory

SCHEMA_VERSION = 1
FACTS = b"batch_assets"

_VECTOR_GROUP_ROWS = 512
_GROUP_ROWS = 128 * 1024
_FIRST_ROWS = 8


class StagedTable:
    """A parquet file that is written batch by batch and lacks its end until `finish`.

    Row groups have one size whatever that of the batches: what is written depends on the rows alone.
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path, self.schema = path, schema
        self._bare = schema.remove_metadata()
        self.first_rows = self._bare.empty_table()
        with system_memory():
            self._writer = pq.ParquetWriter(path, self._bare, store_schema=False, **parquet_options(schema))
        self._group_rows = _VECTOR_GROUP_ROWS if _vectors(schema) else _GROUP_ROWS
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_rows = 0

    def write(self, batch: pa.RecordBatch) -> None:
        """Add rows; they are written when a row group is full."""
        batch = batch.cast(self._bare) if batch.schema != self._bare else batch
        self._show(batch)
        while batch.num_rows:
            part = batch.slice(0, self._group_rows - self._waiting_rows)
            batch = batch.slice(part.num_rows)
            self._waiting.append(part)
            self._waiting_rows += part.num_rows
            if self._waiting_rows == self._group_rows:
                self._write_group()

    def finish(self, facts: Mapping[str, Any]) -> Path:
        """Write what waits, the facts and the end of the file."""
        if self._waiting:
            self._write_group()
        schema = with_facts(self.schema, facts)
        # As the writer itself stores a schema with metadata that it knows from the start.
        arrow_schema = {b"ARROW:schema": base64.b64encode(schema.serialize())}
        self._writer.add_key_value_metadata({**schema.metadata, **arrow_schema})
        self._writer.close()
        return self.path

    def _write_group(self) -> None:
        self._writer.write_table(pa.Table.from_batches(self._waiting, self._bare))
        self._waiting, self._waiting_rows = [], 0

    def _show(self, batch: pa.RecordBatch) -> None:
        """Keep a copy of the first rows; a slice would hold on to the whole batch."""
        missing = _FIRST_ROWS - self.first_rows.num_rows
        if missing > 0 and batch.num_rows:
            rows = batch.take(pa.array(range(min(missing, batch.num_rows))))
            self.first_rows = pa.concat_tables([self.first_rows, pa.Table.from_batches([rows])])


def with_facts(schema: pa.Schema, facts: Mapping[str, Any]) -> pa.Schema:
    """The schema with facts in its metadata, as JSON under the key `batch_assets`."""
    text = json.dumps({**facts, "schema_version": SCHEMA_VERSION}, sort_keys=True)
    return schema.with_metadata({**(schema.metadata or {}), FACTS: text.encode()})


def parquet_options(schema: pa.Schema) -> dict[str, Any]:
    """Writer options: float vectors do not compress by dictionary, split bytes and zstd do a little (measured).

    Nobody asks for the least and the greatest number of a vector column.
    """
    vectors = _vectors(schema)
    if not vectors:
        return {"compression": "zstd"}
    others = [field.name for field in schema if field.name not in vectors]
    return {
        "compression": "zstd",
        "compression_level": 1,
        "use_dictionary": others,
        "write_statistics": others,
        "use_byte_stream_split": [f"{name}.list.element" for name in vectors],
    }


def _vectors(schema: pa.Schema) -> list[str]:
    return [field.name for field in schema if pa.types.is_fixed_size_list(field.type)]
