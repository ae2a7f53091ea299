"""Pictures as Markdown with everything inlined, as the Dagster UI shows it: thumbnails beside each other, tables.

The UI renders data URIs in Markdown and drops other HTML (its `MarkdownWithPlugins`, dagster-webserver 1.13).
"""

import base64
import html
import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from batch_assets.pictures.thumbnail import WEBP, data_uri, encoded, shrunk

BOX_PIXELS = 96, 64
_QUALITY = 40
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_BOX_LINES, _BOX_LETTERS, _BOX_FONT_PIXELS = 5, 18, 9


@dataclass(frozen=True)
class Shown:
    """One picture to be shown.

    Attributes:
        name: Its key, or as much of it as tells pictures apart.
        image: The picture's bytes, or ``None`` if they could not be had.
        problem: Why not.
    """

    name: str
    image: bytes | None = field(repr=False)
    problem: str = ""


def grid(pictures: Sequence[Shown]) -> str:
    """Thumbnails in one paragraph, which wraps; a name shows when the mouse rests on its picture.

    If none can be had there is a sentence instead.
    """
    if pictures and all(shown.image is None for shown in pictures):
        return f"No picture can be shown: {text(pictures[0].problem)}."
    return " ".join(map(picture, pictures))


def picture(shown: Shown) -> str:
    """One thumbnail; a box that says why stands for a picture that cannot be had or decoded."""
    if shown.image is None:
        return image(_box(shown.problem), f"{shown.name}: {shown.problem}")
    try:
        small = encoded(shrunk(shown.image, BOX_PIXELS), quality=_QUALITY, media_type=WEBP)
    except ValueError:
        return image(_box("cannot be decoded as a picture"), f"{shown.name}: cannot be decoded as a picture")
    return image(data_uri(small, WEBP), shown.name)


def image(uri: str, name: str) -> str:
    """An image by its address; its name is alternative text and tooltip."""
    return f'![{text(name)}]({uri} "{text(name)}")'


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown cells (GitHub's form)."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def text(plain: str) -> str:
    """Any text as Markdown that shows it and is no markup; control characters become visible."""
    return _PUNCTUATION.sub(r"\\\1", _visible(plain))


def _visible(plain: str) -> str:
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in plain
    )


def _box(message: str) -> str:
    """Address of a grey box of a thumbnail's size with some words in it."""
    lines = textwrap.wrap(_visible(message), _BOX_LETTERS, max_lines=_BOX_LINES, placeholder=" …")
    words = "".join(f'<tspan x="4" dy="{_BOX_FONT_PIXELS + 2}">{html.escape(line)}</tspan>' for line in lines)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{BOX_PIXELS[0]}" height="{BOX_PIXELS[1]}">'
        f'<rect width="100%" height="100%" fill="#dfe3ea"/>'
        f'<text font-family="sans-serif" font-size="{_BOX_FONT_PIXELS}" fill="#3a4254">{words}</text></svg>'
    )
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
