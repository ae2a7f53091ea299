"""What the page says of the deployment that it shows."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from batch_assets.gallery.deployment import Deployment
from batch_assets.gallery.indexed_partitions import IndexedPartition, IndexedPartitions
from batch_assets.gallery.searching import formats
from batch_assets.gallery.uploads import max_upload_bytes


def about(deployment: Deployment, partitions: IndexedPartitions) -> Mapping[str, Any]:
    """Names, sizes and dates. Raises `SourceError` when the tables cannot be read."""
    settings, indexed = deployment.settings, partitions.all()
    first, last = _dates(deployment, indexed)
    return {
        "index": settings.index_name,
        "vector_bucket": settings.vector_bucket,
        "source_bucket": settings.source_bucket,
        "model_id": settings.model_id,
        "dimension": settings.dimension,
        "granularity": settings.template.granularity,
        "formats": sorted(formats(deployment)),
        "first_date": first.isoformat(),
        "last_date": last.isoformat(),
        "count": None,
        "dagster_url": deployment.dagster_url,
        "max_upload_bytes": max_upload_bytes(deployment),
        "note": deployment.note,
    }


def _dates(deployment: Deployment, indexed: Sequence[IndexedPartition]) -> tuple[date, date]:
    """The first and the last day of what is indexed; of the first partition while nothing is."""
    template = deployment.settings.template
    moments = [partition.moment for partition in indexed] or [template.moment(deployment.settings.first_partition)]
    first, last = moments[0].date(), moments[-1].date()
    if template.granularity == "monthly":
        last = (last.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    return first, last
