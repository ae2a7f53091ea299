"""What a request asks for, read from its query string; empty values are as good as none."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from batch_assets.gallery.refusal import wrong_input

MAX_LIMIT = 200
_LIMIT = 48
_LARGEST_NUMBER = 10**15


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What the pictures must be; None and empty leave it open. Dates are included."""

    since: str | None = None
    until: str | None = None
    formats: tuple[str, ...] = ()
    min_size_bytes: int | None = None
    max_size_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class Page:
    """Which part of a result."""

    offset: int
    limit: int

    @property
    def end(self) -> int:
        return self.offset + self.limit

    def following(self, found: int) -> int | None:
        """Where the next page begins, if more are found than this page's end."""
        return self.end if found > self.end else None


def page(query: Mapping[str, str]) -> Page:
    """The part that is asked for. Raises `RequestError`."""
    limit = whole_number(query, "limit", _LIMIT)
    if not 1 <= limit <= MAX_LIMIT:
        raise wrong_input(f"limit={limit}: write 1 to {MAX_LIMIT}")
    return Page(offset=whole_number(query, "offset", 0), limit=limit)


def filters(query: Any, *, formats: frozenset[str]) -> Filters:
    """The filters of `query`, which gives `getlist` too. Raises `RequestError`."""
    chosen = tuple(dict.fromkeys(filter(None, query.getlist("format"))))
    if unknown := set(chosen) - formats:
        raise wrong_input(f"format={min(unknown)}: there are {', '.join(sorted(formats))}")
    smallest, largest = optional_whole_number(query, "min_size_bytes"), optional_whole_number(query, "max_size_bytes")
    if smallest is not None and largest is not None and smallest > largest:
        raise wrong_input(f"min_size_bytes={smallest} is more than max_size_bytes={largest}")
    return Filters(
        since=query.get("since") or None,
        until=query.get("until") or None,
        formats=chosen,
        min_size_bytes=smallest,
        max_size_bytes=largest,
    )


def required(query: Mapping[str, str], name: str) -> str:
    """A value that must be there. Raises `RequestError`."""
    value = query.get(name)
    if not value:
        raise wrong_input(f"{name} is missing")
    return value


def whole_number(query: Mapping[str, str], name: str, otherwise: int) -> int:
    """A whole number from 0 on. Raises `RequestError`."""
    found = optional_whole_number(query, name)
    return otherwise if found is None else found


def optional_whole_number(query: Mapping[str, str], name: str) -> int | None:
    """A whole number from 0 on, or None. Raises `RequestError`."""
    text = query.get(name)
    if not text:
        return None
    if not re.fullmatch("[0-9]{1,16}", text) or int(text) > _LARGEST_NUMBER:
        raise wrong_input(f"{name}={text[:40]!r}: write a whole number from 0 on")
    return int(text)
