"""The pictures that fill a bucket: varied photographs, or a folder of the user's own."""

import hashlib
import importlib.resources
import os
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from batch_assets.sandbox.demo_pictures import (
    DemoObject,
    TooFewPicturesError,
    days_for,
    demo_objects,
    find_pictures,
    upload,
    user_objects,
)
from batch_assets.sandbox.descriptor import UndecodableImageError, embed_image, image_format

DAYS = ("photos/2026/11/20/", "photos/2026/11/21/", "photos/2026/11/22/")
PICTURES = importlib.resources.files("batch_assets.sandbox") / "pictures"


@pytest.fixture(scope="module")
def objects() -> list[DemoObject]:
    """The demo over three days, half its usual size."""
    return list(demo_objects(DAYS, images=320))


@pytest.fixture
def s3() -> Iterator[Any]:
    """An S3 client with an empty bucket."""
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
        client.create_bucket(Bucket="pictures")
        yield client


def folder_of(directory: Path, count: int) -> Path:
    directory.mkdir(parents=True)
    for number in range(count):
        (directory / f"{number:03d}.jpg").write_bytes(b"picture %d" % number)
    return directory


def test_every_photograph_is_credited() -> None:
    """No picture is in the package without author and licence."""
    credits_text = (PICTURES / "CREDITS.md").read_text(encoding="utf-8")
    for file in PICTURES.iterdir():
        assert file.name == "CREDITS.md" or f"| `{file.name}` |" in credits_text


def test_the_photographs_are_small() -> None:
    """They must not weigh the package down."""
    assert sum(len(file.read_bytes()) for file in PICTURES.iterdir()) < 1_500_000


def test_each_day_gets_enough_pictures_for_a_batch_job(objects: list[DemoObject]) -> None:
    """At least 100 decodable pictures lie under every prefix."""
    decodable = Counter(item.key[: len(DAYS[0])] for item in objects if is_decodable(item.data))
    assert decodable == {DAYS[0]: 107, DAYS[1]: 107, DAYS[2]: 106}


def is_decodable(data: bytes) -> bool:
    try:
        embed_image(data, 256)
    except UndecodableImageError:
        return False
    return True


def test_keys_and_bytes_are_all_different(objects: list[DemoObject]) -> None:
    """No picture is a copy of another, so that as many records as pictures are paid for."""
    assert len({item.key for item in objects}) == len({item.data for item in objects}) == 324


def test_names_say_what_the_picture_shows(objects: list[DemoObject]) -> None:
    """People read keys."""
    names = {item.key.rsplit("/", 1)[1] for item in objects}
    assert {"astronaut-001.jpg", "coffee-017.jpg"} <= names


def test_four_objects_must_be_rejected(objects: list[DemoObject]) -> None:
    """A text, an empty file, a TIFF and a broken JPEG lie among the pictures, on different days."""
    rejected = [item for item in objects if not is_decodable(item.data)]
    assert [(item.key, item.content_type, image_format(item.data)) for item in rejected] == [
        ("photos/2026/11/20/shopping-list.jpg", "image/jpeg", None),
        ("photos/2026/11/21/empty.jpg", "image/jpeg", None),
        ("photos/2026/11/22/scan.tiff", "image/tiff", None),
        ("photos/2026/11/20/broken-download.jpg", "image/jpeg", "jpeg"),
    ]


def test_bytes_depend_on_the_seed_and_not_on_the_date(objects: list[DemoObject]) -> None:
    """Two demos on different days hold the same pictures; another seed makes others."""
    later = list(demo_objects(["2027-01-01/", "2027-01-02/"], images=320))
    assert [digest(item) for item in later] == [digest(item) for item in objects]
    other = list(demo_objects(["2027-01-01/"], images=100, seed=1))
    assert [digest(item) for item in other[:100]] != [digest(item) for item in objects[:100]]


def digest(item: DemoObject) -> tuple[str, str]:
    return item.key.rsplit("/", 1)[1], hashlib.sha256(item.data).hexdigest()


@pytest.mark.parametrize(
    ("prefixes", "images", "message"),
    [
        ([], 640, "No prefix"),
        (["a/", "a/"], 640, "two equal ones"),
        (["a/", "b/"], 199, "199 demo pictures are too few"),
    ],
)
def test_impossible_demos_are_refused(prefixes: list[str], images: int, message: str) -> None:
    """Too few pictures or senseless prefixes are named."""
    with pytest.raises(ValueError, match=message):
        next(demo_objects(prefixes, images=images))


@pytest.mark.parametrize(("count", "days"), [(1, 1), (99, 1), (100, 1), (199, 1), (200, 2), (1000, 10)])
def test_own_pictures_fill_as_many_days_as_leave_100_each(count: int, days: int) -> None:
    """A day more would fall under the minimum of a batch job; fewer than that are one day's."""
    assert days_for(count) == days


