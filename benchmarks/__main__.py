"""`python -m benchmarks`: measure, check, judge, and write what was found."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import page, picture, record
from benchmarks.discovery import find_stage, stage_names
from benchmarks.errors import BenchmarkError
from benchmarks.figures import stage_figures
from benchmarks.machine import describe_machine
from benchmarks.rounds import Effort, run_stage
from benchmarks.targets import quantity

_FULL = Effort(quick=False, most_rounds=5, fewest_rounds=2, stage_seconds=60)
_QUICK = Effort(quick=True, most_rounds=3, fewest_rounds=1, stage_seconds=6)
_HERE = Path(__file__).parent
_PICTURE = Path("images", "performance.png")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the stages; those that fail are named at the end, and the command fails."""
    options = _parse(arguments)
    effort = _effort(options)
    stages, failed = {}, []
    for name in options.only or stage_names():
        try:
            stage, load_before = find_stage(name), os.getloadavg()[0]
            figures = stage_figures(run_stage(stage, effort, say=_say))
            stages[name] = record.stage_record(stage, figures, load_before=load_before)
        except BenchmarkError as error:
            failed.append(f"{name}: {error}")
    _write(stages, options)
    if failed:
        sys.exit("\n".join(["not measured:", *failed]))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, few rounds, no growth: ratios only")
    parser.add_argument("--only", nargs="+", metavar="STAGE", help="these stages; others keep their stored figures")
    parser.add_argument("--rounds", type=int, metavar="N", help="so many repetitions of each contender, however long")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where the JSON goes; elsewhere no page is written")
    return parser.parse_args(arguments)


def _effort(options: argparse.Namespace) -> Effort:
    effort = _QUICK if options.quick else _FULL
    if options.rounds is None:
        return effort
    return Effort(quick=effort.quick, most_rounds=options.rounds, fewest_rounds=options.rounds, stage_seconds=0)


def _write(stages: dict[str, record.Record], options: argparse.Namespace) -> None:
    """Store and show the stages; the page and picture belong to a full run that is stored in its place."""
    if not stages:
        return
    path = (options.output or _HERE) / ("quick.json" if options.quick else "results.json")
    new = record.document(describe_machine(), stages, quick=options.quick)
    old = record.read(path) if options.only and path.exists() else None
    stored = record.in_order(record.merged(old, new), stage_names())
    record.write(path, stored)
    _say_verdicts(stages)
    if not options.quick and options.output is None:
        picture.draw(stored, page.PAGE.parent / _PICTURE)
        page.write_part(page.render(stored, picture=_PICTURE.as_posix()))


def _say_verdicts(stages: dict[str, record.Record]) -> None:
    for name, stage in stages.items():
        for target in stage["targets"]:
            word = "reached" if target["reached"] else "NOT reached"
            value = quantity(target["value"], target["unit"])
            _say(f"{name}: {target['what']}: {value}, to reach {target['wanted']}: {word} ({target['margin']:+.0%})")


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
