"""Where the spending of each day is kept: the table `spending`, a partition a day."""

from dataclasses import dataclass

import pyarrow as pa

from batch_assets.storage.tables import TableOutput, Tables

TABLE = "spending"


@dataclass(frozen=True)
class SpendingTables:
    """The days of a deployment, as `bedrock.budget.DayTables`; all embedding spaces share them."""

    store: Tables

    def read(self, day: str) -> tuple[pa.Table | None, str]:
        """The table of a day (`2026-11-22`), None if there is none, and its version."""
        table = self.store.partition(TABLE, day)
        return table.read(), table.version

    def replace(self, day: str, table: pa.Table, *, version: str) -> None:
        """Put a table in the place of that version. Raises `TableChangedError` if it is no longer the current one."""
        self.store.write(self.store.catalog.path(TABLE, day), TableOutput(table, replaces=version))