def test_no_own_picture_at_all_is_refused() -> None:
    """The message says what is taken."""
    with pytest.raises(TooFewPicturesError, match=r"no picture was found: name a folder with JPEG"):
        days_for(0)


def test_own_pictures_are_found_in_every_folder_and_others_are_counted(tmp_path: Path) -> None:
    """Endings count in any case; what is no picture is skipped, not lost silently."""
    (tmp_path / "holiday" / "beach").mkdir(parents=True)
    for name in ("a.JPG", "b.jpeg", "holiday/c.png", "holiday/beach/d.webp", "e.gif", "notes.txt", ".hidden"):
        (tmp_path / name).write_bytes(b"x")
    found = find_pictures(tmp_path)
    names = [file.relative_to(tmp_path).as_posix() for file in found.files]
    assert names == ["a.JPG", "b.jpeg", "e.gif", "holiday/beach/d.webp", "holiday/c.png"]
    assert found.skipped == 2


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    """The error names the path."""
    with pytest.raises(NotADirectoryError, match="nowhere"):
        find_pictures(tmp_path / "nowhere")


def test_own_pictures_are_spread_evenly_and_keep_their_bytes(tmp_path: Path) -> None:
    """Two files of one name in two folders stay two objects."""
    folder_of(tmp_path / "first", 120)
    folder_of(tmp_path / "second", 130)
    items = list(user_objects(find_pictures(tmp_path), DAYS[:2]))
    assert len({item.key for item in items}) == 250
    assert Counter(item.key[: len(DAYS[0])] for item in items) == {DAYS[0]: 125, DAYS[1]: 125}
    assert {item.key[len(DAYS[0]) :] for item in items} >= {"first/007.jpg", "second/007.jpg"}
    assert items[0].data == b"picture 0"
    assert items[0].content_type == "image/jpeg"


def test_own_pictures_are_not_spread_too_thin(tmp_path: Path) -> None:
    """More days than leave 100 pictures each are refused before anything is read."""
    found = find_pictures(folder_of(tmp_path / "few", 250))
    with pytest.raises(TooFewPicturesError, match="250 pictures fill 2 days of at least 100, not 3"):
        user_objects(found, DAYS)


def test_a_file_name_that_no_key_can_hold_is_replaced_by_its_digest(tmp_path: Path) -> None:
    """Names that are no UTF-8 or too long keep their ending and stay different."""
    folder = folder_of(tmp_path / "odd", 100)
    for raw in (b"caf\xe9.png", b"caf\xe8.png"):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + raw)).write_bytes(b"x")
    deep = folder.joinpath(*["d" * 200] * 5)
    deep.mkdir(parents=True)
    (deep / "deep.webp").write_bytes(b"x")
    keys = [item.key for item in user_objects(find_pictures(folder), DAYS[:1])]
    assert len(set(keys)) == 103
    assert max(len(key.encode()) for key in keys) < 100
    assert Counter(key.rsplit(".", 1)[1] for key in keys) == {"jpg": 100, "png": 2, "webp": 1}


def test_objects_are_uploaded_with_type_and_counted(s3: Any, objects: list[DemoObject]) -> None:
    """All arrive, and progress ends at their number."""
    seen: list[int] = []
    report = upload(s3, "pictures", iter(objects[:50]), workers=4, progress=seen.append)
    assert report.objects == 50
    assert report.size_bytes == sum(len(item.data) for item in objects[:50])
    assert seen == sorted(seen)
    assert seen[-1] == 50
    stored = s3.get_object(Bucket="pictures", Key=objects[7].key)
    assert stored["Body"].read() == objects[7].data
    assert stored["ContentType"] == "image/jpeg"


def test_nothing_to_upload_is_no_error(s3: Any) -> None:
    """An empty sequence gives an empty report."""
    assert upload(s3, "pictures", []).objects == 0


def test_a_refused_upload_names_the_object(s3: Any, objects: list[DemoObject]) -> None:
    """The service's own error comes through, with the address as a note."""
    with pytest.raises(ClientError, match="NoSuchBucket") as refused:
        upload(s3, "absent", objects[:1])
    assert refused.value.__notes__ == [f"while putting s3://absent/{objects[0].key} ({len(objects[0].data)} bytes)"]


def test_a_long_upload_holds_few_objects_in_memory() -> None:
    """Objects are asked for only as fast as they are put, so any number fits."""
    lock = threading.Lock()
    made, put, most = 0, 0, 0

    class CountingClient:
        def put_object(self, **_: object) -> None:
            nonlocal put
            with lock:
                put += 1

    def many() -> Iterator[DemoObject]:
        nonlocal made, most
        for number in range(1000):
            with lock:
                made += 1
                most = max(most, made - put)
            yield DemoObject(key=f"{number}", data=b"x", content_type="image/jpeg")

    assert upload(CountingClient(), "pictures", many(), workers=2).objects == 1000
    assert most <= 5
