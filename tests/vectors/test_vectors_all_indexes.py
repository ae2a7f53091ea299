"""Several indexes asked together."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from batch_assets.errors import SearchError
from batch_assets.settings import Settings, load_settings
from batch_assets.vectors import all_indexes
from batch_assets.vectors.all_indexes import index_names, search_deployment
from batch_assets.vectors.index import IndexOwner, ensure_index
from batch_assets.vectors.search import Criteria
from batch_assets.vectors.writer import VectorBlock, VectorWriter
from tests.test_settings import REQUIRED

if TYPE_CHECKING:
    from mypy_boto3_s3vectors import S3VectorsClient

PARTITIONS = ["2024/12/30", "2024/12/31", "2025/01/01", "2025/01/02"]


@pytest.fixture
def deployment(s3vectors: "S3VectorsClient", vector_bucket: str) -> Settings:
    """A vector a partition, each farther from (1, 0, 0, 0) than the one before, in the indexes of two years."""
    settings = load_settings(**REQUIRED | {"vector_bucket": vector_bucket}, index_name="photos-%Y", _env_file=None)
    for number, partition in enumerate(PARTITIONS):
        name = settings.index_names.name(partition)
        owner = IndexOwner(source_bucket="photos", space="model--4")
        ensure_index(s3vectors, bucket=vector_bucket, index=name, dimension=4, owner=owner)
        vectors = np.array([[1, number, 0, 0]], np.float32)
        VectorWriter(s3vectors, vector_bucket, name).put(
            [VectorBlock([partition], vectors, [{"partition": partition}])]
        )
    return settings


def found(client: "S3VectorsClient", settings: Settings, top_k: int = 10, **criteria: Any) -> list[str]:
    """Keys of the nearest vectors."""
    vector = [1.0, 0.0, 0.0, 0.0]
    matches = search_deployment(client, settings, vector=vector, top_k=top_k, criteria=Criteria(**criteria))
    return [match.key for match in matches]


def test_all_indexes_are_asked_and_their_matches_merged(s3vectors: "S3VectorsClient", deployment: Settings) -> None:
    """Nearest first; the years without pictures have no index."""
    assert len(index_names(deployment)) > 2
    assert found(s3vectors, deployment) == PARTITIONS
    assert found(s3vectors, deployment, top_k=3) == PARTITIONS[:3]


@pytest.mark.parametrize("chosen", [PARTITIONS[:1], PARTITIONS[1:3], PARTITIONS[2:], []])
def test_partitions_narrow_the_indexes_that_are_asked(
    s3vectors: "S3VectorsClient", deployment: Settings, chosen: list[str]
) -> None:
    """An index is asked only for partitions of its own."""
    asked = all_indexes._asked(deployment, Criteria(partitions=tuple(chosen)))
    assert {name: list(criteria.partitions or ()) for name, criteria in asked.items()} == (
        deployment.index_names.by_name(chosen)
    )
    assert found(s3vectors, deployment, partitions=tuple(chosen)) == chosen


def test_a_deployment_without_any_index_says_what_to_do(s3vectors: "S3VectorsClient", vector_bucket: str) -> None:
    """Before the first load there is nothing to search."""
    settings = load_settings(**REQUIRED | {"vector_bucket": vector_bucket}, index_name="photos-%Y", _env_file=None)
    with pytest.raises(SearchError, match=r"none of the indexes 'photos-2024', .* exists: load a partition first"):
        found(s3vectors, settings)
