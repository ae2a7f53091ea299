"""The results as tables in Markdown, between markers, so that prose around them stays."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.machine import machine_line
from benchmarks.record import Record
from benchmarks.targets import quantity

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"

_MARKER = "benchmarks"


def write_part(body: str, *, marker: str = _MARKER) -> None:
    """Put a generated part into the page; raises as `replace_between_markers`."""
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(replace_between_markers(text, body, marker=marker), encoding="utf-8")


def replace_between_markers(text: str, body: str, *, marker: str = _MARKER) -> str:
    """Return the text with the body between `<!-- marker -->` and `<!-- /marker -->`.

    Raises:
        ValueError: If the text has not exactly one such pair.
    """
    opening, closing = f"<!-- {marker} -->", f"<!-- /{marker} -->"
    before, opened, rest = text.partition(opening)
    _, closed, after = rest.partition(closing)
    if not (opened and closed) or opening in rest or closing in after or closing in before:
        raise ValueError(f"exactly one {opening} with a {closing} after it is needed")
    return f"{before}{opening}\n{body.strip()}\n{closing}{after}"


def render(stored: Record, *, picture: str) -> str:
    """Return the page's generated part: the machine, what was reached, and a section a stage."""
    stages = stored["stages"]
    parts = [
        f"Measured on: {machine_line(stored['machine'])}",
        f"![Time of each contender, and growth of ours]({picture})",
        "## Reached or not",
        *table(
            ("stage", "what is compared", "to reach", "measured", "reached"),
            (
                (
                    name,
                    target["what"],
                    target["wanted"],
                    quantity(target["value"], target["unit"]),
                    _reached(target),
                )
                for name, stage in stages.items()
                for target in stage["targets"]
            ),
        ),
        *(part for name, stage in stages.items() for part in _section(name, stage)),
    ]
    return "\n\n".join(parts)


def _section(name: str, stage: Record) -> Iterator[str]:
    yield f"## {stage['title']} (`{name}`)"
    if stage["note"]:
        yield stage["note"]
    extra = _own_figures(stage["contenders"])
    heads = (
        "",
        "role",
        "wall s",
        "CPU s",
        "cores",
        "peak MB",
        *(figure.removesuffix("_bytes").replace("_", " ") for figure in extra),
        "CPU / ours",
    )
    yield (
        f"{stage['size']:,} {stage['unit']}, medians of {_rounds(stage['contenders'])}; load average before: "
        f"{stage['load_before']}."
    )
    yield from table(heads, (_contender_row(contender, extra, stage) for contender in stage["contenders"]))
    grown = [(contender, row) for contender, rows in stage["growth"].items() for row in rows if len(rows) > 1]
    if grown:
        yield "Growth of ours:"
        first = {contender: rows[0] for contender, rows in stage["growth"].items()}
        yield from table(
            ("", stage["unit"], "wall s", "CPU s", "CPU a unit / the first", "peak MB"),
            (_growth_row(contender, row, first[contender]) for contender, row in grown),
        )


def _contender_row(contender: Record, extra: Sequence[str], stage: Record) -> Sequence[str]:
    medians = contender["medians"]
    ratio = stage["ratios"].get(contender["name"], {}).get("cpu_seconds")
    return (
        contender["name"],
        contender["role"],
        _number(medians["wall_seconds"]),
        _number(medians["cpu_seconds"]),
        _number(medians["cores"]),
        f"{medians['peak_bytes'] / 1e6:,.0f}" + (" a process" if contender["pool"] else ""),
        *(_number(medians.get(figure), figure) for figure in extra),
        _number(ratio),
    )


def _growth_row(contender: str, row: Record, first: Record) -> Sequence[str]:
    a_unit, a_unit_first = row["cpu_seconds"] / row["size"], first["cpu_seconds"] / first["size"]
    return (
        contender,
        f"{row['size']:,}",
        _number(row["wall_seconds"]),
        _number(row["cpu_seconds"]),
        _number(a_unit / a_unit_first if a_unit_first else None),
        f"{row['peak_bytes'] / 1e6:,.0f}",
    )


def _own_figures(contenders: Iterable[Record]) -> Sequence[str]:
    """Return the figures that contenders added to what is measured everywhere."""
    everywhere = {"wall_seconds", "cpu_seconds", "peak_bytes", "ready_bytes", "cores"}
    return sorted({name for contender in contenders for name in contender["medians"]} - everywhere)


def _rounds(contenders: Sequence[Record]) -> str:
    rounds = min(contender["rounds"] for contender in contenders)
    return f"{rounds} interleaved rounds" if rounds > 1 else "one round"


def _reached(target: Mapping[str, Any]) -> str:
    share = f"{abs(target['margin']):.0%}"
    return f"yes, {share} to spare" if target["reached"] else f"**no**, {share} short"


def _number(value: float | None, figure: str = "") -> str:
    return "" if value is None else quantity(value, "bytes" if figure.endswith("_bytes") else "")


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield a table in Markdown, or nothing if there are no rows."""
    lines = [_row(row) for row in rows]
    if lines:
        yield "\n".join([_row(heads), _row(["---"] * len(heads)), *lines])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
