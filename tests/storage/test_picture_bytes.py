"""Reading pictures for people to look at: in order, and whatever happens to one of them."""

import pytest

from batch_assets.storage import picture_bytes
from batch_assets.storage.picture_bytes import PictureBytes, read_pictures
from tests.conftest import Aws


def test_pictures_come_in_the_order_of_their_keys_and_problems_with_a_reason(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than are read at once; one is gone, one is too large, and the others do not mind."""
    monkeypatch.setattr(picture_bytes, "MAX_PICTURE_BYTES", 10)
    bucket = aws.new_bucket("pictures")
    keys = [f"{number:02d}.jpg" for number in range(20)]
    for key in keys[1:]:
        aws.s3.put_object(Bucket=bucket, Key=key, Body=b"eleven byte" if key == "07.jpg" else key.encode())

    found = list(read_pictures(aws.s3, bucket, keys))

    expected = [PictureBytes(key, key.encode()) for key in keys]
    expected[0] = PictureBytes(keys[0], None, "the object does not exist (NoSuchKey)")
    expected[7] = PictureBytes(keys[7], None, "too large to be shown here")
    assert found == expected


def test_a_bucket_that_is_not_there_is_a_reason_too(aws: Aws) -> None:
    """Nothing is raised."""
    (found,) = read_pictures(aws.s3, "no-such-bucket-anywhere", ["a.jpg"])

    assert found.data is None
    assert "the bucket does not exist" in found.problem
