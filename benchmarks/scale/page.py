"""What was seen at scale, as tables in Markdown: a section a case, a row a figure, or a row a thing of one kind."""

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
    "pictures": "What the pictures in the Dagster UI cost a step",
    "gallery": "The gallery's answers",
}
"""By case, in the order of the page."""


def write(stored: Mapping[str, Mapping[str, Any]]) -> None:
    """Put the tables into the page."""
    write_part(render(stored), marker=_MARKER)


def render(stored: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a section for each case that has figures, and for each other name that they were kept under."""
    parts = (
        _section(title, name, figures)
        for case, title in TITLES.items()
        for name, figures in sorted(stored.items())
        if name == case or name.startswith(f"{case}-")
    )
    return "\n\n".join(chain.from_iterable(parts))


def _section(title: str, name: str, figures: Mapping[str, Any]) -> Iterator[str]:
    grids = {figure: value for figure, value in figures.items() if _is_grid(value)}
    yield f"### {title} (`{name}`)"
    yield from table(("figure", "value"), _rows({**figures, **dict.fromkeys(grids)}))
    for figure, grid in grids.items():
        yield from _grid(figure, grid)


def _is_grid(value: Any) -> bool:
    """Tell whether things of one kind lie side by side: they are rows, and their figures are columns."""
    shapes = [_shape(part) for part in value.values()] if isinstance(value, Mapping) else []
    return len(shapes) > 1 and shapes[0] is not None and all(shape == shapes[0] for shape in shapes)


def _shape(value: Any) -> Any:
    """Return the names of all figures in their order, and `None` of a figure itself."""
    return tuple((name, _shape(part)) for name, part in value.items()) if isinstance(value, Mapping) else None


def _grid(figure: str, grid: Mapping[str, Any]) -> Iterator[str]:
    rows = dict(_grid_rows(grid))
    texts = {name for row in rows.values() for name, value in row.items() if isinstance(value, str)}
    numbers = [name for name in next(iter(rows.values())) if name not in texts]
    yield from table(
        (figure.replace("_", " "), *numbers),
        ((path, *(_shown(row[name]) for name in numbers)) for path, row in rows.items()),
    )


def _grid_rows(grid: Mapping[str, Any], path: Sequence[str] = ()) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, value in grid.items():
        here = (*path, name.replace("_", " "))
        if _is_grid(value):
            yield from _grid_rows(value, here)
        else:
            yield ": ".join(here), dict(_leaves(value))


def _rows(figures: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    return ((name, _shown(value)) for name, value in _leaves(figures) if value not in ("", None))


def _leaves(figures: Mapping[str, Any], path: Sequence[str] = ()) -> Iterator[tuple[str, Any]]:
    for name, value in figures.items():
        here = (*path, name.replace("_", " "))
        if isinstance(value, Mapping):
            yield from _leaves(value, here)
        else:
            yield ": ".join(here), value


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_shown, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return _shown(int(value))
    return f"{value:,}" if isinstance(value, int | float) and abs(value) >= _GROUPED_FROM else str(value)
