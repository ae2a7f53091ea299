"""`/api/uploads`: a picture that somebody brings, and everything else that somebody could send instead."""

import base64
import io
import socket

import httpx
import pytest
from PIL import Image

from tests.gallery.conftest import Gallery, encoded, error_in, photograph
from tests.gallery.test_gallery_pictures import large_png

MAX_BYTES = 18_750_000


def sent(gallery: Gallery, data: bytes, media_type: str = "application/octet-stream") -> httpx.Response:
    return gallery.client.post("/api/uploads", content=data, headers={"Content-Type": media_type})


@pytest.mark.parametrize("media_type", ["application/octet-stream", "image/jpeg", "image/png; charset=x"])
def test_an_uploaded_picture_finds_its_like(gallery: Gallery, media_type: str) -> None:
    """By a vector that is short enough for a link; the bytes tell the format, not the header."""
    response = sent(gallery, photograph("coffee.jpg"), media_type)
    assert response.status_code == 200
    told = response.json()
    assert len(told["vector"]) == 342
    nearest = gallery.json("search", vector=told["vector"], limit=1)["results"][0]
    assert "coffee" in nearest["key"]
    assert nearest["distance"] == pytest.approx(0, abs=1e-3)
    head, _, body = told["thumbnail"].partition(",")
    assert head == "data:image/jpeg;base64"
    with Image.open(io.BytesIO(base64.b64decode(body))) as image:
        assert max(image.size) == 256


@pytest.mark.parametrize("file_format", ["PNG", "GIF", "WEBP"])
def test_every_format_of_the_model_is_taken(gallery: Gallery, file_format: str) -> None:
    """Transparent pictures too."""
    data = encoded(Image.new("RGBA", (40, 30), (200, 30, 30, 128)), file_format)
    assert sent(gallery, data).status_code == 200


@pytest.mark.parametrize(
    ("data", "status", "said"),
    [
        (b"", 415, "no picture in gif, jpeg, png, webp"),
        (b"no picture at all", 415, "no picture in"),
        (b"GIF89a", 415, "no picture in"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", 415, "no picture in"),
        (encoded(Image.new("RGB", (9, 9)), "TIFF"), 415, "no picture in"),
        (photograph("coffee.jpg")[:3000], 422, "cannot be shown"),
        (large_png(40_000, 40_000), 422, "decompression bomb"),
        (large_png(8_500, 8_500), 422, "cannot be shown as a picture: it has 8500 x 8500 pixels"),
    ],
    ids=["empty", "text", "header only", "svg", "tiff", "cut off", "bomb", "too many pixels"],
)
def test_what_is_no_picture_is_refused(gallery: Gallery, data: bytes, status: int, said: str) -> None:
    """Before the model is asked, which costs."""
    gallery.world.aws.control("calls", method="DELETE")
    assert said in error_in(sent(gallery, data), status)
    assert "bedrock-runtime" not in gallery.world.aws.control("calls")


@pytest.mark.parametrize("media_type", ["text/html", "multipart/form-data; boundary=x", "application/json"])
def test_other_media_types_are_refused(gallery: Gallery, media_type: str) -> None:
    """A form of another site can send these without being asked for permission."""
    assert "is no picture" in error_in(sent(gallery, photograph("coffee.jpg"), media_type), 415)


def test_a_large_file_is_refused_by_its_length(gallery: Gallery) -> None:
    """With the limit."""
    assert f"the model takes {MAX_BYTES:,} bytes" in error_in(sent(gallery, b"x" * (MAX_BYTES + 1)), 413)


def test_a_stream_without_end_is_refused(gallery: Gallery) -> None:
    """Its length is not told, so it is read up to the limit and no further."""
    url = gallery.client.base_url
    chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    with socket.create_connection((url.host, int(url.port or 0)), timeout=30) as connection:
        connection.sendall(b"POST /api/uploads HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        with pytest.raises(ConnectionError):
            connection.sendall(chunk * (4 * MAX_BYTES // len(chunk)))


def test_uploads_are_posted(gallery: Gallery) -> None:
    """A link cannot upload."""
    assert gallery.refused("uploads", 405) == "Method Not Allowed"
