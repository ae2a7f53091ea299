"""The vector bucket and index of one embedding space and one source bucket."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, TypeVar

from botocore.exceptions import ClientError, HTTPClientError

from batch_assets.errors import VectorIndexError
from batch_assets.vectors.backoff import Backoff
from batch_assets.vectors.metadata import NON_FILTERABLE_KEYS

if TYPE_CHECKING:
    from mypy_boto3_s3vectors import S3VectorsClient

DISTANCE_METRIC: Literal["cosine"] = "cosine"
SOURCE_BUCKET_TAG = "batch-assets:source-bucket"
SPACE_TAG = "batch-assets:space"
CREATOR_TAG = "batch-assets:created-by"
OWNED_BY = {SOURCE_BUCKET_TAG: "source bucket", SPACE_TAG: "embedding space"}
"""What a tag tells of an index's owner."""

_REFUSALS = (ClientError, HTTPClientError)
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, kw_only=True)
class IndexDescription:
    """An index that exists.

    Attributes:
        bucket: Vector bucket.
        name: Index.
        arn: ARN of the index.
        created: Another creation time means another, empty index.
        dimension: Length of its vectors.
        distance_metric: ``cosine`` or ``euclidean``.
        non_filterable_keys: Metadata keys that no filter can name, sorted.
    """

    bucket: str
    name: str
    arn: str
    created: datetime
    dimension: int
    distance_metric: str
    non_filterable_keys: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class IndexOwner:
    """Whose vectors an index holds: kept as its tags.

    Attributes:
        source_bucket: The bucket of the images: vector keys are its object keys.
        space: Slug of the embedding space.
        creator: Who made the index, for people.
    """

    source_bucket: str
    space: str
    creator: str = "batch-assets"

    def tags(self) -> dict[str, str]:
        """Return the tags of CreateIndex."""
        return {SOURCE_BUCKET_TAG: self.source_bucket, SPACE_TAG: self.space, CREATOR_TAG: self.creator}


def describe_index(client: "S3VectorsClient", *, bucket: str, index: str) -> IndexDescription | None:
    """Return the index, or None if it or its bucket does not exist.

    Raises:
        VectorIndexError: If the service refuses to say.
    """
    try:
        found = _repeated(lambda: client.get_index(vectorBucketName=bucket, indexName=index))["index"]
    except client.exceptions.NotFoundException:
        return None
    except _REFUSALS as error:
        raise VectorIndexError(f"cannot read index {index!r} of vector bucket {bucket!r}: {error}") from error
    configuration = found.get("metadataConfiguration", {})
    return IndexDescription(
        bucket=bucket,
        name=index,
        arn=found["indexArn"],
        created=found["creationTime"].astimezone(UTC),
        dimension=found["dimension"],
        distance_metric=found["distanceMetric"],
        non_filterable_keys=tuple(sorted(configuration.get("nonFilterableMetadataKeys", []))),
    )


def ensure_index(
    client: "S3VectorsClient", *, bucket: str, index: str, dimension: int, owner: IndexOwner
) -> IndexDescription:
    """Return the index, created with its bucket where absent; an index that does not fit is refused.

    Safe against others who do the same at the same time. Needs s3vectors:GetIndex and
    ListTagsForResource; to create, CreateIndex, CreateVectorBucket and TagResource. An index that fits
    but carries no tags of this project is tagged.

    Raises:
        VectorIndexError: If dimension, metric or non-filterable keys differ (they cannot be changed), or
            the index belongs to another source bucket or space; the message shows both values.
    """
    description = describe_index(client, bucket=bucket, index=index)
    if description is None:
        try:
            _create(client, bucket=bucket, index=index, dimension=dimension, owner=owner)
        except _REFUSALS as error:
            raise VectorIndexError(f"cannot create index {index!r} in vector bucket {bucket!r}: {error}") from error
        description = describe_index(client, bucket=bucket, index=index)
    if description is None:
        raise VectorIndexError(
            f"index {index!r} of vector bucket {bucket!r} was deleted while it was being created: run again"
        )
    check_fit(description, dimension=dimension)
    _check_owner(client, description, owner)
    return description


