"""The columns of the tables of the graph, by name."""

from collections.abc import Mapping

import pyarrow as pa

from batch_assets.bedrock.join import embedding_schema
from batch_assets.bedrock.ledger import LEDGER
from batch_assets.bedrock.manifest import MANIFEST
from batch_assets.bedrock.rejections import REJECTED
from batch_assets.storage.listing import INVENTORY
from batch_assets.vectors.index_table import INDEX_TABLE


def table_schemas(dimension: int) -> Mapping[str, pa.Schema]:
    """Schemas of the tables that have a partition a date prefix, in the order of the graph."""
    return {
        "image_inventory": INVENTORY,
        "batch_manifest": MANIFEST,
        "batch_job": LEDGER,
        "embedding_table": embedding_schema(dimension),
        "rejected_images": REJECTED,
        "vector_index": INDEX_TABLE,
    }
