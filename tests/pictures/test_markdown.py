"""Pictures as Markdown: what a hostile name can do, and what stands for a picture that is not there."""

import base64
import importlib.resources
import io
import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from PIL import Image

from batch_assets.pictures.markdown import BOX_PIXELS, Shown, grid, picture, table, text

PHOTOGRAPH = (importlib.resources.files("batch_assets.sandbox") / "pictures" / "coffee.jpg").read_bytes()
IMAGE = re.compile(r"!\[(?:[^]\\]|\\.)*\]\(data:image/(?P<kind>[a-z+]+);base64,(?P<body>[^ ]+) ")


def shown_by(markdown: str) -> tuple[list[str], str]:
    """Alternative texts of the images, and everything else that a reader sees, as CommonMark has it."""
    reader = MarkdownIt("commonmark")
    # Which addresses may stand in it is a matter of whoever shows it.
    reader.validateLink = lambda _: True  # type: ignore[method-assign, assignment]
    tokens = [child for token in reader.parse(markdown) for child in token.children or []]
    images = ["".join(part.content for part in token.children or []) for token in tokens if token.type == "image"]
    assert {token.type for token in tokens} <= {"image", "text", "text_special"}
    return images, "".join(token.content for token in tokens if token.type != "image")


def body_of(markdown: str) -> tuple[str, bytes]:
    """Kind and bytes of the only image."""
    (found,) = IMAGE.finditer(markdown)
    return found["kind"], base64.b64decode(found["body"])


def test_a_thumbnail_is_a_kilobyte_or_two() -> None:
    """A sheet of two dozen stays far below what an event log can bear."""
    markdown = picture(Shown("coffee.jpg", PHOTOGRAPH))
    kind, body = body_of(markdown)

    assert kind == "webp"
    assert Image.open(io.BytesIO(body)).size == BOX_PIXELS
    assert len(markdown) < 2500


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        (Shown("a.jpg", None, "the object does not exist (NoSuchKey)"), "the object does not exist (NoSuchKey)"),
        (Shown("a.jpg", b"milk, bread"), "cannot be decoded as a picture"),
        (Shown("a.jpg", None, '<b>"&\x00' * 9), '<b>"&\\x00' * 9),
    ],
)
def test_a_box_that_says_why_stands_for_what_is_not_there(shown: Shown, told: str) -> None:
    """It is a picture itself, of the same size, and its words are its alternative text."""
    markdown = picture(shown)
    kind, body = body_of(markdown)

    assert kind == "svg+xml"
    assert ET.fromstring(body).attrib["width"] == str(BOX_PIXELS[0])  # noqa: S314 drawn by this project
    assert shown_by(markdown)[0] == [f"a.jpg: {told}"]


def test_when_nothing_can_be_had_a_sentence_says_so_once() -> None:
    """Two dozen boxes with the same words would tell no more."""
    denied = [Shown(f"{number}.jpg", None, "access denied") for number in range(24)]

    assert shown_by(grid(denied)) == ([], "No picture can be shown: access denied.")


@pytest.mark.parametrize(
    "hostile",
    [
        "![x](https://example.com/a.png)",
        "<img src=x onerror=alert(1)>",
        "a](javascript:1)",
        "| a | b |",
        '" onload="',
        "# h",
    ],
)
def test_names_are_no_markup(hostile: str) -> None:
    """Whatever a key holds is shown, and is nothing else."""
    assert shown_by(picture(Shown(hostile, PHOTOGRAPH)))[0] == [hostile]
    assert shown_by(f"x {text(hostile)}")[1] == f"x {hostile}"


@given(st.text(min_size=1))
def test_any_text_can_be_shown(plain: str) -> None:
    """It stays on its line, and shows again but for what cannot be printed."""
    shown = shown_by(f"x {text(plain)} x")[1]

    assert "\n" not in shown
    if plain.isprintable():
        assert shown == f"x {plain} x"


def test_a_table_is_githubs() -> None:
    """A bar in a cell's text does not end the cell."""
    rows = MarkdownIt("gfm-like", {"linkify": False}).parse(table(["a", "b"], [[text("1|2"), "3"]]))

    assert [token.content for token in rows if token.type == "inline"] == ["a", "b", "1|2", "3"]
