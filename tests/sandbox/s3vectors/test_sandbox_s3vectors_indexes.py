"""Vector indexes of the sandbox's S3 Vectors."""

import datetime as dt
from typing import Any

import pytest

from batch_assets.sandbox.errors import ModelledError
from batch_assets.sandbox.s3vectors.service import S3VectorsService

INDEX_ARN = "arn:aws:s3vectors:us-east-1:123456789012:bucket/pictures/index/nova"
SETTINGS = {"dataType": "float32", "dimension": 3, "distanceMetric": "cosine"}


def test_an_index_is_described_as_it_was_created(service: S3VectorsService, index: dict[str, Any]) -> None:
    """GetIndex, by ARN, gives back every setting and the creation time."""
    assert service.get_index({"indexArn": INDEX_ARN})["index"] == {
        "vectorBucketName": "pictures",
        "indexName": "nova",
        "indexArn": INDEX_ARN,
        "creationTime": dt.datetime(2026, 11, 1, tzinfo=dt.UTC),
        "dataType": "float32",
        "dimension": 3,
        "distanceMetric": "cosine",
        "metadataConfiguration": {"nonFilterableMetadataKeys": ["note"]},
        "encryptionConfiguration": {"sseType": "AES256"},
        "indexMode": "ENHANCED",
    }
    assert service.get_index(index)["index"]["indexArn"] == INDEX_ARN


def test_an_existing_index_is_never_replaced(service: S3VectorsService, index: dict[str, Any], put: Any) -> None:
    """Creating it again, even with other settings, is a conflict and keeps its vectors."""
    put("a", [1.0, 0.0, 0.0])
    with pytest.raises(ModelledError) as error:
        service.create_index(index | SETTINGS | {"dimension": 4})
    assert error.value.code == "ConflictException"
    assert len(service.get_vectors(index | {"keys": ["a"]})["vectors"]) == 1


@pytest.mark.parametrize("name", ["Nova", ".nova", "nova-", "no_va"])
def test_a_wrong_index_name_is_refused(service: S3VectorsService, index: dict[str, Any], name: str) -> None:
    """Names take lower-case letters, digits, inner hyphens and dots."""
    with pytest.raises(ModelledError) as error:
        service.create_index(index | SETTINGS | {"indexName": name})
    assert error.value.code == "ValidationException"


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"indexName": "nova"},
        {"vectorBucketName": "pictures"},
        {"indexArn": INDEX_ARN, "indexName": "nova"},
        {"indexArn": INDEX_ARN, "vectorBucketName": "pictures", "indexName": "nova"},
    ],
)
def test_an_index_is_addressed_one_way(service: S3VectorsService, members: dict[str, str]) -> None:
    """Both names or the ARN: anything else is refused with the service's words."""
    with pytest.raises(ModelledError) as error:
        service.get_index(members)
    assert error.value.message == "Must specify either indexArn or both vectorBucketName and indexName"


@pytest.mark.parametrize(
    "members",
    [
        {"vectorBucketName": "pictures", "indexName": "other"},
        {"vectorBucketName": "missing", "indexName": "nova"},
        {"indexArn": "arn:aws:s3vectors:us-east-1:999999999999:bucket/pictures/index/nova"},
    ],
)
def test_a_missing_index_is_not_found(
    service: S3VectorsService, index: dict[str, Any], members: dict[str, str]
) -> None:
    """A missing bucket also answers that the index is missing."""
    assert service.get_index(index)
    with pytest.raises(ModelledError) as error:
        service.put_vectors(members | {"vectors": []})
    assert (error.value.code, error.value.message) == (
        "NotFoundException",
        "The specified index could not be found",
    )


def test_indexes_are_listed_by_name_in_pages(service: S3VectorsService, index: dict[str, Any]) -> None:
    """The token leads from one page to the next."""
    service.create_index(index | SETTINGS | {"indexName": "another"})
    bucket = {"vectorBucketName": "pictures", "maxResults": 1}
    first = service.list_indexes(bucket)
    second = service.list_indexes(bucket | {"nextToken": first["nextToken"]})
    assert [page["indexes"][0]["indexName"] for page in (first, second)] == ["another", "nova"]
    assert "nextToken" not in second


def test_a_deleted_index_is_gone_with_its_vectors(service: S3VectorsService, index: dict[str, Any], put: Any) -> None:
    """An index of the same name starts empty."""
    put("a", [1.0, 0.0, 0.0])
    service.delete_index(index)
    service.create_index(index | SETTINGS)
    assert service.list_vectors(index)["vectors"] == []


def test_classic_is_refused_in_a_new_bucket(service: S3VectorsService, index: dict[str, Any]) -> None:
    """Buckets made since 30 September 2026 know ENHANCED indexes only."""
    with pytest.raises(ModelledError) as error:
        service.update_index_mode(index | {"indexMode": "CLASSIC"})
    assert error.value.code == "ValidationException"


def test_an_old_bucket_makes_classic_indexes_until_told_otherwise() -> None:
    """The mode depends on the bucket's day of creation and can be raised to ENHANCED."""
    service = S3VectorsService(
        account_id="123456789012",
        region="us-east-1",
        clock=lambda: dt.datetime(2026, 9, 29, tzinfo=dt.UTC),
    )
    address = {"vectorBucketName": "pictures", "indexName": "nova"}
    service.create_vector_bucket({"vectorBucketName": "pictures"})
    service.create_index(address | SETTINGS)
    assert service.get_index(address)["index"]["indexMode"] == "CLASSIC"
    service.update_index_mode(address | {"indexMode": "ENHANCED"})
    assert service.get_index(address)["index"]["indexMode"] == "ENHANCED"
    service.put_vector_bucket_default_index_mode({"vectorBucketName": "pictures", "defaultIndexMode": "ENHANCED"})
    service.create_index(address | SETTINGS | {"indexName": "later"})
    assert service.get_index(address | {"indexName": "later"})["index"]["indexMode"] == "ENHANCED"


def test_text_search_keys_are_added_and_deleted(service: S3VectorsService, index: dict[str, Any]) -> None:
    """UpdateMetadataConfiguration changes text search and leaves the non-filterable keys."""
    key = {"metadataKey": "caption"}
    service.update_metadata_configuration(index | {"add": {"textSearchConfigurations": [key]}})
    assert service.get_index(index)["index"]["metadataConfiguration"] == {
        "nonFilterableMetadataKeys": ["note"],
        "textSearchConfigurations": [key | {"status": "ACTIVE"}],
    }
    service.update_metadata_configuration(index | {"delete": {"textSearchConfigurations": [key]}})
    assert "textSearchConfigurations" not in service.get_index(index)["index"]["metadataConfiguration"]
