"""Whether ratios got worse: `python -m benchmarks.compare OLD NEW`. Absolute times are never compared.

A ratio says how many times as much as ours another contender needs, measured side by side on one machine, so it holds
on another machine too, roughly. What is noise is let pass: a report is printed, and the command succeeds.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.model import Measure
from benchmarks.record import Record, read

_WORSE_BY = 1.5
_SHORTEST_SECONDS = 0.02
_TIMES = (Measure.WALL, Measure.CPU)


@dataclass(frozen=True, kw_only=True)
class Change:
    """One ratio then and now; `factor` is by how much ours got worse beside this contender (below 1: better)."""

    stage: str
    contender: str
    measure: str
    old: float
    new: float

    @property
    def factor(self) -> float:
        """Return the old ratio over the new one."""
        return self.old / self.new


def changes(old: Record, new: Record) -> Iterator[Change]:
    """Yield every ratio that both documents have and that is long enough to mean something."""
    for stage, now in new["stages"].items():
        before = old["stages"].get(stage)
        if before is None or before["size"] != now["size"]:
            continue
        for contender, measures in now["ratios"].items():
            earlier = before["ratios"].get(contender, {})
            for measure in _comparable(measures, earlier):
                if _long_enough(before, measure, contender) and _long_enough(now, measure, contender):
                    yield Change(
                        stage=stage,
                        contender=contender,
                        measure=measure,
                        old=earlier[measure],
                        new=measures[measure],
                    )


def report(found: Sequence[Change], *, worse_by: float = _WORSE_BY) -> str:
    """Return what a person wants to know: what got worse by more than the factor, or that nothing did."""
    worse = sorted((change for change in found if change.factor > worse_by), key=lambda change: -change.factor)
    lines = [f"{len(found)} ratios compared, {len(worse)} worse by more than {worse_by:g} x"]
    lines += [
        f"  {change.stage}: {change.measure} of {change.contender} over ours was {change.old:.3g}, "
        f"is {change.new:.3g} ({change.factor:.2f} x worse)"
        for change in worse
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Compare two files that the benchmark wrote."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__.partition("\n")[0])
    parser.add_argument("old", type=Path, help="stored results")
    parser.add_argument("new", type=Path, help="results of now")
    parser.add_argument("--worse-by", type=float, default=_WORSE_BY, help="factor above which a ratio is named")
    options = parser.parse_args(arguments)
    if not options.old.exists():
        print(f"{options.old} is not there: nothing to compare with")
        return
    print(report(list(changes(read(options.old), read(options.new))), worse_by=options.worse_by))


def _comparable(new: Mapping[str, float], old: Mapping[str, float]) -> Sequence[str]:
    return [measure for measure in new if new[measure] > 0 and old.get(measure, 0) > 0]


def _long_enough(stage: Record, measure: str, contender: str) -> bool:
    """Tell whether both sides took long enough; sizes always do."""
    if measure not in _TIMES:
        return True
    sides: list[float] = [
        each["medians"][measure] for each in stage["contenders"] if each["name"] == contender or each["role"] == "ours"
    ]
    return min(sides) >= _SHORTEST_SECONDS


if __name__ == "__main__":
    main()
