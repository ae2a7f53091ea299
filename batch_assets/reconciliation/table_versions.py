"""Which versions of the compared tables there are, so that one that is written meanwhile is noticed."""

from dataclasses import dataclass
from urllib.parse import unquote

from batch_assets.storage.objects import ABSENT, S3Address, explained
from batch_assets.storage.tables import Tables

EMBEDDINGS, INDEX = "embedding_table", "vector_index"


@dataclass(frozen=True)
class TableVersions:
    """Versions of a partition's two tables, `ABSENT` where there is none."""

    embeddings: str = ABSENT
    index: str = ABSENT


def table_versions(tables: Tables) -> dict[str, TableVersions]:
    """The versions of all partitions, at the cost of two listings."""
    embeddings, index = _versions(tables, EMBEDDINGS), _versions(tables, INDEX)
    partitions = sorted(embeddings.keys() | index.keys())
    return {name: TableVersions(embeddings.get(name, ABSENT), index.get(name, ABSENT)) for name in partitions}


def _versions(tables: Tables, table: str) -> dict[str, str]:
    folder = S3Address(tables.root.bucket, f"{tables.root.key}{tables.catalog.path(table, '').folder}partition=")
    with explained(folder.uri):
        pages = tables.client.get_paginator("list_objects_v2").paginate(Bucket=folder.bucket, Prefix=folder.key)
        found = {entry["Key"]: str(entry["ETag"]) for page in pages for entry in page.get("Contents", [])}
    partitions = {key: unquote(key[len(folder.key) :].split("/")[0]) for key in found}
    return {name: found[key] for key, name in partitions.items() if key.endswith(tables.catalog.path(table, name).key)}
