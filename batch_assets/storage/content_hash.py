"""Hashes of a table's rows, which stand in tables that exist and are compared with them: they never change."""

import hashlib
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

_BATCH_ROWS = 50_000

# What Python writes as it is, between single quotes.
_PLAIN = r"\A[ !#-&(-\[\]-~]*\z"


def content_hash(table: pa.Table, columns: Sequence[str]) -> str:
    """SHA-256 (hex) of the named columns, row by row in the order of the first; the same on every machine.

    What is hashed is each row as Python's `repr` writes its tuple.
    """
    digest = hashlib.sha256()
    for batch in in_order(table.select(columns), columns[0]).to_batches(max_chunksize=_BATCH_ROWS):
        texts = [_written(column) for column in batch.columns]
        closing = ",)" if len(texts) == 1 else ")"
        separated = [text for column in texts for text in (column, ", ")][:-1]
        rows = pc.binary_join_element_wise("(", *separated, closing, "")
        digest.update(memoryview(rows.buffers()[2])[: pc.sum(pc.binary_length(rows)).as_py()])
    return digest.hexdigest()


def in_order(table: pa.Table, column: str) -> pa.Table:
    """The table sorted by a column; itself if it is sorted."""
    values = table[column]
    is_sorted = len(values) < 2 or pc.all(pc.less_equal(values[:-1], values[1:]), skip_nulls=False).as_py()  # noqa: PLR2004 - no pair
    return table if is_sorted else table.sort_by(column)


def _written(column: pa.Array) -> pa.Array:
    """Each value as `repr` writes it."""
    if pa.types.is_integer(column.type) and not column.null_count:
        return column.cast(pa.string())
    if not pa.types.is_string(column.type) or column.null_count:
        return pa.array([repr(value) for value in column.to_pylist()], pa.string())
    quoted = pc.binary_join_element_wise("'", column, "'", "")
    is_plain = pc.match_substring_regex(column, _PLAIN)
    if pc.all(is_plain).as_py():
        return quoted
    odd = pc.invert(is_plain)
    return pc.replace_with_mask(quoted, odd, pa.array([repr(text) for text in column.filter(odd).to_pylist()]))
