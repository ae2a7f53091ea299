"""A service without rate limit, and one small cosine index in it."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from batch_assets.sandbox.s3vectors.service import S3VectorsService

Put = Callable[..., None]


@pytest.fixture
def service() -> S3VectorsService:
    """Give a service on a day when indexes are ENHANCED."""
    return S3VectorsService(
        account_id="123456789012",
        region="us-east-1",
        clock=lambda: dt.datetime(2026, 11, 1, tzinfo=dt.UTC),
        new_rate=lambda: None,
    )


@pytest.fixture
def index(service: S3VectorsService) -> dict[str, Any]:
    """Give the address of a three-dimensional cosine index whose key ``note`` is not filterable."""
    service.create_vector_bucket({"vectorBucketName": "pictures"})
    address = {"vectorBucketName": "pictures", "indexName": "nova"}
    service.create_index(
        address
        | {
            "dataType": "float32",
            "dimension": 3,
            "distanceMetric": "cosine",
            "metadataConfiguration": {"nonFilterableMetadataKeys": ["note"]},
        }
    )
    return address


@pytest.fixture
def put(service: S3VectorsService, index: dict[str, Any]) -> Put:
    """Give a shorthand that puts one vector."""

    def put_one(key: str, values: list[float], **metadata: object) -> None:
        record = {"key": key, "data": {"float32": values}, "metadata": metadata}
        service.put_vectors(index | {"vectors": [record]})

    return put_one
