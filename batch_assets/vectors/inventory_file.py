"""A listing of the live index on disk, to be read again partition by partition.

ListVectors gives an index in no order, the tables are kept by partition. Between them stands one SQLite file: rows are
appended as they come, then one CREATE INDEX sorts them by partition. SQLite sorts on disk with a cache of fixed size,
compares keys byte by byte, and keeps every key whole, so that the comparison is exact and memory does not grow with the
index: it holds one page of each segment, the cache, and the partitions that are being compared.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

_CACHE_KIBIBYTES = 64 * 1024
_TABLE = "CREATE TABLE vector (partition TEXT NOT NULL, key TEXT NOT NULL, etag TEXT, ours INTEGER NOT NULL)"


@dataclass(frozen=True)
class LiveVector:
    """A vector of the live index.

    Attributes:
        partition: Partition under whose prefix its key lies.
        key: Vector key: the S3 key of the picture.
        etag: Of the bytes that it was made from, None if it does not say.
        ours: Whether its metadata name that partition: nobody else's vectors do.
    """

    partition: str
    key: str
    etag: str | None
    ours: bool


class InventoryFile:
    """Vectors in a file; to be used by the thread that opened it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add(self, vectors: Iterable[LiveVector]) -> int:
        """Append a stream of vectors; return their number."""
        rows = ((vector.partition, vector.key, vector.etag, vector.ours) for vector in vectors)
        added = self._connection.executemany("INSERT INTO vector VALUES (?, ?, ?, ?)", rows).rowcount
        return max(0, added)

    def sort(self) -> None:
        """Sort what was added, whole rows, so that a partition is read in one piece; once, after the last vector."""
        self._connection.execute("CREATE INDEX by_partition ON vector (partition, key, etag, ours)")

    def partitions(self) -> list[str]:
        """Partitions that have a vector, in order."""
        found = self._connection.execute("SELECT DISTINCT partition FROM vector ORDER BY partition")
        return [str(partition) for (partition,) in found]

    def vectors(self, partition: str) -> dict[str, LiveVector]:
        """The vectors of a partition by key; one that was listed twice stands once."""
        found = self._connection.execute("SELECT key, etag, ours FROM vector WHERE partition = ?", (partition,))
        return {key: LiveVector(partition, key, etag, bool(ours)) for key, etag, ours in found}


@contextmanager
def inventory_file(path: Path) -> Iterator[InventoryFile]:
    """A new file; it is scratch, so nothing is written for the case of a crash."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{_CACHE_KIBIBYTES}"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute(_TABLE)
        connection.execute("BEGIN")
        yield InventoryFile(connection)
