"""The results as a picture: for each stage the time of every contender, and how ours grows."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.record import Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = {"ours": "#1f77b4", "plain": "#c44e52", "peer": "#dd8452", "limit": "#8c8c8c"}
_ROW_INCHES = 2.3
_WIDTH_INCHES = 12.0
_DOTS_PER_INCH = 110


def draw(stored: Record, path: Path) -> None:
    """Write a PNG: a row a stage, seconds (of CPU and of wall clock) left, growth right."""
    from matplotlib.figure import Figure

    stages = stored["stages"]
    figure = Figure(figsize=(_WIDTH_INCHES, _ROW_INCHES * len(stages)), dpi=_DOTS_PER_INCH, layout="constrained")
    axes = figure.subplots(len(stages), 2, squeeze=False, width_ratios=(3, 2))
    for (left, right), stage in zip(axes, stages.values(), strict=True):
        _draw_contenders(left, stage)
        _draw_growth(right, stage)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Software": None})


def _draw_contenders(axes: "Axes", stage: Record) -> None:
    from matplotlib.ticker import NullFormatter

    contenders: Sequence[Mapping[str, Any]] = list(reversed(stage["contenders"]))
    colours = [_COLOURS[contender["role"]] for contender in contenders]
    places = range(len(contenders))
    for measure, height, offset, alpha in (("cpu_seconds", 0.4, 0.2, 1.0), ("wall_seconds", 0.3, -0.2, 0.45)):
        values = [contender["medians"][measure] for contender in contenders]
        bars = axes.barh([place + offset for place in places], values, height, color=colours, alpha=alpha)
        axes.bar_label(bars, [f" {value:.2g}" for value in values], fontsize=7)
    axes.set_yticks(places, [contender["name"] for contender in contenders], fontsize=8)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.margins(x=0.15)
    axes.set_title(stage["title"], fontsize=10, loc="left")
    axes.set_xlabel(f"seconds for {stage['size']:,} {stage['unit']} (dark: CPU, light: wall clock)", fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_growth(axes: "Axes", stage: Record) -> None:
    """Draw CPU a unit and peak memory against the size, both as multiples of those at the smallest size."""
    from matplotlib.ticker import NullFormatter

    for rows in stage["growth"].values():
        sizes = [row["size"] for row in rows]
        a_unit = [row["cpu_seconds"] / row["size"] for row in rows]
        memory = [row["peak_bytes"] for row in rows]
        axes.plot(sizes, [value / a_unit[0] for value in a_unit], "o-", color=_COLOURS["ours"], label="CPU a unit")
        axes.plot(sizes, [value / memory[0] for value in memory], "s--", color="#55a868", label="peak memory")
        axes.set_xscale("log")
        axes.set_xticks(sizes, [f"{size:,}" for size in sizes], fontsize=8)
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.margins(0.1)
    axes.set_ylim(bottom=0)
    axes.set_title("ours at larger sizes (1 = the first)", fontsize=9, loc="left")
    axes.set_xlabel(stage["unit"], fontsize=8)
    by_label = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    axes.legend(by_label.values(), by_label.keys(), fontsize=7, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
