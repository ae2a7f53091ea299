"""What notebooks show: small HTML without scripts, style sheets or network; every text is escaped.

Styles stand on the elements and colours are inherited, so that light and dark notebooks both look right, and so does a
saved notebook of which an untrusting viewer keeps only plain elements.
"""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from botocore.exceptions import ClientError

from batch_assets.pictures.escaping import escaped
from batch_assets.pictures.thumbnail import data_uri, thumbnail
from batch_assets.storage.objects import S3Address, explained, is_missing
from batch_assets.storage.tables import StoredTable

PARTITIONS = 5
"""So many of the newest partitions are shown with their counts."""

PICTURES = 24
"""So many pictures are shown at most: each is fetched as it is, and shrunk."""

_THREADS = 8
_EDGE_PIXELS = 144
_COUNTS = ("images", "rejected", "waiting")
_TILE = f"display:inline-block;width:{_EDGE_PIXELS}px;margin:0 10px 10px 0;vertical-align:top;overflow-wrap:anywhere"
_BOX = f"height:{_EDGE_PIXELS}px;display:flex;align-items:center;justify-content:center"


@dataclass(frozen=True)
class Tile:
    """A picture to show: where it is, and the lines below it."""

    uri: str
    lines: Sequence[str]


def section(title: str, *parts: str) -> str:
    """Parts of HTML under a title."""
    return f"<div><p><strong>{escaped(title)}</strong></p>{''.join(parts)}</div>"


def paragraph(text: str) -> str:
    return f"<p>{escaped(text)}</p>"


def table(head: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """A table of texts and numbers."""
    return f"<table><thead>{_row('th', head)}</thead><tbody>{''.join(_row('td', row) for row in rows)}</tbody></table>"


def _row(element: str, cells: Iterable[Any]) -> str:
    return f"<tr>{''.join(f'<{element}>{escaped(_cell(cell))}</{element}>' for cell in cells)}</tr>"


def _cell(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def partitions(keys: Sequence[str], opened: Mapping[str, StoredTable]) -> str:
    """How many partitions there are, and the counts of those that were opened."""
    counts = [name for name in _COUNTS if any(name in stored.facts for stored in opened.values())]
    rows = [
        [key, stored.rows_count, *(stored.facts.get(name, "") for name in counts)] for key, stored in opened.items()
    ]
    span = f"partition {keys[0]}" if len(keys) == 1 else f"{len(keys):,} partitions, {keys[0]} to {keys[-1]}"
    newest = f"; the newest {len(opened)}:" if len(opened) < len(keys) else ":"
    return paragraph(f"{span}{newest}") + table(["partition", "rows", *counts], rows)


def columns(schema: pa.Schema) -> str:
    """The columns of a table and what they mean, folded away."""
    rows = [[field.name, field.type, (field.metadata or {}).get(b"description", b"").decode()] for field in schema]
    return f"<details><summary>columns</summary>{table(['column', 'type', 'meaning'], rows)}</details>"


def pictures(s3: Any, tiles: Sequence[Tile]) -> str:
    """Pictures side by side, each with its lines. Raises `SourceError` if the bucket cannot be read."""
    with ThreadPoolExecutor(_THREADS) as pool:
        files = pool.map(lambda tile: _file(s3, tile.uri), tiles)
        return f'<div style="margin-top:1em">{"".join(map(_figure, tiles, files))}</div>'


def _file(s3: Any, uri: str) -> bytes | None:
    """The object, or None if it was deleted since it was indexed."""
    address = S3Address.parse(uri)
    with explained(uri):
        try:
            data: bytes = s3.get_object(Bucket=address.bucket, Key=address.key)["Body"].read()
        except ClientError as error:
            if is_missing(error):
                return None
            raise
    return data


def _figure(tile: Tile, data: bytes | None) -> str:
    lines = "".join(f"<div>{escaped(line)}</div>" for line in tile.lines)
    return f'<div style="{_TILE}">{_image(data, tile.lines[0])}<small>{lines}</small></div>'


def _image(data: bytes | None, alternative: str) -> str:
    if data is None:
        return f'<div style="{_BOX}"><em>not available</em></div>'
    try:
        address = data_uri(thumbnail(data, edge_pixels=_EDGE_PIXELS))
    except ValueError:
        return f'<div style="{_BOX}"><em>cannot be shown</em></div>'
    return f'<div style="{_BOX}"><img src="{address}" alt="{escaped(alternative)}"></div>'
