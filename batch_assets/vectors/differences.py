"""What differs between the tables of one partition, the live index and the source bucket."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from batch_assets.vectors.inventory_file import LiveVector
from batch_assets.vectors.reconcile import Reconciliation


class Kind(StrEnum):
    """A kind of difference."""

    MISSING = "missing"
    STALE = "stale"
    ORPHANED = "orphaned"
    DIFFERING = "differing"
    SOURCE_GONE = "source_gone"
    SOURCE_CHANGED = "source_changed"
    FOREIGN = "foreign"


MEANINGS: Mapping[Kind, str] = {
    Kind.MISSING: "rows of a table without a vector",
    Kind.STALE: "vectors with another ETag or partition than their row",
    Kind.ORPHANED: "vectors without a row",
    Kind.DIFFERING: "keys of which the index table says otherwise than the live index",
    Kind.SOURCE_GONE: "rows whose picture was deleted",
    Kind.SOURCE_CHANGED: "rows whose picture was overwritten",
    Kind.FOREIGN: "vectors that belong to no partition",
}

MENDED_HERE = (Kind.MISSING, Kind.STALE, Kind.ORPHANED, Kind.DIFFERING)
"""Kinds that a repair of the index mends."""

MENDED_BY_PLAN = (Kind.SOURCE_GONE, Kind.SOURCE_CHANGED)
"""Kinds that planning and loading the partition again mends."""


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What each place says of one partition.

    Attributes:
        rows: ETag by key of the embedding table.
        live: Vectors of the live index whose keys lie under the partition's prefix, by key.
        indexed: ETag by key of the index table; None where an interrupted write leaves that open.
        source: ETag by key of the objects under the prefix.
    """

    rows: Mapping[str, str]
    live: Mapping[str, LiveVector]
    indexed: Mapping[str, str | None]
    source: Mapping[str, str]


def compare(contents: Contents) -> Mapping[Kind, tuple[str, ...]]:
    """Keys by kind of difference; kinds without any are left out.

    A vector without a row is orphaned if its own metadata name the partition, and foreign otherwise. One key may differ
    in several ways: a vector that somebody deleted is missing, and the index table still lists it.
    """
    found = {kind: tuple(keys(contents)) for kind, keys in _SEARCHES.items()}
    return {kind: keys for kind, keys in found.items() if keys}


def way_back(contents: Contents) -> Reconciliation:
    """What to put and delete so that the live index holds exactly the rows; foreign vectors stay."""
    put = tuple(key for key, etag in contents.rows.items() if not _is_right(contents.live.get(key), etag))
    delete = tuple(_orphaned(contents))
    return Reconciliation(put=put, delete=delete, unchanged=len(contents.rows) - len(put))


def _missing(contents: Contents) -> Iterator[str]:
    return (key for key in contents.rows if key not in contents.live)


def _stale(contents: Contents) -> Iterator[str]:
    rows, live = contents.rows, contents.live
    return (key for key, etag in rows.items() if key in live and not _is_right(live[key], etag))


def _orphaned(contents: Contents) -> Iterator[str]:
    return (key for key, vector in contents.live.items() if key not in contents.rows and vector.ours)


def _foreign(contents: Contents) -> Iterator[str]:
    return (key for key, vector in contents.live.items() if key not in contents.rows and not vector.ours)


def _differing(contents: Contents) -> Iterator[str]:
    live = {key: vector.etag for key, vector in contents.live.items() if vector.ours or key in contents.rows}
    for key, etag in contents.indexed.items():
        if etag is None or key not in live or live[key] != etag:
            yield key
    yield from (key for key in live if key not in contents.indexed)


def _source_gone(contents: Contents) -> Iterator[str]:
    return (key for key in contents.rows if key not in contents.source)


def _source_changed(contents: Contents) -> Iterator[str]:
    source = contents.source
    return (key for key, etag in contents.rows.items() if key in source and source[key] != etag)


def _is_right(vector: LiveVector | None, etag: str) -> bool:
    return vector is not None and vector.ours and vector.etag == etag


_SEARCHES = {
    Kind.MISSING: _missing,
    Kind.STALE: _stale,
    Kind.ORPHANED: _orphaned,
    Kind.DIFFERING: _differing,
    Kind.SOURCE_GONE: _source_gone,
    Kind.SOURCE_CHANGED: _source_changed,
    Kind.FOREIGN: _foreign,
}
