"""`/api/thumbnail` and `/api/picture`: small copies and facts of the deployment's pictures, and of nothing else."""

import io
import struct
import zlib

import pytest
from PIL import Image

from tests.gallery.conftest import DAGSTER_URL, SCRIPT_NAME, Gallery, encoded
from tests.world import KEY, NEXT_KEY


def size_of(jpeg: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as image:
        return image.size


def large_png(width: int, height: int) -> bytes:
    """A well-formed picture of one colour and so many pixels, in few bytes."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * ((width // 8 + 1) * height), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("edge", [128, 256, 512, 1024])
def test_thumbnails_are_small_jpegs(gallery: Gallery, edge: int) -> None:
    """Of the asked edge, but no larger than the picture, which is 600 by 400."""
    response = gallery.get("thumbnail", key=gallery.key("coffee.jpg"), edge=edge)
    assert response.headers["content-type"] == "image/jpeg"
    assert response.headers["cache-control"].startswith("private, max-age=")
    assert max(size_of(response.content)) == min(edge, 600)


def test_the_edge_has_a_default(gallery: Gallery) -> None:
    """As large as the grid shows them."""
    assert max(size_of(gallery.get("thumbnail", key=gallery.key("coffee.jpg")).content)) == 256


def test_a_browser_that_has_it_is_told_so(gallery: Gallery) -> None:
    """Another edge is another thumbnail."""
    key = gallery.key("chelsea.jpg")
    etag = gallery.get("thumbnail", key=key, edge=128).headers["etag"]
    address = f"/api/thumbnail?key={key}&edge="
    again = gallery.client.get(address + "128", headers={"If-None-Match": f'"other", {etag}'})
    assert (again.status_code, again.content) == (304, b"")
    assert gallery.client.get(address + "256", headers={"If-None-Match": etag}).status_code == 200


def test_thumbnails_are_kept(gallery: Gallery) -> None:
    """The object is read once."""
    aws, key = gallery.world.aws, gallery.key("0000.png", KEY)
    aws.control("calls", method="DELETE")
    first, second = (gallery.get("thumbnail", key=key, edge=512).content for _ in range(2))
    assert first == second
    assert aws.control("calls")["s3"]["GetObject"]["calls"] == 1


def test_a_key_with_markup_has_a_thumbnail(gallery: Gallery) -> None:
    """Whatever its name, it is a picture."""
    assert max(size_of(gallery.get("thumbnail", key=gallery.key(SCRIPT_NAME)).content)) == 256


def test_an_object_that_is_gone_has_none(gallery: Gallery) -> None:
    """The message names it."""
    key = gallery.key("gone.jpg")
    assert gallery.refused("thumbnail", 404, key=key) == f"{key!r} is no longer in the bucket"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no picture",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        encoded(Image.new("RGB", (64, 64)), "JPEG")[:300],
        encoded(Image.new("RGB", (64, 64)), "TIFF"),
        large_png(40_000, 40_000),
        large_png(8_500, 8_500),
    ],
    ids=["empty", "text", "svg", "cut off", "tiff", "bomb", "too many pixels"],
)
def test_what_cannot_be_decoded_is_told(gallery: Gallery, data: bytes) -> None:
    """A broken file, one of another format, and one that would fill the memory."""
    name = f"broken-{zlib.crc32(data)}.jpg"
    gallery.world.put({name: data}, NEXT_KEY)
    assert "cannot be shown" in gallery.refused("thumbnail", 422, key=gallery.key(name))


@pytest.mark.parametrize(
    "key",
    [
        "secret.png",
        "../photos/2026/11/18/0000.png",
        "photos/2026/11/18/../../../../secret.png",
        "photos/2026/11/18/./0000.png",
        "photos/2026/11/",
        "photos/2026/11/x8/0000.png",
        "/photos/2026/11/18/0000.png",
        "s3://other/photos/2026/11/18/0000.png",
        "http://169.254.169.254/latest/meta-data/",
        "file:///etc/passwd",
        "batch-assets/tables/image_inventory/partition=2026%2F11%2F18/data.parquet",
        f"photos/2026/11/18/{'x' * 1024}",
        "photos/2026/11/18/\0.png/..",
    ],
)
@pytest.mark.parametrize("path", ["thumbnail", "picture", "search"])
def test_other_keys_are_out_of_sight(gallery: Gallery, path: str, key: str) -> None:
    """Whatever the credentials could read; nothing is asked of S3."""
    gallery.world.aws.s3.put_object(Bucket=gallery.world.settings.source_bucket, Key="secret.png", Body=b"x")
    gallery.world.aws.control("calls", method="DELETE")
    assert "is not under the prefix photos/%Y/%m/%d/" in gallery.refused(path, 404, key=key)
    assert gallery.world.aws.control("calls") == {}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({}, "key is missing"),
        ({"key": ""}, "key is missing"),
        ({"key": "photos/2026/11/18/0000.png", "edge": 300}, "edge=300: there are 128, 256, 512, 1024"),
        ({"key": "photos/2026/11/18/0000.png", "edge": "large"}, "edge='large'"),
    ],
)
def test_wrong_input_is_told(gallery: Gallery, query: dict[str, str], said: str) -> None:
    """One message that names what is wrong."""
    assert said in gallery.refused("thumbnail", 400, **query)


def test_details_tell_where_a_picture_comes_from(gallery: Gallery) -> None:
    """What the table holds, and links to its partition and to the console."""
    settings, key = gallery.world.settings, gallery.key(SCRIPT_NAME)
    told = gallery.json("picture", key=key)
    row = next(row for row in gallery.world.rows("embedding_table", NEXT_KEY) if row["key"] == key)
    assert told == {
        "key": key,
        "s3_uri": f"s3://{settings.source_bucket}/{key}",
        "partition": NEXT_KEY,
        "format": "jpeg",
        "size_bytes": row["size"],
        "last_modified": row["last_modified"].replace(microsecond=0).isoformat(),
        **{name: row[name] for name in ("etag", "record_id", "job_id")},
        "dagster_url": f"{DAGSTER_URL}/assets/embedding_table?view=partitions&partition=2026%2F11%2F19",
        "console_url": f"https://s3.console.aws.amazon.com/s3/object/{settings.source_bucket}?region=us-east-1&prefix="
        "photos%2F2026%2F11%2F19%2F%3Cimg%20src%3Dx%20onerror%3Dalert%281%29%3E%20%26%20%22quotes%22%20%27%C3%BC%27.jpg",
    }


def test_a_picture_that_is_not_indexed_has_no_details(gallery: Gallery) -> None:
    """The message names it."""
    key = gallery.key("nobody.jpg")
    assert gallery.refused("picture", 404, key=key).startswith(f"{key!r} is not in index")
