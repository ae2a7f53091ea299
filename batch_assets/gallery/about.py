"""What the page says of the deployment that it shows."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

from batch_assets.gallery.deployment import Deployment
from batch_assets.gallery.indexed_partitions import IndexedPartition, IndexedPartitions
from batch_assets.gallery.searching import formats
from batch_assets.gallery.uploads import max_upload_bytes

_CALLS_IN_FLIGHT = 16
_COUNTED_AT_ONCE = 64
"""Tables that are looked into while somebody waits; more are counted behind the request."""


class About:
    """Names, sizes and dates of a deployment."""

    def __init__(self, deployment: Deployment, partitions: IndexedPartitions) -> None:
        self._deployment, self._partitions = deployment, partitions
        self._rows: dict[IndexedPartition, int] = {}
        self._counting = threading.Lock()

    def answer(self) -> Mapping[str, Any]:
        """Raises `SourceError` when the tables cannot be read."""
        settings, indexed = self._deployment.settings, self._partitions.all()
        first, last = _dates(self._deployment, indexed)
        return {
            "index": settings.index_name,
            "vector_bucket": settings.vector_bucket,
            "source_bucket": settings.source_bucket,
            "model_id": settings.model_id,
            "dimension": settings.dimension,
            "granularity": settings.template.granularity,
            "formats": sorted(formats(self._deployment)),
            "first_date": first.isoformat(),
            "last_date": last.isoformat(),
            "count": self._count(indexed),
            "dagster_url": self._deployment.dagster_url,
            "max_upload_bytes": max_upload_bytes(self._deployment),
            "note": self._deployment.note,
        }

    def _count(self, indexed: Sequence[IndexedPartition]) -> int | None:
        """Rows of the embedding tables, or None while they are counted."""
        unknown = [partition for partition in indexed if partition not in self._rows]
        if len(unknown) > _COUNTED_AT_ONCE:
            threading.Thread(target=self._look_into, args=(unknown,), daemon=True).start()
            return None
        self._look_into(unknown)
        return sum(self._rows[partition] for partition in indexed)

    def _look_into(self, partitions: Iterable[IndexedPartition]) -> None:
        with self._counting, ThreadPoolExecutor(_CALLS_IN_FLIGHT) as pool:
            missing = [partition for partition in partitions if partition not in self._rows]
            self._rows.update(zip(missing, pool.map(self._rows_of, missing), strict=True))

    def _rows_of(self, partition: IndexedPartition) -> int:
        return self._deployment.tables.partition("embedding_table", partition.key).rows_count


def _dates(deployment: Deployment, indexed: Sequence[IndexedPartition]) -> tuple[date, date]:
    """The first and the last day of what is indexed; of the first partition while nothing is."""
    template = deployment.settings.template
    moments = [partition.moment for partition in indexed] or [template.moment(deployment.settings.first_partition)]
    first, last = moments[0].date(), moments[-1].date()
    if template.granularity == "monthly":
        last = (last.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    return first, last
