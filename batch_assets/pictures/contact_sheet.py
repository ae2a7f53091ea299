"""Search results as one HTML page: pictures beside each other, captions and distances below."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from string import Template

from batch_assets.pictures.escaping import escaped
from batch_assets.pictures.thumbnail import data_uri, thumbnail


@dataclass(frozen=True)
class Tile:
    """One picture of a contact sheet.

    Attributes:
        caption: What stands below, such as the object's key; also its alternative text.
        image: The picture's bytes, or ``None`` when they could not be had.
        distance: How far it is from what was searched for, if that was measured.
        note: A further line, such as the partition.
    """

    caption: str
    image: bytes | None = field(repr=False)
    distance: float | None = None
    note: str = ""


def contact_sheet(title: str, tiles: Sequence[Tile], *, note: str = "") -> str:
    """Lay pictures out on one self-contained page.

    The page needs no network and runs no script: pictures are inlined as thumbnails, and nothing
    from a caption is ever markup.

    Args:
        title: Headline, such as the query.
        tiles: The pictures, nearest first. One that cannot be decoded gets a plain box instead.
        note: A line under the headline, such as where the vectors come from.

    Returns:
        A complete HTML document, to be written as UTF-8.
    """
    figures = "\n".join(_figure(number, tile) for number, tile in enumerate(tiles, start=1))
    count = "1 picture" if len(tiles) == 1 else f"{len(tiles)} pictures"
    return _PAGE.substitute(
        title=escaped(title),
        note=f"<p>{escaped(note)}</p>" if note else "",
        count=count,
        grid=f'<ol class="grid">\n{figures}\n</ol>' if tiles else '<p class="nothing">Nothing was found.</p>',
    )


def _figure(number: int, tile: Tile) -> str:
    caption = escaped(tile.caption)
    distance = "" if tile.distance is None else f'<span class="distance">distance {tile.distance:.4f}</span>'
    note = f'<span class="note">{escaped(tile.note)}</span>' if tile.note else ""
    return (
        f"<li><figure>{_picture(tile, caption)}<figcaption>"
        f'<span class="rank" aria-hidden="true">{number}</span> <span class="caption">{caption}</span>{note}{distance}'
        "</figcaption></figure></li>"
    )


def _picture(tile: Tile, alternative: str) -> str:
    """Inline the thumbnail, or say in its place why there is none."""
    if tile.image is None:
        return '<div class="missing">not available</div>'
    try:
        address = data_uri(thumbnail(tile.image))
    except ValueError:
        return '<div class="missing">cannot be shown</div>'
    return f'<img src="{address}" alt="{alternative}" loading="lazy" decoding="async">'


_PAGE = Template("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>$title</title>
<style>
:root { color-scheme: light dark; --page: #f6f7f9; --card: #fff; --ink: #1c2230; --soft: #566074; --line: #dfe3ea; }
@media (prefers-color-scheme: dark) {
  :root { --page: #14171d; --card: #1e232c; --ink: #e8ebf1; --soft: #a3adbf; --line: #323947; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.45 system-ui, sans-serif; }
main { max-width: 84rem; margin: 0 auto; padding: 2rem clamp(1rem, 4vw, 3rem) 3rem; }
h1 { margin: 0; font-size: 1.5rem; line-height: 1.25; overflow-wrap: anywhere; }
header p { margin: .4rem 0 0; color: var(--soft); overflow-wrap: anywhere; }
.grid {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(min(11rem, 100%), 1fr)); gap: 1rem;
  margin: 1.5rem 0 0; padding: 0; list-style: none;
}
figure {
  height: 100%; margin: 0; overflow: hidden;
  background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
}
img, .missing { display: block; width: 100%; aspect-ratio: 1; object-fit: cover; background: var(--line); }
.missing { display: grid; place-items: center; color: var(--soft); font-size: .85rem; }
figcaption { padding: .6rem .75rem .75rem; font-size: .85rem; overflow-wrap: anywhere; }
.rank { color: var(--soft); font-variant-numeric: tabular-nums; }
.note, .distance { display: block; color: var(--soft); font-size: .8rem; font-variant-numeric: tabular-nums; }
.nothing { margin-top: 2rem; color: var(--soft); }
@media print { body { background: #fff; } figure { break-inside: avoid; } }
</style>
</head>
<body>
<main>
<header>
<h1>$title</h1>
$note
<p>$count</p>
</header>
$grid
</main>
</body>
</html>
""")
