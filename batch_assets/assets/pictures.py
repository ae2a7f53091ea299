"""What the web UI shows of a partition's pictures: thumbnails and plots in Markdown, small enough for the event log."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc

from batch_assets.settings import Settings
from batch_assets.storage.picture_bytes import MAX_PICTURE_BYTES, read_pictures
from batch_assets.vectors.spread import NEAR_DUPLICATE_DISTANCE, Spread

if TYPE_CHECKING:
    from batch_assets.pictures.markdown import Shown

NAME = "pictures"
_ON_SHEET, _REJECTED, _LANDMARKS, _GROUPS, _OF_A_GROUP = 24, 8, 18, 4, 3
_MESSAGE_LETTERS = 160


def shown(markdown: str | None) -> dict[str, Any]:
    """The metadata entry of some Markdown, if there is any."""
    return {} if markdown is None else {NAME: dg.MetadataValue.md(markdown)}


@dataclass(frozen=True)
class Album:
    """Pictures of one partition: read from the source bucket, drawn, and laid out; nothing of them, if so set.

    One that cannot be read or decoded is shown as a box that says why.
    """

    settings: Settings
    s3: Any
    partition: str

    def contact_sheet(self, inventory: pa.Table) -> str | None:
        """Some of the pictures that can be embedded, evenly among their keys."""
        eligible = inventory.filter(inventory["eligible"])
        if not self.settings.pictures or not eligible.num_rows:
            return None
        from batch_assets.pictures import markdown  # noqa: PLC0415 Pillow is not for runs that show no picture

        small = eligible.filter(pc.less_equal(eligible["size"], MAX_PICTURE_BYTES))
        chosen = _evenly((small if small.num_rows else eligible)["key"].to_pylist(), _ON_SHEET)
        note = f"{len(chosen)} of {eligible.num_rows} pictures that can be embedded, evenly among their keys."
        return f"{note}\n\n{markdown.grid(list(self._read(chosen)))}"

    def rejections(self, rejected: pa.Table) -> str | None:
        """Some refused objects, each with its reason; what the model refused comes first, with the picture."""
        if not self.settings.pictures or not rejected.num_rows:
            return None
        from batch_assets.pictures import markdown  # noqa: PLC0415

        rows = rejected.sort_by([("attempts", "descending"), ("key", "ascending")]).slice(0, _REJECTED).to_pylist()
        sent = [row for row in rows if row["attempts"]]
        pictures = [*self._read([row["key"] for row in sent])]
        pictures += [
            markdown.Shown(self._name(row["key"]), None, row["message"]) for row in rows if not row["attempts"]
        ]
        lines = [
            [markdown.picture(picture), *map(markdown.text, (picture.name, row["code"], _cut(row["message"])))]
            for row, picture in zip(rows, pictures, strict=True)
        ]
        note = f"{len(rows)} of {rejected.num_rows} refused objects."
        return f"{note}\n\n{markdown.table(['picture', 'key', 'code', 'why'], lines)}"

    def vectors(self, spread: Spread | None) -> str | None:
        """The map of the vectors with some pictures on it, how they are distributed, and near-duplicates."""
        if not self.settings.pictures or spread is None:
            return None
        from batch_assets.pictures import markdown, plots  # noqa: PLC0415 matplotlib, too

        marked = plots.landmarks(spread.places, most=_LANDMARKS)
        groups = [group[:_OF_A_GROUP].tolist() for group in spread.near_duplicates[:_GROUPS]]
        rows = list(dict.fromkeys([*marked, *(row for group in groups for row in group)]))
        pictures = dict(zip(rows, self._read([spread.keys[row] for row in rows]), strict=True))
        images = {row: pictures[row].image for row in marked}
        drawn = plots.picture_map(spread.places, images, explained=spread.explained)
        beside = plots.distributions(
            [
                plots.Histogram("lengths of the vectors", spread.lengths),
                plots.Histogram("cosine distances of pairs", spread.distances),
            ]
        )
        sections = [
            f"#### Map of {len(spread.keys)} of {spread.of} vectors, their lengths and their distances",
            f"{markdown.image(drawn, 'map of the vectors')} {markdown.image(beside, 'lengths and distances')}",
            f"#### {len(spread.near_duplicates)} groups of near-duplicates",
            f"Cosine distance at most {NEAR_DUPLICATE_DISTANCE}, directly or through others of the group.",
        ]
        if groups:
            sizes = [group.size for group in spread.near_duplicates]
            lines = [
                [
                    str(size),
                    markdown.grid([pictures[row] for row in group]),
                    ", ".join(markdown.text(pictures[row].name) for row in group),
                ]
                for size, group in zip(sizes, groups, strict=False)
            ]
            sections.append(markdown.table(["pictures", "some of them", "keys"], lines))
        return "\n\n".join(sections)

    def _read(self, keys: Sequence[str]) -> "Iterator[Shown]":
        from batch_assets.pictures.markdown import Shown  # noqa: PLC0415

        for picture in read_pictures(self.s3, self.settings.source_bucket, keys):
            yield Shown(self._name(picture.key), picture.data, picture.problem)

    def _name(self, key: str) -> str:
        return key.removeprefix(self.settings.template.prefix(self.partition))


def _evenly(keys: list[str], most: int) -> list[str]:
    count = min(most, len(keys))
    return [keys[number * len(keys) // count] for number in range(count)]


def _cut(message: str) -> str:
    return message if len(message) <= _MESSAGE_LETTERS else message[: _MESSAGE_LETTERS - 1] + "…"
