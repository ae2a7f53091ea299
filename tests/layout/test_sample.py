"""A few keys from all over a bucket."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from batch_assets.layout.proposals import proposals
from batch_assets.layout.sample import MAX_CALLS, first_partition, sample_keys
from batch_assets.partitions import PrefixTemplate
from tests.conftest import Aws


@pytest.fixture
def bucket(aws: Aws) -> str:
    """An empty bucket."""
    return aws.new_bucket("layout")


def put(aws: Aws, bucket: str, keys: Iterable[str]) -> None:
    """Put small objects."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: aws.s3.put_object(Bucket=bucket, Key=key, Body=b"x"), keys))


class Counted:
    """A client of S3 that remembers the prefixes that it was asked to list."""

    def __init__(self, s3: Any) -> None:
        self.s3 = s3
        self.prefixes: list[str] = []

    def list_objects_v2(self, **request: Any) -> Any:
        """Remember, and ask for pages of 20."""
        self.prefixes.append(request["Prefix"])
        return self.s3.list_objects_v2(**request, MaxKeys=20)


def test_an_empty_bucket_has_no_keys(aws: Aws, bucket: str) -> None:
    """One call tells."""
    assert (sample_keys(aws.s3, bucket).keys, sample_keys(aws.s3, bucket).calls) == ([], 1)
    assert first_partition(aws.s3, bucket, PrefixTemplate("%Y/%m/%d/")) is None


def test_keys_come_from_the_first_and_the_last_folder_and_from_between(aws: Aws, bucket: str) -> None:
    """Two years of days cost a few calls, and their template is found."""
    keys = [
        f"photos/{year}/{month:02d}/{day:02d}/x.jpg"
        for year in (2023, 2024)
        for month in range(1, 13)
        for day in (1, 15)
    ]
    put(aws, bucket, [*keys, "photos/", "batch-assets/tables/2020/01/01/x.jpg", "readme.txt"])
    counted = Counted(aws.s3)
    sample = sample_keys(counted, bucket)
    assert {keys[0], keys[-1], "readme.txt"} <= set(sample.keys) <= {*keys, "readme.txt"}
    assert len(sample.keys) > 8
    assert sample.calls == len(counted.prefixes) == len(set(counted.prefixes)) < MAX_CALLS
    assert proposals(sample.keys)[0].template == "photos/%Y/%m/%d/"
    assert first_partition(aws.s3, bucket, PrefixTemplate("photos/%Y/%m/%d/")) == "2023/01/01"


def test_a_folder_with_many_files_gives_a_few_of_its_keys(aws: Aws, bucket: str) -> None:
    """From all over its first page."""
    put(aws, bucket, [f"a/{number:04d}.jpg" for number in range(60)])
    sample = sample_keys(aws.s3, bucket)
    assert (len(sample.keys), sample.keys[0], sample.keys[-1]) == (20, "a/0000.jpg", "a/0057.jpg")


def test_pages_are_taken_from_far_apart(aws: Aws, bucket: str) -> None:
    """After a page of folders of one kind the next page begins behind all of these."""
    put(aws, bucket, [*(f"a{number:04d}/x.jpg" for number in range(50)), "b/x.jpg", "c/x.jpg"])
    counted = Counted(aws.s3)
    sample = sample_keys(counted, bucket)
    assert "c/x.jpg" in sample.keys
    assert counted.prefixes.count("") == 2


def test_the_first_partition_is_found_behind_pages_of_other_folders(aws: Aws, bucket: str) -> None:
    """Page by page, each folder once."""
    put(aws, bucket, [*(f"{number:04d}/x.jpg" for number in range(50)), "2024/01/02/x.jpg"])
    counted = Counted(aws.s3)
    assert first_partition(counted, bucket, PrefixTemplate("%Y/%m/%d/")) == "2024/01/02"
    assert len(counted.prefixes) == len(set(counted.prefixes)) + 2


def test_folders_that_hold_no_partition_are_passed_over(aws: Aws, bucket: str) -> None:
    """The first partition is found behind them."""
    put(aws, bucket, ["dt=2023-99-99/x.jpg", "dt=2024-01-02/x.jpg", "dt=2024-01-03/x.jpg", "dt=old/x.jpg", "a/x.jpg"])
    assert first_partition(aws.s3, bucket, PrefixTemplate("dt=%Y-%m-%d/")) == "2024-01-02"


def test_a_bucket_of_deep_folders_costs_no_more_calls(aws: Aws, bucket: str) -> None:
    """The number of calls has a limit."""
    put(
        aws,
        bucket,
        [f"{a}/{b}/{c}/{d}/{e}/x.jpg" for a in "ab" for b in "ab" for c in "ab" for d in "ab" for e in "ab"],
    )
    assert sample_keys(aws.s3, bucket).calls <= MAX_CALLS