def differences(description: IndexDescription, *, dimension: int) -> list[str]:
    """Return each immutable setting of an index that is not as this project needs it, with both values."""
    wanted: Mapping[str, object] = {
        "dimension": dimension,
        "distance metric": DISTANCE_METRIC,
        "non-filterable metadata keys": tuple(sorted(NON_FILTERABLE_KEYS)),
    }
    found: Mapping[str, object] = {
        "dimension": description.dimension,
        "distance metric": description.distance_metric,
        "non-filterable metadata keys": description.non_filterable_keys,
    }
    return [f"{name} is {found[name]}, needed is {wanted[name]}" for name in wanted if found[name] != wanted[name]]


def check_fit(description: IndexDescription, *, dimension: int) -> None:
    """Refuse an index whose immutable settings differ from those that this project uses.

    Raises:
        VectorIndexError: Listing every setting that differs, with both values.
    """
    different = differences(description, dimension=dimension)
    if different:
        raise VectorIndexError(
            f"index {description.name!r} of vector bucket {description.bucket!r} does not fit: "
            f"{'; '.join(different)}. These cannot be changed: name another index, or delete this one"
        )


def foreign_tags(tags: Mapping[str, str], owner: IndexOwner) -> dict[str, str]:
    """Return the tags of an index that name another source bucket or space than its owner's; absent ones do not."""
    mine = owner.tags()
    return {tag: tags[tag] for tag in (SOURCE_BUCKET_TAG, SPACE_TAG) if tags.get(tag, mine[tag]) != mine[tag]}


def _create(client: "S3VectorsClient", *, bucket: str, index: str, dimension: int, owner: IndexOwner) -> None:
    try:
        _create_index(client, bucket=bucket, index=index, dimension=dimension, owner=owner)
    except client.exceptions.NotFoundException:
        _create_bucket(client, bucket)
        _create_index(client, bucket=bucket, index=index, dimension=dimension, owner=owner)


def _create_bucket(client: "S3VectorsClient", bucket: str) -> None:
    try:
        _repeated(lambda: client.create_vector_bucket(vectorBucketName=bucket))
    except client.exceptions.ConflictException:
        return  # somebody else was first, or an attempt whose answer was lost


def _create_index(client: "S3VectorsClient", *, bucket: str, index: str, dimension: int, owner: IndexOwner) -> None:
    try:
        _repeated(
            lambda: client.create_index(
                vectorBucketName=bucket,
                indexName=index,
                dataType="float32",
                dimension=dimension,
                distanceMetric=DISTANCE_METRIC,
                metadataConfiguration={"nonFilterableMetadataKeys": list(NON_FILTERABLE_KEYS)},
                tags=owner.tags(),
            )
        )
    except client.exceptions.ConflictException:
        return  # somebody else was first, or an attempt whose answer was lost; whether it fits is checked next


def _check_owner(client: "S3VectorsClient", description: IndexDescription, owner: IndexOwner) -> None:
    try:
        tags = _repeated(lambda: client.list_tags_for_resource(resourceArn=description.arn))["tags"]
        missing = {name: value for name, value in owner.tags().items() if name not in tags}
        _refuse_other_owner(description, tags, owner)
        if missing:
            _repeated(lambda: client.tag_resource(resourceArn=description.arn, tags=missing))
    except _REFUSALS as error:
        raise VectorIndexError(f"cannot read or set the tags of {description.arn}: {error}") from error


def _refuse_other_owner(description: IndexDescription, tags: Mapping[str, str], owner: IndexOwner) -> None:
    for tag, theirs in foreign_tags(tags, owner).items():
        raise VectorIndexError(
            f"index {description.name!r} of vector bucket {description.bucket!r} belongs to {OWNED_BY[tag]} "
            f"{theirs!r}, not to {owner.tags()[tag]!r}: name another index"
        )


def _repeated(call: Callable[[], _Answer]) -> _Answer:
    return Backoff().repeat(call)
