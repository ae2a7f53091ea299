"""What was seen at scale, as tables in Markdown: a section a case, a row a figure."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from benchmarks.page import table, write_part

_MARKER = "scale"
_GROUPED_FROM = 1_000

TITLES = {
    "large-job": "One partition of 100,000 pictures, from a listing to a verified index",
    "sensors": "A look of each sensor, with thousands of partitions",
    "web-ui": "The Dagster UI, with thousands of partitions",
    "overhead": "A partition of 100 pictures, from the request to the index",
    "backfill": "A backfill of small partitions, from the click to the index",
    "inventory-report": "An inventory report, divided into its partitions",
    "dask": "Results to the embedding table, with and without Dask",
    "gallery": "The gallery's answers",
}
"""By case, in the order of the page."""


def write(stored: Mapping[str, Mapping[str, Any]]) -> None:
    """Put the tables into the page."""
    write_part(render(stored), marker=_MARKER)


def render(stored: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a section for each case that has figures."""
    parts = (_section(title, case, stored[case]) for case, title in TITLES.items() if case in stored)
    return "\n\n".join(chain.from_iterable(parts))


def _section(title: str, case: str, figures: Mapping[str, Any]) -> Iterator[str]:
    yield f"### {title} (`{case}`)"
    yield from table(("figure", "value"), _rows(figures))


def _rows(figures: Mapping[str, Any], path: Sequence[str] = ()) -> Iterator[tuple[str, str]]:
    for name, value in figures.items():
        here = (*path, name.replace("_", " "))
        if isinstance(value, Mapping):
            yield from _rows(value, here)
        elif value not in ("", None):
            yield ": ".join(here), _shown(value)


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_shown, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int | float) and abs(value) >= _GROUPED_FROM else str(value)
