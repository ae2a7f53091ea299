"""Which columns are read, and how a stored batch gets them: those of the schema, and its partition."""

from collections.abc import Sequence

import pyarrow as pa

from batch_assets.errors import TableError

PARTITION = pa.field("partition", pa.string(), nullable=False, metadata={"description": "Partition key"})


def with_partition(schema: pa.Schema) -> pa.Schema:
    """The columns of a table as they are read; one that a table of an earlier release lacks is null there."""
    return pa.schema([*(field.with_nullable(True) for field in schema), PARTITION])


def chosen(schema: pa.Schema, columns: Sequence[str] | None, *, table: str) -> pa.Schema:
    """The named columns in the order of the names, or all. Raises `TableError` for one that does not exist."""
    if columns is None:
        return schema
    if isinstance(columns, str):
        raise TableError(f"columns are a list: write [{columns!r}]")
    unknown = [name for name in columns if name not in schema.names]
    if unknown:
        names = ", ".join(map(repr, unknown))
        raise TableError(f"{table} has no column {names}: its columns are {', '.join(schema.names)}")
    return pa.schema([schema.field(name) for name in dict.fromkeys(columns)])


def stored(columns: pa.Schema, table: pa.Schema) -> list[str]:
    """Those of the columns that stand in the files; at least one, for rows are counted by it."""
    return [name for name in columns.names if name != PARTITION.name] or table.names[:1]


def conformed(batch: pa.RecordBatch, partition: str, schema: pa.Schema) -> pa.RecordBatch:
    """A stored batch with these columns; none of its own is copied."""
    columns = [_column(batch, field, partition) for field in schema]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _column(batch: pa.RecordBatch, field: pa.Field, partition: str) -> pa.Array:
    if field.name == PARTITION.name:
        return pa.repeat(partition, batch.num_rows)
    if field.name not in batch.schema.names:
        return pa.nulls(batch.num_rows, field.type)
    return batch.column(field.name)
