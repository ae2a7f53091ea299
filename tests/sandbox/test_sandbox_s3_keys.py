"""Every key that S3 allows survives each call that carries it."""

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Aws

ODD_KEYS = [
    "with space",
    " leading and trailing ",
    "new\nline",
    "carriage\rreturn",
    "tab\tstop",
    "quotes \" and '",
    "plus+plus",
    "per%cent",
    "already%20encoded",
    "a//b",
    "/leading",
    "folder/",
    "a/./b",
    "a/../b",
    "question?mark",
    "ha#sh",
    "semi;colon",
    "a&b=c",
    "&amp;<tag>",
    "back\\slash",
    "dt=2024-01-02/x",
    "tilde~",
    "\x7f",
    "日本語/é",
    "emoji \N{GRINNING FACE}",
    "x" * 1024,
    "é" * 512,
]


@pytest.fixture(scope="module")
def bucket(aws: Aws) -> str:
    """Give a bucket that holds each odd key, with the key as its content."""
    name = aws.new_bucket("odd")
    for key in ODD_KEYS:
        aws.s3.put_object(Bucket=name, Key=key, Body=key.encode())
    return name


@pytest.mark.parametrize("key", ODD_KEYS)
def test_an_odd_key_is_read_back(aws: Aws, bucket: str, key: str) -> None:
    """GetObject and HeadObject find exactly what was put under the key."""
    assert aws.s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
    assert aws.s3.head_object(Bucket=bucket, Key=key)["ContentLength"] == len(key.encode())


@pytest.mark.parametrize("page_size", [1, 7, 1000])
def test_a_listing_is_exact_and_in_utf8_order(aws: Aws, bucket: str, page_size: int) -> None:
    """ListObjectsV2 names every key once, ordered by UTF-8 bytes, whatever the page size."""
    pages = aws.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": page_size})
    listed = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
    assert listed == sorted(ODD_KEYS, key=str.encode)


def test_the_first_version_of_listing_is_exact_too(aws: Aws, bucket: str) -> None:
    """ListObjects, which some clients still use, pages through the same keys."""
    pages = aws.s3.get_paginator("list_objects").paginate(Bucket=bucket, PaginationConfig={"PageSize": 5})
    assert [entry["Key"] for page in pages for entry in page["Contents"]] == sorted(ODD_KEYS, key=str.encode)


@pytest.mark.parametrize("key", [key for key in ODD_KEYS if len(key.encode()) < 1000])
def test_an_odd_key_is_copied(aws: Aws, bucket: str, key: str) -> None:
    """CopyObject reads from and writes to odd keys."""
    target = aws.new_bucket("copies")
    aws.s3.copy_object(Bucket=target, Key=f"copy/{key}", CopySource={"Bucket": bucket, "Key": key})
    assert aws.s3.get_object(Bucket=target, Key=f"copy/{key}")["Body"].read() == key.encode()


def test_odd_keys_are_deleted_one_by_one_and_together(aws: Aws) -> None:
    """DeleteObject and DeleteObjects remove exactly the keys they name."""
    bucket = aws.new_bucket("deleted")
    for key in ODD_KEYS:
        aws.s3.put_object(Bucket=bucket, Key=key)
    for key in ODD_KEYS[:10]:
        aws.s3.delete_object(Bucket=bucket, Key=key)
    aws.s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in ODD_KEYS[10:]]})
    assert aws.s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_prefix_and_delimiter_group_keys(aws: Aws) -> None:
    """Keys with the delimiter after the prefix become common prefixes, which count as entries."""
    bucket = aws.new_bucket("grouped")
    for key in ("a/1", "a/2", "a b/1", "a\nb/1", "b", "c/1"):
        aws.s3.put_object(Bucket=bucket, Key=key)
    pages = list(
        aws.s3.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix="a", Delimiter="/", PaginationConfig={"PageSize": 1}
        )
    )
    assert [entry["Prefix"] for page in pages for entry in page["CommonPrefixes"]] == ["a\nb/", "a b/", "a/"]


def test_start_after_leaves_out_what_comes_before(aws: Aws, bucket: str) -> None:
    """StartAfter need not be a key that exists."""
    listed = aws.s3.list_objects_v2(Bucket=bucket, StartAfter="q")["Contents"]
    assert [entry["Key"] for entry in listed] == sorted((key for key in ODD_KEYS if key > "q"), key=str.encode)


def test_a_key_over_1024_bytes_is_refused(aws: Aws) -> None:
    """The limit counts UTF-8 bytes, not characters."""
    bucket = aws.new_bucket()
    with pytest.raises(ClientError, match="KeyTooLongError") as caught:
        aws.s3.put_object(Bucket=bucket, Key="é" * 513)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_metadata_keeps_its_names(aws: Aws) -> None:
    """Underscores in metadata names are not turned into hyphens."""
    bucket = aws.new_bucket()
    aws.s3.put_object(Bucket=bucket, Key="k", Metadata={"finger_print": "abc", "attempt-number": "1"})
    assert aws.s3.head_object(Bucket=bucket, Key="k")["Metadata"] == {"finger_print": "abc", "attempt-number": "1"}


def test_a_foreign_continuation_token_is_refused(aws: Aws, bucket: str) -> None:
    """A token that no listing returned is an InvalidArgument."""
    with pytest.raises(ClientError, match="InvalidArgument"):
        aws.s3.list_objects_v2(Bucket=bucket, ContinuationToken="é")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    keys=st.sets(
        st.text(st.characters(codec="utf-8", exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1).filter(
            lambda key: len(key.encode()) <= 1024 and key not in (".", "..")
        ),
        max_size=5,
    )
)
def test_any_set_of_keys_is_listed_as_it_was_put(aws: Aws, keys: set[str]) -> None:
    """Whatever is put is what is listed."""
    bucket = aws.new_bucket("any")
    for key in keys:
        aws.s3.put_object(Bucket=bucket, Key=key)
    listed = [entry["Key"] for entry in aws.s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
    assert listed == sorted(keys, key=str.encode)
