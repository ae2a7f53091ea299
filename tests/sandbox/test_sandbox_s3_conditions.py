"""Conditional writes have exactly one winner."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from tests.conftest import Aws

CONTENDERS = 12


def error_code(call: Callable[[], object]) -> str:
    """Return the code of the error a call ends with, or an empty text."""
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"]
    return ""


def contend(call: Callable[[int], object]) -> list[str]:
    """Run a call in several threads at once and return how each ended."""
    with ThreadPoolExecutor(CONTENDERS) as threads:
        return list(threads.map(lambda number: error_code(lambda: call(number)), range(CONTENDERS)))


def assert_one_winner(outcomes: list[str]) -> None:
    """Check that one call succeeded and the others failed their condition."""
    assert sorted(outcomes) == ["", *["PreconditionFailed"] * (CONTENDERS - 1)]


@pytest.fixture
def bucket(aws: Aws) -> str:
    """Give a new bucket."""
    return aws.new_bucket("conditions")


@pytest.mark.parametrize("attempt", range(5))
def test_one_of_many_creates_an_object(aws: Aws, bucket: str, attempt: int) -> None:
    """IfNoneMatch="*" lets one PutObject through."""
    outcomes = contend(
        lambda number: aws.s3.put_object(Bucket=bucket, Key=f"lock {attempt}", Body=b"%d" % number, IfNoneMatch="*")
    )
    assert_one_winner(outcomes)


@pytest.mark.parametrize("attempt", range(5))
def test_one_of_many_replaces_an_object(aws: Aws, bucket: str, attempt: int) -> None:
    """IfMatch lets one PutObject through: the others' etag is stale."""
    key = f"table {attempt}"
    etag = aws.s3.put_object(Bucket=bucket, Key=key, Body=b"first")["ETag"]
    outcomes = contend(lambda number: aws.s3.put_object(Bucket=bucket, Key=key, Body=b"new %d" % number, IfMatch=etag))
    assert_one_winner(outcomes)


def test_one_of_many_completes_an_upload(aws: Aws, bucket: str) -> None:
    """IfNoneMatch="*" lets one CompleteMultipartUpload through."""
    uploads = [_begin_upload(aws, bucket, "big", b"part %d" % number) for number in range(CONTENDERS)]
    assert_one_winner(contend(lambda number: _complete(aws, bucket, "big", uploads[number], IfNoneMatch="*")))


def test_an_upload_replaces_only_the_object_it_names(aws: Aws, bucket: str) -> None:
    """IfMatch on CompleteMultipartUpload is checked against the current object."""
    etag = aws.s3.put_object(Bucket=bucket, Key="big", Body=b"old")["ETag"]
    upload = _begin_upload(aws, bucket, "big", b"new")
    assert error_code(lambda: _complete(aws, bucket, "big", upload, IfMatch='"stale"')) == "PreconditionFailed"
    _complete(aws, bucket, "big", upload, IfMatch=etag)
    assert aws.s3.get_object(Bucket=bucket, Key="big")["Body"].read() == b"new"


def test_a_delete_needs_the_right_etag(aws: Aws, bucket: str) -> None:
    """IfMatch on DeleteObject: another etag is refused and the object stays."""
    etag = aws.s3.put_object(Bucket=bucket, Key="lock", Body=b"mine")["ETag"]
    assert (
        error_code(lambda: aws.s3.delete_object(Bucket=bucket, Key="lock", IfMatch='"other"')) == "PreconditionFailed"
    )
    aws.s3.delete_object(Bucket=bucket, Key="lock", IfMatch=etag)
    assert error_code(lambda: aws.s3.head_object(Bucket=bucket, Key="lock")) == "404"


def test_replacing_what_does_not_exist_is_not_found(aws: Aws, bucket: str) -> None:
    """IfMatch without an object is NoSuchKey, as in S3."""
    assert error_code(lambda: aws.s3.put_object(Bucket=bucket, Key="none", IfMatch='"x"')) == "NoSuchKey"


def test_a_refused_write_changes_nothing(aws: Aws, bucket: str) -> None:
    """The loser's bytes and metadata are nowhere."""
    aws.s3.put_object(Bucket=bucket, Key="k", Body=b"winner", Metadata={"by": "winner"})
    error_code(
        lambda: aws.s3.put_object(Bucket=bucket, Key="k", Body=b"loser", Metadata={"by": "loser"}, IfNoneMatch="*")
    )
    found = aws.s3.get_object(Bucket=bucket, Key="k")
    assert (found["Body"].read(), found["Metadata"]) == (b"winner", {"by": "winner"})


def _begin_upload(aws: Aws, bucket: str, key: str, body: bytes) -> tuple[str, str]:
    upload_id = aws.s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    part = aws.s3.upload_part(Bucket=bucket, Key=key, UploadId=upload_id, PartNumber=1, Body=body)
    return upload_id, part["ETag"]


def _complete(aws: Aws, bucket: str, key: str, upload: tuple[str, str], **condition: str) -> None:
    upload_id, etag = upload
    aws.s3.complete_multipart_upload(
        Bucket=bucket,
        Key=key,
        UploadId=upload_id,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]},
        **condition,  # type: ignore[arg-type]  # one of IfMatch and IfNoneMatch
    )
