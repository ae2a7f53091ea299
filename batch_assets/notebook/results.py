"""What a search has found: a sequence of matches, a table, and pictures in a notebook."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, overload

import pyarrow as pa

from batch_assets.notebook import display
from batch_assets.notebook.deployment import Deployment
from batch_assets.vectors.search import Match

if TYPE_CHECKING:
    import pandas as pd

RESULTS = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        pa.field("distance", pa.float64(), nullable=False),
        pa.field("partition", pa.string()),
        pa.field("format", pa.string()),
        pa.field("size", pa.int64()),
        pa.field("last_modified", pa.timestamp("us", tz="UTC")),
        pa.field("s3_uri", pa.string()),
        pa.field("etag", pa.string()),
        pa.field("record_id", pa.string()),
        pa.field("job_id", pa.string()),
    ]
)


@dataclass(frozen=True, repr=False)
class SearchResults(Sequence[Match]):
    """The nearest pictures, nearest first; distances are cosine distances from 0 (same direction) to 2."""

    query: str
    matches: tuple[Match, ...]
    deployment: Deployment

    @overload
    def __getitem__(self, number: int) -> Match: ...

    @overload
    def __getitem__(self, number: slice) -> "SearchResults": ...

    def __getitem__(self, number: int | slice) -> "Match | SearchResults":
        if isinstance(number, slice):
            return SearchResults(self.query, self.matches[number], self.deployment)
        return self.matches[number]

    def __iter__(self) -> Iterator[Match]:
        return iter(self.matches)

    def __len__(self) -> int:
        return len(self.matches)

    def to_arrow(self) -> pa.Table:
        """A row a match: key, distance, and the metadata of its vector."""
        return pa.Table.from_pylist([_row(match) for match in self.matches], schema=RESULTS)

    def to_pandas(self) -> "pd.DataFrame":
        """The rows of `to_arrow` as a frame."""
        frame: pd.DataFrame = self.to_arrow().to_pandas()
        return frame

    def __repr__(self) -> str:
        lines = (f"  {match.distance:.4f}  {match.key!r}" for match in self.matches)
        return "\n".join([f"<{len(self)} pictures nearest to {self.query}, by cosine distance>", *lines])

    def _repr_html_(self) -> str:
        """The pictures themselves, with key, distance and partition."""
        shown = self.matches[: display.PICTURES]
        more = f"; the first {len(shown)}:" if len(shown) < len(self) else ":"
        title = f"{len(self)} pictures nearest to {self.query}{more}" if self else f"nothing near {self.query}"
        tiles = [display.Tile(str(match.metadata["s3_uri"]), _lines(match)) for match in shown]
        return display.section(title, display.pictures(self.deployment.s3, tiles))


def _row(match: Match) -> dict[str, object]:
    modified = match.metadata.get("last_modified")
    return {
        **{name: match.metadata.get(name) for name in RESULTS.names},
        "key": match.key,
        "distance": match.distance,
        "last_modified": None if modified is None else datetime.fromtimestamp(modified, UTC),
    }


def _lines(match: Match) -> list[str]:
    return [match.key, f"distance {match.distance:.4f}", str(match.metadata.get("partition", ""))]
