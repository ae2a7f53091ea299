"""Creating, describing and refusing an index."""

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from batch_assets.errors import VectorIndexError
from batch_assets.vectors.index import IndexDescription, IndexOwner, describe_index, ensure_index
from batch_assets.vectors.metadata import NON_FILTERABLE_KEYS
from tests.conftest import Aws

if TYPE_CHECKING:
    from mypy_boto3_s3vectors import S3VectorsClient

OWNER = IndexOwner(source_bucket="photos", space="model--4")


def ensure(
    client: "S3VectorsClient", bucket: str, *, dimension: int = 4, owner: IndexOwner = OWNER
) -> IndexDescription:
    """Ensure the index `pictures`."""
    return ensure_index(client, bucket=bucket, index="pictures", dimension=dimension, owner=owner)


def create_by_hand(client: "S3VectorsClient", bucket: str, **changes: Any) -> None:
    """Create a fitting index without this project's tags, but for the changes."""
    client.create_vector_bucket(vectorBucketName=bucket)
    settings: dict[str, Any] = {
        "dataType": "float32",
        "dimension": 4,
        "distanceMetric": "cosine",
        "metadataConfiguration": {"nonFilterableMetadataKeys": list(NON_FILTERABLE_KEYS)},
    }
    client.create_index(vectorBucketName=bucket, indexName="pictures", **(settings | changes))


def test_bucket_and_index_are_created_when_absent(s3vectors: "S3VectorsClient", vector_bucket: str) -> None:
    """The description holds what was asked for, and the tags name the owner."""
    created = ensure(s3vectors, vector_bucket)
    assert (created.dimension, created.distance_metric) == (4, "cosine")
    assert created.non_filterable_keys == ("etag", "job_id", "record_id", "s3_uri")
    assert created.arn.endswith(f":bucket/{vector_bucket}/index/pictures")
    assert s3vectors.list_tags_for_resource(resourceArn=created.arn)["tags"] == {
        "batch-assets:source-bucket": "photos",
        "batch-assets:space": "model--4",
        "batch-assets:created-by": "batch-assets",
    }


def test_a_second_time_changes_nothing(s3vectors: "S3VectorsClient", vector_bucket: str) -> None:
    """The same index, with the same creation time, is returned."""
    assert ensure(s3vectors, vector_bucket) == ensure(s3vectors, vector_bucket)


@pytest.mark.parametrize("trouble", [{"cut": "before"}, {"cut": "after"}, {"error": {"code": "Busy", "status": 429}}])
@pytest.mark.parametrize(
    "operation", ["GetIndex", "CreateVectorBucket", "CreateIndex", "ListTagsForResource", "TagResource"]
)
def test_a_call_that_is_disturbed_is_repeated(
    aws: Aws, s3vectors: "S3VectorsClient", vector_bucket: str, operation: str, trouble: dict[str, Any]
) -> None:
    """Whether or not it had its effect, the index is there in the end, and it is ours."""
    if operation == "TagResource":
        create_by_hand(s3vectors, vector_bucket)
    aws.control("faults", {"service": "s3vectors", "operation": operation, "times": 1, **trouble})
    arn = ensure(s3vectors, vector_bucket).arn
    aws.control("faults", method="DELETE")
    assert s3vectors.list_tags_for_resource(resourceArn=arn)["tags"]["batch-assets:space"] == "model--4"


def test_an_absent_index_is_described_as_none(s3vectors: "S3VectorsClient", vector_bucket: str) -> None:
    """Describing creates nothing, neither index nor bucket."""
    assert describe_index(s3vectors, bucket=vector_bucket, index="pictures") is None
    assert s3vectors.list_vector_buckets(prefix=vector_bucket)["vectorBuckets"] == []


def test_another_creation_time_tells_another_index(s3vectors: "S3VectorsClient", vector_bucket: str) -> None:
    """An index that was deleted and made again is not the same."""
    first = ensure(s3vectors, vector_bucket)
    s3vectors.delete_index(indexArn=first.arn)
    assert ensure(s3vectors, vector_bucket).created > first.created


def test_all_at_once_get_one_index(s3vectors: "S3VectorsClient", vector_bucket: str) -> None:
    """Eight that create it together all succeed and agree."""
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: ensure(s3vectors, vector_bucket), range(8)))
    assert len(set(found)) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dimension": 8}, "dimension is 8, needed is 4"),
        ({"distanceMetric": "euclidean"}, "distance metric is euclidean, needed is cosine"),
        (
            {"metadataConfiguration": {"nonFilterableMetadataKeys": ["etag"]}},
            r"non-filterable metadata keys is \('etag',\), needed is \('etag', 'job_id', 'record_id', 's3_uri'\)",
        ),
    ],
)
def test_an_index_that_does_not_fit_is_refused_with_both_values(
    s3vectors: "S3VectorsClient", vector_bucket: str, changes: dict[str, Any], message: str
) -> None:
    """Dimension, metric and non-filterable keys are immutable, so each is an error."""
    create_by_hand(s3vectors, vector_bucket, **changes)
    with pytest.raises(VectorIndexError, match=message):
        ensure(s3vectors, vector_bucket)


@pytest.mark.parametrize(
    ("owner", "message"),
    [
        (IndexOwner(source_bucket="scans", space="model--4"), "source bucket 'photos', not to 'scans'"),
        (IndexOwner(source_bucket="photos", space="other--4"), "space 'model--4', not to 'other--4'"),
    ],
)
def test_an_index_of_another_owner_is_refused_with_both_names(
    s3vectors: "S3VectorsClient", vector_bucket: str, owner: IndexOwner, message: str
) -> None:
    """Two source buckets, or two spaces, never share an index."""
    ensure(s3vectors, vector_bucket)
    with pytest.raises(VectorIndexError, match=message):
        ensure(s3vectors, vector_bucket, owner=owner)


def test_an_index_made_by_hand_is_claimed(s3vectors: "S3VectorsClient", vector_bucket: str) -> None:
    """One that fits and has no owner yet gets the owner's tags."""
    create_by_hand(s3vectors, vector_bucket)
    claimed = ensure(s3vectors, vector_bucket)
    tags = s3vectors.list_tags_for_resource(resourceArn=claimed.arn)["tags"]
    assert tags["batch-assets:source-bucket"] == "photos"


def test_a_refused_creation_says_where(s3vectors: "S3VectorsClient") -> None:
    """A name that the service does not take comes back with bucket, index and its reason."""
    with pytest.raises(VectorIndexError, match=r"index 'pictures' .* vector bucket 'Photos'.*Invalid vector bucket"):
        ensure(s3vectors, "Photos")
