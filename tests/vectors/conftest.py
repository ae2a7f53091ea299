"""The sandbox's S3 Vectors, and one small index of its own for each test."""

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from batch_assets.vectors.index import IndexOwner, ensure_index

if TYPE_CHECKING:
    from mypy_boto3_s3vectors import S3VectorsClient

_numbers = itertools.count()


@dataclass(frozen=True)
class Address:
    """Where a test's vectors go."""

    bucket: str
    index: str


@pytest.fixture(scope="session")
def s3vectors(aws: Any) -> "S3VectorsClient":
    """Give a client that repeats nothing by itself, so that a test sees every refusal."""
    client: S3VectorsClient = aws.s3vectors
    return client


@pytest.fixture
def vector_bucket() -> str:
    """Give a name that no other test uses."""
    return f"vectors-{next(_numbers)}"


@pytest.fixture
def address(s3vectors: "S3VectorsClient", vector_bucket: str) -> Address:
    """Give an empty four-dimensional index."""
    owner = IndexOwner(source_bucket="photos", space="model--4")
    ensure_index(s3vectors, bucket=vector_bucket, index="pictures", dimension=4, owner=owner)
    return Address(vector_bucket, "pictures")
