"""What a person sees who has asked for nothing: the newest pictures, from the tables alone."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from batch_assets.gallery.deployment import Deployment
from batch_assets.gallery.indexed_partitions import IndexedPartition
from batch_assets.gallery.kept import Kept
from batch_assets.gallery.parameters import Filters, Page

_KEPT_BYTES = 64 * 1024**2
_COLUMNS = ["key", "size", "last_modified", "format"]


class Newest:
    """Pictures by partition, the newest first, and within it by when they were written."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._kept: Kept[IndexedPartition, pa.Table] = Kept(_KEPT_BYTES, weight=lambda table: int(table.nbytes))

    def page(
        self, partitions: Sequence[IndexedPartition], filters: Filters, page: Page
    ) -> tuple[Sequence[dict[str, Any]], int | None]:
        """A page of the pictures in these partitions (oldest first), and where the next one begins."""
        found: list[dict[str, Any]] = []
        skipped = 0
        for partition in reversed(partitions):
            rows = _passing(self._rows(partition), filters)
            start = min(page.offset - skipped, rows.num_rows) if skipped < page.offset else 0
            skipped += start
            wanted = rows.slice(start, page.limit + 1 - len(found)).to_pylist()
            found += [{**row, "partition": partition.key} for row in wanted]
            if len(found) > page.limit:
                break
        return found[: page.limit], page.following(page.offset + len(found))

    def _rows(self, partition: IndexedPartition) -> pa.Table:
        return self._kept.get_or_make(partition, lambda: self._read(partition))

    def _read(self, partition: IndexedPartition) -> pa.Table:
        table = self._deployment.tables.partition("embedding_table", partition.key).read(_COLUMNS)
        if table is None:  # it has gone since it was listed
            return pa.table({"key": pa.array([], pa.string())})
        return table.sort_by([("last_modified", "descending"), ("key", "ascending")])


def _passing(rows: pa.Table, filters: Filters) -> pa.Table:
    conditions = []
    if filters.formats:
        conditions.append(pc.is_in(rows["format"], pa.array(filters.formats)))
    if filters.min_size_bytes is not None:
        conditions.append(pc.greater_equal(rows["size"], filters.min_size_bytes))
    if filters.max_size_bytes is not None:
        conditions.append(pc.less_equal(rows["size"], filters.max_size_bytes))
    for condition in conditions:
        rows = rows.filter(condition)
    return rows
