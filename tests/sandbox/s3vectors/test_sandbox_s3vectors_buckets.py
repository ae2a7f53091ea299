"""Vector buckets, policies and tags of the sandbox's S3 Vectors."""

import datetime as dt
from typing import Any

import pytest

from batch_assets.sandbox.errors import ModelledError
from batch_assets.sandbox.s3vectors.service import S3VectorsService

BUCKET_ARN = "arn:aws:s3vectors:us-east-1:123456789012:bucket/pictures"


def refusal(error: pytest.ExceptionInfo[ModelledError]) -> tuple[str, str]:
    """Return code and message."""
    return error.value.code, error.value.message


def test_a_bucket_is_described_with_its_creation_time(service: S3VectorsService) -> None:
    """A new bucket has an ARN, a creation time, SSE-S3 and the ENHANCED mode."""
    service.create_vector_bucket({"vectorBucketName": "pictures"})
    assert service.get_vector_bucket({"vectorBucketArn": BUCKET_ARN})["vectorBucket"] == {
        "vectorBucketName": "pictures",
        "vectorBucketArn": BUCKET_ARN,
        "creationTime": dt.datetime(2026, 11, 1, tzinfo=dt.UTC),
        "encryptionConfiguration": {"sseType": "AES256"},
        "defaultIndexMode": "ENHANCED",
    }


@pytest.mark.parametrize("name", ["Pictures", "-pictures", "pictures-", "my.pictures", "my_pictures"])
def test_a_wrong_bucket_name_is_refused(service: S3VectorsService, name: str) -> None:
    """Names take lower-case letters, digits and inner hyphens."""
    with pytest.raises(ModelledError) as error:
        service.create_vector_bucket({"vectorBucketName": name})
    assert refusal(error) == ("ValidationException", "Invalid vector bucket name")


def test_a_taken_bucket_name_conflicts(service: S3VectorsService, index: dict[str, Any]) -> None:
    """Creating a bucket twice is a conflict and keeps its indexes."""
    with pytest.raises(ModelledError) as error:
        service.create_vector_bucket({"vectorBucketName": "pictures"})
    assert refusal(error) == (
        "ConflictException",
        "A vector bucket with the specified name already exists",
    )
    assert service.get_index(index)["index"]["dimension"] == 3


@pytest.mark.parametrize("members", [{}, {"vectorBucketName": "pictures", "vectorBucketArn": BUCKET_ARN}])
def test_a_bucket_is_addressed_one_way(service: S3VectorsService, members: dict[str, str]) -> None:
    """Neither name nor ARN, or both, is refused."""
    with pytest.raises(ModelledError) as error:
        service.get_vector_bucket(members)
    assert error.value.code == "ValidationException"


@pytest.mark.parametrize(
    "members",
    [
        {"vectorBucketName": "pictures"},
        {"vectorBucketArn": "arn:aws:s3vectors:eu-west-1:123456789012:bucket/pictures"},
    ],
)
def test_a_missing_bucket_is_not_found(service: S3VectorsService, members: dict[str, str]) -> None:
    """An unknown bucket, or one of another Region, is not found."""
    with pytest.raises(ModelledError) as error:
        service.delete_vector_bucket(members)
    assert refusal(error) == ("NotFoundException", "The specified vector bucket could not be found")


def test_only_an_empty_bucket_can_be_deleted(service: S3VectorsService, index: dict[str, Any]) -> None:
    """A bucket with an index stays; without, it goes."""
    with pytest.raises(ModelledError) as error:
        service.delete_vector_bucket({"vectorBucketName": "pictures"})
    assert refusal(error) == ("ConflictException", "The specified vector bucket is not empty")
    service.delete_index(index)
    service.delete_vector_bucket({"vectorBucketName": "pictures"})
    assert service.list_vector_buckets({})["vectorBuckets"] == []


def test_buckets_are_listed_by_name_in_pages(service: S3VectorsService) -> None:
    """A prefix chooses, ``maxResults`` cuts, the token goes on."""
    for name in ("b-2", "b-1", "b-3", "other"):
        service.create_vector_bucket({"vectorBucketName": name})
    first = service.list_vector_buckets({"prefix": "b-", "maxResults": 2})
    second = service.list_vector_buckets({"prefix": "b-", "maxResults": 2, "nextToken": first["nextToken"]})
    names = [bucket["vectorBucketName"] for page in (first, second) for bucket in page["vectorBuckets"]]
    assert names == ["b-1", "b-2", "b-3"]
    assert "nextToken" not in second


def test_a_made_up_token_is_refused(service: S3VectorsService) -> None:
    """A page token that the service did not give is a validation error."""
    with pytest.raises(ModelledError) as error:
        service.list_vector_buckets({"nextToken": "page-2"})
    assert error.value.code == "ValidationException"


def test_a_policy_is_stored_until_deleted(service: S3VectorsService) -> None:
    """A policy reads back as it was put, and is not found afterwards."""
    address = {"vectorBucketName": "pictures"}
    service.create_vector_bucket(address)
    service.put_vector_bucket_policy(address | {"policy": "{}"})
    assert service.get_vector_bucket_policy(address) == {"policy": "{}"}
    service.delete_vector_bucket_policy(address)
    with pytest.raises(ModelledError) as error:
        service.get_vector_bucket_policy(address)
    assert error.value.code == "NotFoundException"


def test_tags_are_given_at_creation_changed_and_removed(service: S3VectorsService, index: dict[str, Any]) -> None:
    """Tags of an index are reached by its ARN."""
    arn = service.get_index(index)["index"]["indexArn"]
    service.tag_resource({"resourceArn": arn, "tags": {"source": "photos", "team": "search"}})
    service.tag_resource({"resourceArn": arn, "tags": {"team": "images"}})
    service.untag_resource({"resourceArn": arn, "tagKeys": ["source", "unknown"]})
    assert service.list_tags_for_resource({"resourceArn": arn}) == {"tags": {"team": "images"}}


def test_a_resource_has_at_most_fifty_tags(service: S3VectorsService) -> None:
    """The fifty-first tag is refused."""
    tags = {f"key-{number}": "" for number in range(51)}
    with pytest.raises(ModelledError) as error:
        service.create_vector_bucket({"vectorBucketName": "pictures", "tags": tags})
    assert error.value.code == "ValidationException"


def test_tags_of_a_missing_resource_are_not_found(service: S3VectorsService) -> None:
    """An ARN without a resource behind it has no tags."""
    with pytest.raises(ModelledError) as error:
        service.list_tags_for_resource({"resourceArn": BUCKET_ARN})
    assert error.value.code == "NotFoundException"


@pytest.mark.parametrize(
    "encryption",
    [{"sseType": "aws:kms"}, {"sseType": "AES256", "kmsKeyArn": "arn:aws:kms:us-east-1:1:key/a"}],
)
def test_a_kms_key_goes_with_kms_alone(service: S3VectorsService, encryption: dict[str, str]) -> None:
    """KMS without a key, and a key without KMS, are refused."""
    with pytest.raises(ModelledError) as error:
        service.create_vector_bucket({"vectorBucketName": "pictures", "encryptionConfiguration": encryption})
    assert error.value.code == "ValidationException"
