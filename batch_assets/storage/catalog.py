"""Which tables there are and where each stands; the names are those of the assets."""

from dataclasses import dataclass
from urllib.parse import quote

from batch_assets.partitions import IndexNames
from batch_assets.settings import Settings

_PER_SPACE = frozenset(
    {
        "batch_manifest",
        "batch_job",
        "embedding_table",
        "rejected_images",
        "submitted_manifest",
        "retry_requests",
        "write_offs",
    }
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
    """Paths of the tables of one embedding space and its vector index, or its indexes.

    Two spaces, or two indexes, never share a table: they stand beside each other.
    """

    space: str
    vector_bucket: str
    indexes: IndexNames

    @classmethod
    def of(cls, settings: Settings) -> "Catalog":
        """The tables of a deployment."""
        return cls(settings.space.slug, settings.vector_bucket, settings.index_names)

    def path(self, table: str, partition: str) -> TablePath:
        """Where a partition of a table stands.

        Raises `PartitionError` for a key that is no date, if that decides where it stands.
        """
        if table in _PER_SPACE:
            return TablePath(table, partition, (("space", self.space),))
        if table == "vector_index":
            index = self.indexes.name(partition)
            return TablePath(table, partition, (("vector_bucket", self.vector_bucket), ("index", index)))
        return TablePath(table, partition)

    def folder(self, table: str) -> str:
        """The folder, ending in `/`, below which all partitions of a table are, and maybe those of other indexes."""
        if table == "vector_index" and not self.indexes.is_one:
            return TablePath(table, "", (("vector_bucket", self.vector_bucket),)).folder
        return self.path(table, "").folder

    def submitted_manifest(self, partition: str, fingerprint: str) -> TablePath:
        """The immutable copy of a manifest that a job was given."""
        return TablePath("submitted_manifest", partition, (("space", self.space), ("fingerprint", fingerprint)))
