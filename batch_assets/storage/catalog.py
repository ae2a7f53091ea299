"""Which tables there are and where each stands; the names are those of the assets."""

from dataclasses import dataclass
from urllib.parse import quote

_PER_SPACE = frozenset(
    {"batch_manifest", "batch_job", "embedding_table", "rejected_images", "submitted_manifest", "retry_requests"}
)


@dataclass(frozen=True)
class TablePath:
    """Which table: its name, what it is for besides the partition (such as the embedding space), and the partition."""

    name: str
    partition: str
    dimensions: tuple[tuple[str, str], ...] = ()

    @property
    def folder(self) -> str:
        """Folder of all partitions, ending in `/`."""
        return "".join(f"{part}/" for part in (self.name, *(f"{k}={quote(v, safe='')}" for k, v in self.dimensions)))

    @property
    def key(self) -> str:
        return f"{self.folder}partition={quote(self.partition, safe='')}/data.parquet"


@dataclass(frozen=True)
class Catalog:
    """Paths of the tables of one embedding space and one vector index.

    Two spaces, or two indexes, never share a table: they stand beside each other.
    """

    space: str
    vector_bucket: str
    index_name: str

    def path(self, table: str, partition: str) -> TablePath:
        """Where a partition of a table stands."""
        if table in _PER_SPACE:
            return TablePath(table, partition, (("space", self.space),))
        if table == "vector_index":
            return TablePath(table, partition, (("vector_bucket", self.vector_bucket), ("index", self.index_name)))
        return TablePath(table, partition)

    def submitted_manifest(self, partition: str, fingerprint: str) -> TablePath:
        """The immutable copy of a manifest that a job was given."""
        return TablePath("submitted_manifest", partition, (("space", self.space), ("fingerprint", fingerprint)))
