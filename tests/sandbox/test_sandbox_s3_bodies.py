"""Large objects, parts of them, and reading while others write."""

import hashlib
import io
import random
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from urllib.error import HTTPError

import pytest
from botocore.exceptions import ClientError

from tests.conftest import Aws

SIZE_BYTES = 12 * 1024 * 1024
CONTENT = random.Random(0).randbytes(SIZE_BYTES)  # noqa: S311 - content, not a secret


@pytest.fixture(scope="module")
def bucket(aws: Aws) -> str:
    """Give a bucket with one object large enough for a multipart upload."""
    name = aws.new_bucket("bodies")
    aws.s3.upload_fileobj(io.BytesIO(CONTENT), name, "big")
    return name


def test_a_large_object_is_read_whole(aws: Aws, bucket: str) -> None:
    """GetObject streams every byte."""
    found = aws.s3.get_object(Bucket=bucket, Key="big")
    assert found["ContentLength"] == SIZE_BYTES
    assert found["Body"].read() == CONTENT


def test_a_large_object_is_downloaded_in_parts(aws: Aws, bucket: str) -> None:
    """The transfer manager's parallel range reads add up."""
    target = io.BytesIO()
    aws.s3.download_fileobj(bucket, "big", target)
    assert target.getvalue() == CONTENT


@pytest.mark.parametrize(
    ("byte_range", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=5000000-5999999", 5_000_000, 6_000_000),
        (f"bytes={SIZE_BYTES - 10}-", SIZE_BYTES - 10, SIZE_BYTES),
        ("bytes=-10", SIZE_BYTES - 10, SIZE_BYTES),
        (f"bytes=7-{SIZE_BYTES * 2}", 7, SIZE_BYTES),
    ],
)
def test_a_range_is_exact(aws: Aws, bucket: str, byte_range: str, start: int, end: int) -> None:
    """A range answers 206 with its bytes and says where they lie."""
    found = aws.s3.get_object(Bucket=bucket, Key="big", Range=byte_range)
    assert found["ContentRange"] == f"bytes {start}-{end - 1}/{SIZE_BYTES}"
    assert found["Body"].read() == CONTENT[start:end]


def test_a_range_beyond_the_end_is_refused(aws: Aws, bucket: str) -> None:
    """Nothing to read is InvalidRange."""
    with pytest.raises(ClientError, match="InvalidRange"):
        aws.s3.get_object(Bucket=bucket, Key="big", Range=f"bytes={SIZE_BYTES}-")


def test_a_stale_etag_stops_a_read(aws: Aws, bucket: str) -> None:
    """IfMatch on GetObject is checked for large objects too."""
    with pytest.raises(ClientError, match="PreconditionFailed"):
        aws.s3.get_object(Bucket=bucket, Key="big", IfMatch='"stale"')


def test_a_read_that_began_survives_an_overwrite(aws: Aws) -> None:
    """A reader gets the object it opened, whole, though it is replaced meanwhile."""
    bucket = aws.new_bucket("overwritten")
    aws.s3.put_object(Bucket=bucket, Key="k", Body=CONTENT)
    body = aws.s3.get_object(Bucket=bucket, Key="k")["Body"]
    aws.s3.put_object(Bucket=bucket, Key="k", Body=b"new")
    assert body.read() == CONTENT


@pytest.mark.parametrize("size_bytes", [10, 2_000_000])
def test_readers_and_writers_of_one_key_never_meet_a_torn_object(aws: Aws, size_bytes: int) -> None:
    """Every read is one of the versions written, and none fails."""
    bucket = aws.new_bucket("shared")

    def write_and_read(number: int) -> bool:
        aws.s3.put_object(Bucket=bucket, Key="k", Body=bytes([number]) * size_bytes)
        found = aws.s3.get_object(Bucket=bucket, Key="k")["Body"].read()
        return len(found) == size_bytes and len(set(found)) == 1

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(write_and_read, range(40)))


def test_a_presigned_url_needs_no_header(aws: Aws, bucket: str) -> None:
    """Requests without Authorization are S3's."""
    url = aws.s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "big"})
    with urllib.request.urlopen(url) as response:  # noqa: S310 - loopback
        assert response.read() == CONTENT


def test_many_objects_go_into_a_bucket_at_once(aws: Aws) -> None:
    """As if each had been put, with its ETag; what is no base64, or has no bucket, is refused whole."""
    bucket = aws.new_bucket()
    assert aws.control(f"objects/{bucket}", {"a b.txt": "aGVsbG8=", "empty": ""}) == {"objects": 2}
    listed = aws.s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert [(entry["Key"], entry["Size"]) for entry in listed] == [("a b.txt", 5), ("empty", 0)]
    assert listed[0]["ETag"] == f'"{hashlib.md5(b"hello", usedforsecurity=False).hexdigest()}"'
    assert aws.s3.get_object(Bucket=bucket, Key="a b.txt")["Body"].read() == b"hello"
    for path, body in ((f"objects/{bucket}", {"bad": "?"}), (f"objects/{bucket}", ["a"]), ("objects/nowhere", {})):
        with pytest.raises(HTTPError, match="400"):
            aws.control(path, body)
    assert aws.s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 2
