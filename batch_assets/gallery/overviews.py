"""What the map and the near-duplicates view are told, out of a survey."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from batch_assets.gallery.indexed_partitions import IndexedPartitions
from batch_assets.gallery.parameters import Page, page, required, whole_number
from batch_assets.gallery.refusal import not_found, wrong_input
from batch_assets.gallery.searching import described
from batch_assets.gallery.survey import Survey, Surveys
from batch_assets.gallery.survey_process import NEAR_DISTANCE

_MOST_PICTURES = 1000
_MOST_IN_A_GROUP = 200
_READY, _COMPUTING = "ready", "computing"


class Overviews:
    """Answers of the addresses below `/api/map` and of `/api/near-duplicates`."""

    def __init__(self, surveys: Surveys, partitions: IndexedPartitions) -> None:
        self._surveys, self._partitions = surveys, partitions

    def map(self) -> Mapping[str, Any]:
        """Whether there is a map, and what it is of."""
        found = self._surveys.drawn()
        if found is None:
            return {"state": _COMPUTING, "count": 0, "explained": [0.0, 0.0], "version": ""}
        return {
            "state": _READY,
            "count": found.pictures.num_rows,
            "explained": list(found.explained),
            "version": found.version,
        }

    def points(self, query: Mapping[str, str]) -> bytes:
        """The places of all pictures on a map. Raises `RequestError` if it has been replaced."""
        return self._drawn(query).points

    def pictures(self, query: Mapping[str, str]) -> Sequence[Mapping[str, Any]]:
        """The pictures of the points from one number to before another. Raises `RequestError`."""
        found = self._drawn(query)
        first, end = whole_number(query, "from", 0), whole_number(query, "to", found.pictures.num_rows)
        if not first <= end <= first + _MOST_PICTURES:
            raise wrong_input(f"from={first} and to={end}: ask for at most {_MOST_PICTURES:,} pictures")
        rows: list[Mapping[str, Any]] = (
            found.pictures.select(["key", "partition"]).slice(first, end - first).to_pylist()
        )
        return rows

    def near_duplicates(self, query: Mapping[str, str]) -> Mapping[str, Any]:
        """A page of the groups, of pictures in some partitions. Raises `RequestError`."""
        wanted, keys = page(query), self._partitions.keys(query.get("since") or None, query.get("until") or None)
        found = self._surveys.grouped()
        groups, following = _groups(found, keys, wanted) if found is not None else ([], None)
        return {
            "threshold": NEAR_DISTANCE,
            "groups": groups,
            "next_offset": following,
            "state": _COMPUTING if found is None else _READY,
        }

    def _drawn(self, query: Mapping[str, str]) -> Survey:
        version, found = required(query, "version"), self._surveys.drawn()
        if found is None or found.version != version:
            raise not_found("this map has been replaced by a newer one: open the map again")
        return found


def _groups(found: Survey, keys: Sequence[str] | None, wanted: Page) -> tuple[list[Mapping[str, Any]], int | None]:
    groups = found.groups or ()
    chosen = [(group.rows, group.largest_distance) for group in groups]
    if keys is not None:
        inside = _inside(found.pictures["partition"], keys)
        chosen = [(rows[inside[rows]], distance) for rows, distance in chosen]
        chosen = [(rows, distance) for rows, distance in chosen if rows.size > 1]
    told: list[Mapping[str, Any]] = [
        {
            "pictures": [described(row) for row in found.pictures.take(rows[:_MOST_IN_A_GROUP]).to_pylist()],
            "count": int(rows.size),
            "largest_distance": distance,
        }
        for rows, distance in chosen[wanted.offset : wanted.end]
    ]
    return told, wanted.following(len(chosen))


def _inside(partitions: pa.ChunkedArray, keys: Sequence[str]) -> NDArray[np.bool_]:
    """Which rows belong to one of the partitions."""
    found = pc.is_in(partitions, pa.array(keys, pa.string())).combine_chunks()
    inside: NDArray[np.bool_] = found.to_numpy(zero_copy_only=False)
    return inside
