"""Which versions of the compared tables there are, so that one that is written meanwhile is noticed."""

from dataclasses import dataclass

from batch_assets.storage.objects import ABSENT
from batch_assets.storage.tables import Tables

EMBEDDINGS, INDEX = "embedding_table", "vector_index"


@dataclass(frozen=True)
class TableVersions:
    """Versions of a partition's two tables, `ABSENT` where there is none."""

    embeddings: str = ABSENT
    index: str = ABSENT


def table_versions(tables: Tables) -> dict[str, TableVersions]:
    """The versions of all partitions, at the cost of two listings."""
    embeddings, index = tables.versions(EMBEDDINGS), tables.versions(INDEX)
    partitions = sorted(embeddings.keys() | index.keys())
    return {name: TableVersions(embeddings.get(name, ABSENT), index.get(name, ABSENT)) for name in partitions}
