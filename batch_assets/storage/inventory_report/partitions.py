"""A report divided into the partitions of a template, once, in tables of its own beside the others.

A report is in no order: to find one partition all of it has to be read. So the first partition that needs a report
divides it for all of them, and each reads its own part alone. The parts hold what the report says, whatever the model
takes; the table that lists them is written last, and tells that they are complete.
"""

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from batch_assets.partitions import PrefixTemplate
from batch_assets.storage.catalog import TablePath
from batch_assets.storage.inventory_report.files import current_objects, download
from batch_assets.storage.inventory_report.report import Report
from batch_assets.storage.inventory_report.spill import Spill
from batch_assets.storage.memory import system_memory
from batch_assets.storage.page_parser import ENTRIES
from batch_assets.storage.tables import TableOutput, Tables

DIVIDED = pa.schema(
    [
        pa.field("partition", pa.string(), nullable=False, metadata={"description": "Partition key"}),
        pa.field("objects", pa.int64(), nullable=False, metadata={"description": "Objects under its prefix"}),
    ]
)

_LAYOUT = "1"
_WRITES_IN_FLIGHT = 8


@dataclass(frozen=True)
class DividedReport:
    """The parts of one report under one template."""

    tables: Tables
    report: Report
    template: PrefixTemplate

    @property
    def identity(self) -> str:
        """Name of the parts: another manifest, template or layout has others."""
        named = f"{self.report.digest}\0{self.template.template}\0{_LAYOUT}"
        return f"{self.report.name}-{hashlib.sha256(named.encode()).hexdigest()[:16]}"

    @property
    def is_complete(self) -> bool:
        return self.tables.open(self._list).exists

    def divide(self, client: Any) -> None:
        """Write the parts and then their list. Safe to be done twice, and by two at once: both write the same."""
        partition_of = _partition_of(self.template)
        written: list[tuple[str, int]] = []
        with system_memory(), tempfile.TemporaryDirectory(prefix="batch-assets-") as name:
            folder = Path(name) / "parts"
            folder.mkdir()
            spill = Spill(
                folder,
                prefix_bytes=self.template.prefix_bytes,
                is_wanted=lambda prefix: partition_of(prefix) is not None,
            )
            for batch in self._objects(client, Path(name) / "file"):
                spill.add(batch)
            with ThreadPoolExecutor(_WRITES_IN_FLIGHT) as pool:
                for part in spill.parts():
                    found = ((str(partition_of(prefix)), rows) for prefix, rows in _by_prefix(spill, part))
                    written.extend(pool.map(self._write, found))
        rows = sorted(written)
        columns = [[partition for partition, _ in rows], [number for _, number in rows]]
        self.tables.write(self._list, TableOutput(pa.table(columns, schema=DIVIDED), {"report": self.report.name}))

    def objects(self, partition: str) -> pa.Table:
        """The objects under a partition's prefix, sorted by key (schema `ENTRIES`); none if the report has none."""
        rows = self.tables.open(self._part(partition)).read()
        return ENTRIES.empty_table() if rows is None else rows.cast(ENTRIES)

    def _objects(self, client: Any, path: Path) -> Iterator[pa.RecordBatch]:
        for file in self.report.files:
            download(client, file, path)
            yield from current_objects(self.report, file, path)

    def _write(self, part: tuple[str, pa.Table]) -> tuple[str, int]:
        partition, rows = part
        self.tables.write(self._part(partition), TableOutput(rows, {"report": self.report.name}))
        return partition, rows.num_rows

    @property
    def _list(self) -> TablePath:
        return TablePath("inventory_report", self.identity)

    def _part(self, partition: str) -> TablePath:
        return TablePath("reported_objects", partition, (("report", self.identity),))


def _by_prefix(spill: Spill, rows: pa.Table) -> Iterator[tuple[bytes, pa.Table]]:
    """Neighbouring rows of one prefix; rows are sorted by key, and all prefixes have one length."""
    runs = spill.prefixes(rows["key"].combine_chunks()).dictionary_encode()
    starts = np.flatnonzero(np.diff(runs.indices.to_numpy(), prepend=-1))
    for start, end in pairwise([*starts, rows.num_rows]):
        yield runs.dictionary[runs.indices[start].as_py()].as_py(), rows.slice(start, end - start)


def _partition_of(template: PrefixTemplate) -> Callable[[bytes], str | None]:
    @lru_cache(maxsize=128 * 1024)
    def partition_of(prefix: bytes) -> str | None:
        try:
            return template.find_key(prefix.decode())
        except UnicodeDecodeError:  # cut within a letter
            return None

    return partition_of
