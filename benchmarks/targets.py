"""What was to be reached, and by how much it was or was not."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.errors import BenchmarkError
from benchmarks.figures import StageFigures
from benchmarks.model import Bound, Measure, Stage, Target

_WORDS = {Measure.WALL: "wall", Measure.CPU: "CPU", Measure.MEMORY: "peak memory", Measure.OUTPUT: "size of output"}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One target and what came of it.

    Attributes:
        what: What is compared, and with whom.
        wanted: The figure to reach, in words.
        value: What was measured, in the same unit.
        unit: "x" for a ratio, otherwise the figure's own.
        reached: Whether it holds.
        margin: How far inside (above 0) or outside (below 0) the nearest limit, as a share of it.
        contender: Which of ours it was.
    """

    what: str
    wanted: str
    value: float
    unit: str
    reached: bool
    margin: float
    contender: str


def verdicts(stage: Stage, figures: StageFigures) -> Sequence[Verdict]:
    """Judge every target and bound of a stage.

    Raises:
        BenchmarkError: If a target names a contender or a figure that there is not.
    """
    return [_of_target(target, figures) for target in stage.targets] + [
        _of_bound(bound, figures) for bound in stage.bounds
    ]


def _of_target(target: Target, figures: StageFigures) -> Verdict:
    ours = figures.best_of_ours(target.measure)
    try:
        other_value, own_value = figures.named(target.against).medians[target.measure], ours.medians[target.measure]
    except (StopIteration, KeyError) as error:
        raise BenchmarkError(f"a target names {target.against!r} and {target.measure}: {error!r}") from error
    saves = target.at_least is not None
    value = other_value / own_value if saves else own_value / other_value
    reads = f"{target.against} / ours" if saves else f"ours / {target.against}"
    return _judged(
        what=f"{_WORDS[target.measure]}, {reads}",
        value=value,
        unit="x",
        at_least=target.at_least,
        at_most=target.at_most,
        contender=ours.name,
    )


def _of_bound(bound: Bound, figures: StageFigures) -> Verdict:
    sizes = [figures.size, *figures.larger] if bound.at_every_size else [figures.size]
    all_ours = [contender for size in sizes for contender in figures.ours(size)]
    try:
        values = [(contender.medians[bound.figure], contender.name) for contender in all_ours]
    except KeyError as error:
        raise BenchmarkError(f"a bound names the figure {bound.figure!r}, which ours do not give") from error
    value, contender = min(values, key=lambda pair: _margin(pair[0], bound.at_least, bound.at_most))
    return _judged(
        what=bound.figure.removesuffix("_bytes").replace("_", " ") + (" at every size" if bound.at_every_size else ""),
        value=value,
        unit="bytes" if bound.figure.endswith("_bytes") else "",
        at_least=bound.at_least,
        at_most=bound.at_most,
        contender=contender,
    )


def _judged(
    *, what: str, value: float, unit: str, at_least: float | None, at_most: float | None, contender: str
) -> Verdict:
    margin = _margin(value, at_least, at_most)
    return Verdict(
        what=what,
        wanted=_wanted(at_least, at_most, unit),
        value=value,
        unit=unit,
        reached=margin >= 0,
        margin=margin,
        contender=contender,
    )


def _margin(value: float, at_least: float | None, at_most: float | None) -> float:
    """Return the distance to the nearer limit as a share of it (of 1 for a limit of 0); negative outside."""
    distances = []
    if at_least is not None:
        distances.append((value - at_least) / (at_least or 1.0))
    if at_most is not None:
        distances.append((at_most - value) / (at_most or 1.0))
    if not distances:
        raise BenchmarkError("a target needs at_least or at_most")
    return min(distances)


def _wanted(at_least: float | None, at_most: float | None, unit: str) -> str:
    low = None if at_least is None else quantity(at_least, unit)
    high = None if at_most is None else quantity(at_most, unit)
    if low is None:
        return f"at most {high}"
    return f"at least {low}" if high is None else f"{low} to {high}"


def quantity(value: float, unit: str) -> str:
    """Return a value as a person reads it: bytes in MB, small numbers with two or three digits."""
    if unit == "bytes":
        return f"{value / 1e6:,.0f} MB"
    text = f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"  # noqa: PLR2004 - digits
    return f"{text} {unit}".strip()
