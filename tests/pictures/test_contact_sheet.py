"""The page that shows search results as pictures."""

import base64
import importlib.resources
import io
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from batch_assets.pictures.contact_sheet import Tile, contact_sheet
from batch_assets.pictures.thumbnail import data_uri, thumbnail

PHOTOGRAPH = (importlib.resources.files("batch_assets.sandbox") / "pictures" / "coffee.jpg").read_bytes()
NO_END_TAG = {"meta", "img"}


class Page(HTMLParser):
    """A strict reading of a page: its elements, its texts, and whether every tag is closed in order."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in NO_END_TAG:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def thumbnail_of(uri: str) -> Image.Image:
    head, _, body = uri.partition(",")
    assert head == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(body)))


def encoded(image: Image.Image, file_format: str) -> bytes:
    file = io.BytesIO()
    image.save(file, file_format)
    return file.getvalue()


def test_a_thumbnail_is_small_and_keeps_its_shape() -> None:
    """600 by 400 pixels become 200 by 133, in a few kilobytes."""
    uri = data_uri(thumbnail(PHOTOGRAPH))
    assert thumbnail_of(uri).size == (200, 133)
    assert len(uri) < 15_000
    assert thumbnail_of(data_uri(thumbnail(PHOTOGRAPH, edge_pixels=60))).size == (60, 40)


def test_a_small_picture_keeps_its_size() -> None:
    """Nothing is blown up."""
    assert thumbnail_of(data_uri(thumbnail(encoded(Image.new("L", (30, 20)), "PNG")))).size == (30, 20)


@pytest.mark.parametrize(("mode", "file_format"), [("RGBA", "PNG"), ("LA", "PNG"), ("RGBA", "WEBP"), ("P", "GIF")])
def test_every_kind_of_picture_has_a_thumbnail(mode: str, file_format: str) -> None:
    """Transparency and palettes are turned into plain colours on white."""
    data = encoded(Image.new("RGBA", (40, 40), (255, 255, 255, 0)).convert(mode), file_format)
    pixel = thumbnail_of(data_uri(thumbnail(data))).convert("RGB").getpixel((20, 20))
    assert pixel == (255, 255, 255)


@pytest.mark.parametrize("data", [b"", b"milk, bread", PHOTOGRAPH[:3000], encoded(Image.new("L", (9, 9)), "TIFF")])
def test_what_is_no_picture_has_no_thumbnail(data: bytes) -> None:
    """The error says how many bytes could not be shown."""
    with pytest.raises(ValueError, match=f"The {len(data)} bytes cannot be shown"):
        data_uri(thumbnail(data))


def test_a_page_shows_each_picture_with_caption_and_distance() -> None:
    """Order, alternative texts, captions and distances are those of the tiles."""
    tiles = [
        Tile("photos/2026/11/22/coffee-001.jpg", PHOTOGRAPH, 0.01234567, note="2026/11/22"),
        Tile("gone.jpg", None, 0.5),
        Tile("broken.jpg", b"no picture", 0.75),
    ]
    markup = contact_sheet("a cup of coffee", tiles, note="Vectors by a stand-in, not Nova")
    page = Page(markup)
    assert page.open == []
    assert [image["alt"] for image in page.all("img")] == ["photos/2026/11/22/coffee-001.jpg"]
    assert len(page.all("li")) == 3
    for text in (
        "a cup of coffee",
        "Vectors by a stand-in, not Nova",
        "3 pictures",
        "gone.jpg",
        "not available",
        "broken.jpg",
        "cannot be shown",
        "distance 0.0123",
        "2026/11/22",
    ):
        assert text in page.texts


def test_a_page_needs_nothing_from_elsewhere() -> None:
    """No script, no link, no address but inlined pictures: the file can be mailed."""
    page = Page(contact_sheet("q", [Tile("a.jpg", PHOTOGRAPH, 0.1)]))
    assert {tag for tag, _ in page.elements}.isdisjoint({"script", "link", "iframe", "a", "object"})
    assert all((image["src"] or "").startswith("data:image/jpeg;base64,") for image in page.all("img"))


def test_a_page_without_pictures_says_so() -> None:
    """An empty result is still a page."""
    page = Page(contact_sheet("nothing like it", []))
    assert "Nothing was found." in page.texts
    assert "0 pictures" in page.texts


def test_a_page_is_for_every_reader() -> None:
    """It names its language, fits small screens and follows light and dark."""
    markup = contact_sheet("q", [Tile("a.jpg", PHOTOGRAPH)])
    page = Page(markup)
    assert page.all("html") == [{"lang": "en"}]
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.all("meta")
    assert "prefers-color-scheme: dark" in markup
    assert "distance" not in page.texts


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>.jpg",
        '"><img src=x onerror=alert(1)>.jpg',
        "' onload='alert(1)",
        "</title></style><script>alert(1)</script>",
        "<!--",
        "]]>&lt;b&gt;",
        "$title $grid ${note}",
        "\u202egpj.exe",
        "line\nbreak\x00\x1b[31m",
        "\ud800 lone surrogate",
    ],
)
def test_hostile_keys_stay_text(hostile: str) -> None:
    """Nothing in a key, title or note becomes an element, an attribute or a template's part."""
    harmless = Page(contact_sheet("q", [Tile("k", PHOTOGRAPH, 0.1, note="n")], note="n"))
    markup = contact_sheet(hostile, [Tile(hostile, PHOTOGRAPH, 0.1, note=hostile)], note=hostile)
    page = Page(markup)
    markup.encode()
    assert page.open == []
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in harmless.elements]
    assert [list(attributes) for _, attributes in page.elements] == [
        list(attributes) for _, attributes in harmless.elements
    ]
    if hostile.isprintable():
        assert page.all("img")[0]["alt"] == hostile
        assert page.texts.count(hostile) == 5


@given(st.text())
def test_any_caption_can_be_shown(caption: str) -> None:
    """Whatever a key holds, the page has one tile and is valid UTF-8."""
    page = Page(contact_sheet(caption, [Tile(caption, None)], note=caption))
    assert page.open == []
    assert len(page.all("li")) == 1
