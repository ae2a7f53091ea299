"""Foreign manifests in a folder that several partitions share: all are found, whatever folder they lie in."""

import pytest

from batch_assets.errors import SourceError
from batch_assets.partitions import LOCK_NAME, PrefixTemplate
from batch_assets.storage.lane_listing import MAX_NAMED, foreign_manifests_in_lane
from batch_assets.storage.objects import S3Address
from tests.conftest import Aws

DAILY = PrefixTemplate("photos/dt=%Y-%m-%d/")
NESTED = PrefixTemplate("photos/year=%Y/month=%m/raw/")


@pytest.fixture
def bucket(aws: Aws) -> str:
    """Give an empty bucket."""
    return aws.new_bucket("pictures")


def found(
    aws: Aws, bucket: str, *keys: str, template: PrefixTemplate = DAILY, listed: tuple[str, ...] = ()
) -> list[str]:
    """Put empty objects, and look through the lane."""
    for key in keys:
        aws.s3.put_object(Bucket=bucket, Key=key)
    return foreign_manifests_in_lane(aws.s3, S3Address(bucket, "photos/"), template, listed=listed)


def test_files_directly_in_the_lane_are_found_but_not_its_lock(aws: Aws, bucket: str) -> None:
    """The lock has a fixed name; files beside the lane are nobody's concern."""
    keys = ("photos/.jsonl", "photos/a.JSONL", f"photos/{LOCK_NAME}", "photos/c.jpg", "other/d.jsonl", "photos.jsonl")
    assert found(aws, bucket, *keys) == ["photos/.jsonl", "photos/a.JSONL"]


def test_files_in_folders_that_are_no_partition_are_found_however_deep(aws: Aws, bucket: str) -> None:
    """Bedrock reads every folder below the lane; a folder of the right form that is no date is no partition."""
    keys = ["photos/dt=2024-13-01/a.jsonl", "photos/exports/2024/deep/b.jsonl", f"photos/old/{LOCK_NAME}"]
    assert found(aws, bucket, *keys) == keys


def test_partitions_that_were_listed_are_told_by_their_inventories_and_others_looked_through(
    aws: Aws, bucket: str
) -> None:
    """A backfill does not list each partition again for each of its jobs."""
    keys = ("photos/dt=2024-01-01/a.jsonl", "photos/dt=2024-01-02/deep/b.jsonl")
    assert found(aws, bucket, *keys, listed=("2024-01-01",)) == ["photos/dt=2024-01-02/deep/b.jsonl"]


def test_folders_above_the_partitions_are_walked(aws: Aws, bucket: str) -> None:
    """With a template of several folders a foreign file may lie at each level, and beside the partition itself."""
    keys = [
        "photos/year=2024/a.jsonl",
        "photos/year=2024/month=01/b.jsonl",
        "photos/year=2024/month=01/raw2/c.jsonl",
        "photos/year=x/d.jsonl",
    ]
    listed = "photos/year=2024/month=01/raw/e.jsonl"
    assert found(aws, bucket, *keys, listed, template=NESTED, listed=("2024/month=01",)) == keys


def test_no_more_files_are_named_than_a_person_reads(aws: Aws, bucket: str) -> None:
    """One is enough to refuse the lane."""
    assert len(found(aws, bucket, *(f"photos/x/{number:02}.jsonl" for number in range(MAX_NAMED + 5)))) == MAX_NAMED


def test_a_missing_bucket_is_told(aws: Aws) -> None:
    """With what to check."""
    with pytest.raises(SourceError, match="the bucket does not exist"):
        found(aws, "no-such-bucket-here")
