"""The vector indexes of a deployment: one, or one for each date of an index name such as `photos-%Y`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from batch_assets.settings import Settings
from batch_assets.vectors.search import Criteria, Match, ranking

if TYPE_CHECKING:
    from mypy_boto3_s3vectors import S3VectorsClient


def index_names(settings: Settings) -> list[str]:
    """Names of the indexes of all partitions that have begun, whether the indexes exist or not."""
    names = settings.index_names
    return [names.form] if names.is_one else list(names.by_name(_partitions(settings)))


def search_deployment(
    client: "S3VectorsClient",
    settings: Settings,
    *,
    vector: Sequence[float] | NDArray[np.float32],
    top_k: int,
    criteria: Criteria | None = None,
) -> Iterator[Match]:
    """Yield the nearest vectors of a deployment; partitions narrow the indexes that are asked.

    Raises:
        SearchError: As `ranking` does.
    """
    indexes = _asked(settings, criteria or Criteria())
    return ranking(client, bucket=settings.vector_bucket, indexes=indexes, vector=vector, top_k=top_k)


def _asked(settings: Settings, criteria: Criteria) -> Mapping[str, Criteria]:
    """What is asked of each index."""
    if settings.index_names.is_one or criteria.partitions is None:
        return dict.fromkeys(index_names(settings), criteria)
    narrowed = settings.index_names.by_name(criteria.partitions)
    return {name: replace(criteria, partitions=tuple(partitions)) for name, partitions in narrowed.items()}


def _partitions(settings: Settings) -> list[str]:
    now = datetime.now(ZoneInfo(settings.timezone)).replace(tzinfo=None)
    return list(settings.template.keys(settings.first_partition, now))
