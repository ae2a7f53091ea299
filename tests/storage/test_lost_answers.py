"""Writes whose answer was lost on the way: boto3 repeats them, and they must know their own work again."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from batch_assets.errors import TableChangedError
from batch_assets.storage import objects
from batch_assets.storage.objects import ABSENT, S3Address, replace_file, version
from tests.conftest import Aws


@pytest.fixture
def client(aws: Aws) -> Any:
    """A client that repeats what was cut off."""
    return aws.client("s3", config=Config(retries={"mode": "standard", "total_max_attempts": 3}))


@pytest.fixture
def lose_answer(aws: Aws) -> Iterator[Callable[[str], None]]:
    """Give a function that lets the answer of the next call of an operation be lost."""
    yield lambda operation: aws.control("faults", {"service": "s3", "operation": operation, "times": 1, "cut": "after"})
    aws.control("faults", method="DELETE")


@pytest.fixture
def address(aws: Aws) -> S3Address:
    """Where nothing is yet."""
    return S3Address(aws.new_bucket(), "table/data.parquet")


def test_first_write_is_not_taken_for_somebody_elses(
    client: Any, lose_answer: Callable[[str], None], address: S3Address, tmp_path: Path
) -> None:
    """The object that stands there is the one that was just put; the same holds for the next version."""
    path = tmp_path / "file"
    for content in (b"first", b"second"):
        path.write_bytes(content)
        standing = version(client, address)
        lose_answer("PutObject")
        assert replace_file(client, address, path, replaces=standing) == version(client, address)
        assert client.get_object(Bucket=address.bucket, Key=address.key)["Body"].read() == content


def test_large_write_is_not_taken_for_somebody_elses(
    client: Any,
    lose_answer: Callable[[str], None],
    address: S3Address,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A multipart upload that is complete cannot be completed again."""
    monkeypatch.setattr(objects, "_PART_BYTES", 5 * 1024**2)
    path = tmp_path / "large"
    path.write_bytes(bytes(6 * 1024**2))
    lose_answer("CompleteMultipartUpload")
    assert replace_file(client, address, path, replaces=ABSENT) == version(client, address)


def test_same_bytes_of_somebody_else_are_not_taken_for_ours(client: Any, address: S3Address, tmp_path: Path) -> None:
    """They were first, and what else they did is not known."""
    path = tmp_path / "file"
    path.write_bytes(b"same")
    replace_file(client, address, path, replaces=ABSENT)
    with pytest.raises(TableChangedError, match="meanwhile"):
        replace_file(client, address, path, replaces=ABSENT)
