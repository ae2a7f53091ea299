"""Listing a prefix into an inventory."""

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch_assets.errors import SourceError
from batch_assets.partitions import LOCK_NAME
from batch_assets.spaces import NOVA_MULTIMODAL
from batch_assets.storage.content_hash import content_hash
from batch_assets.storage.eligibility import FOREIGN_JSONL
from batch_assets.storage.listing import (
    INVENTORY,
    foreign_manifests,
    list_prefix,
    listing_version,
)
from batch_assets.storage.objects import S3Address
from tests.conftest import Aws

PREFIX = "photos/2024/01/02/"
LIMIT = 100


@pytest.fixture
def bucket(aws: Aws) -> str:
    """Give a new bucket."""
    return aws.new_bucket("pictures")


def put(aws: Aws, bucket: str, *keys: str, body: bytes = b"bytes") -> None:
    for key in keys:
        aws.s3.put_object(Bucket=bucket, Key=key, Body=body)


def listed(aws: Aws, bucket: str, prefix: str = PREFIX) -> pa.Table:
    formats = NOVA_MULTIMODAL.formats
    return list_prefix(aws.s3, S3Address(bucket, prefix), formats=formats, max_image_bytes=LIMIT)


def reasons(inventory: pa.Table) -> dict[str, Any]:
    return dict(zip(inventory["key"].to_pylist(), inventory["reason"].to_pylist(), strict=True))


def test_a_picture_has_key_size_etag_and_format(aws: Aws, bucket: str) -> None:
    """The ETag stands without its quotes, the time in UTC."""
    put(aws, bucket, f"{PREFIX}a.JPG", body=b"hello")
    inventory = listed(aws, bucket)
    (row,) = inventory.to_pylist()
    age_seconds = abs((datetime.now(UTC) - row.pop("last_modified")).total_seconds())
    assert row == {
        "key": f"{PREFIX}a.JPG",
        "size": 5,
        "etag": "5d41402abc4b2a76b9719d911017c592",
        "format": "jpeg",
        "eligible": True,
        "reason": None,
    }
    assert age_seconds < 3600
    assert inventory.schema == INVENTORY


@pytest.mark.parametrize(
    ("name", "size", "reason"),
    [
        ("a.jpg", 1, None),
        ("a.jpeg", LIMIT, None),
        ("A.PNG", 1, None),
        ("a.b.webp", 1, None),
        ("a.gif", 1, None),
        ("a.jpg", 0, "empty"),
        ("a.jpg", LIMIT + 1, "too_large"),
        ("a.tiff", 1, "unsupported_format"),
        ("jpg", 1, "unsupported_format"),
        (".jpg", 1, "unsupported_format"),
        ("a.jpg/b", 1, "unsupported_format"),
        ("folder/", 0, "folder_marker"),
        ("folder.jpg/", 1, "folder_marker"),
        ("a.jsonl", 1, FOREIGN_JSONL),
        ("a.JSONL", 0, FOREIGN_JSONL),
        (".jsonl", 1, FOREIGN_JSONL),
        ("a.jsonl.out", 1, "unsupported_format"),
    ],
)
def test_name_and_size_tell_whether_a_picture_can_be_sent(
    aws: Aws, bucket: str, name: str, size: int, reason: str | None
) -> None:
    """Nothing is opened for that; the extension's case does not matter."""
    put(aws, bucket, PREFIX + name, body=b"x" * size)
    assert reasons(listed(aws, bucket)) == {PREFIX + name: reason}


def test_every_object_is_a_row_in_order_of_its_key(aws: Aws, bucket: str) -> None:
    """Also what cannot be sent, and what only S3 would call a name."""
    names = ["b c.jpg", "a+b%.jpg", "\U0001f600.jpg", "é.jpg", "Z.jpg", "a/a.jpg", "new\nline.jpg", "x.txt", '"q".png']
    keys = [PREFIX + name for name in names]
    put(aws, bucket, *keys, "photos/2024/01/020/other.jpg", "photos/2024/01/03/other.jpg")
    assert listed(aws, bucket)["key"].to_pylist() == sorted(keys, key=str.encode)


def test_more_than_one_page_of_objects_is_listed(aws: Aws, bucket: str) -> None:
    """S3 gives 1,000 keys at a time."""
    put(aws, bucket, *(f"{PREFIX}{number:04}.jpg" for number in range(1005)))
    assert listed(aws, bucket).num_rows == 1005


def test_an_empty_prefix_is_an_empty_inventory(aws: Aws, bucket: str) -> None:
    """No images is no error."""
    assert listed(aws, bucket).num_rows == 0
    assert listed(aws, bucket).schema == INVENTORY


def test_the_lock_of_the_lane_is_left_out(aws: Aws, bucket: str) -> None:
    """It is ours, and comes and goes with the jobs."""
    put(aws, bucket, PREFIX + LOCK_NAME)
    assert listed(aws, bucket).num_rows == 0


def test_a_lock_in_a_sub_folder_is_foreign(aws: Aws, bucket: str) -> None:
    """Left behind by another template, say: Bedrock would read it together with ours."""
    put(aws, bucket, f"{PREFIX}old/{LOCK_NAME}")
    assert foreign_manifests(listed(aws, bucket)) == [f"{PREFIX}old/{LOCK_NAME}"]


def test_foreign_manifests_are_named(aws: Aws, bucket: str) -> None:
    """However deep they lie, and whatever they are called."""
    foreign = [f"{PREFIX}.jsonl", f"{PREFIX}a.jsonl", f"{PREFIX}deep/er/B.JSONL"]
    put(aws, bucket, *foreign, f"{PREFIX}a.jpg", f"{PREFIX}a.jsonl.out")
    assert foreign_manifests(listed(aws, bucket)) == foreign


def test_a_missing_bucket_is_told_with_the_cure(aws: Aws) -> None:
    """Where, what, and what to check."""
    with pytest.raises(SourceError, match=r"s3://no-such-bucket/photos/2024/01/02/: the bucket does not exist: check"):
        listed(aws, "no-such-bucket")


def test_an_unchanged_prefix_has_the_same_version(aws: Aws, bucket: str) -> None:
    """Writing the same bytes again changes nothing; other bytes, or another key, do."""
    put(aws, bucket, f"{PREFIX}a.jpg")
    first = listing_version(listed(aws, bucket))
    put(aws, bucket, f"{PREFIX}a.jpg")
    assert listing_version(listed(aws, bucket)) == first
    put(aws, bucket, f"{PREFIX}a.jpg", body=b"other")
    second = listing_version(listed(aws, bucket))
    put(aws, bucket, f"{PREFIX}b.jpg")
    assert len({first, second, listing_version(listed(aws, bucket))}) == 3


rows = st.lists(st.tuples(st.text(max_size=4), st.text(max_size=4)), max_size=10, unique_by=lambda row: row[0])


def table_of(pairs: list[tuple[str, str]]) -> pa.Table:
    return pa.table({"key": [key for key, _ in pairs], "etag": [etag for _, etag in pairs]}).cast(
        pa.schema([("key", pa.string()), ("etag", pa.string())])
    )


@given(rows, rows)
@settings(deadline=None)
def test_hashes_are_equal_for_equal_rows_in_any_order_only(
    some: list[tuple[str, str]], others: list[tuple[str, str]]
) -> None:
    """Texts of neighbouring columns never run into each other."""
    columns = ["key", "etag"]
    assert content_hash(table_of(some), columns) == content_hash(table_of(some[::-1]), columns)
    same = sorted(some) == sorted(others)
    assert (content_hash(table_of(some), columns) == content_hash(table_of(others), columns)) is same
