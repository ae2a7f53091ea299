"""What the index table of a partition says of the index that its rows are in."""

from datetime import datetime

from batch_assets.storage.tables import Facts
from batch_assets.vectors.index import IndexDescription


def index_facts(index: IndexDescription, space: str, table_version: str | None) -> Facts:
    """What the index table says besides its rows; `table_version` is that of the rows, None if some are doubtful."""
    return {
        "space": space,
        "vector_bucket": index.bucket,
        "index": index.name,
        "index_created": index.created.isoformat(),
        "indexed_version": table_version,
    }


def speaks_of(facts: Facts, index: IndexDescription | None) -> bool:
    """Whether an index table speaks of the index that exists: one that was made anew holds nothing."""
    if index is None or not facts.get("index_created"):
        return False
    names = (facts.get("vector_bucket"), facts.get("index"))
    # The same moment may be written in two time zones.
    return names == (index.bucket, index.name) and datetime.fromisoformat(facts["index_created"]) == index.created
