"""`python -m benchmarks.profile STAGE ...`: where our own way spends its time, as a table of functions a stage.

By cProfile, in this process and its first thread: what calls in flight and worker processes do is not seen, and what
Python calls often looks slower than it is. Goes to `docs/performance.md`; nothing is compared.
"""

import cProfile
import pstats
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from benchmarks.discovery import find_stage
from benchmarks.model import Contender, Role, Stage, Workload
from benchmarks.page import table, write_part

_MARKER = "profile"
_SHOWN = 12
_LIBRARIES = "site-packages/"
_ROOT = f"{Path(__file__).parents[1]}/"

Function = tuple[str, int, str]
"""File, line and name, as pstats has them."""


def main() -> None:
    """Profile the stages and write the page's part."""
    body = "\n\n".join(part for name in sys.argv[1:] for part in section(find_stage(name)))
    write_part(body, marker=_MARKER)
    sys.stdout.write(f"{body}\n")


def section(stage: Stage) -> Iterator[str]:
    """Yield a heading and a table of the functions that took most time themselves."""
    contender = next(contender for contender in stage.contenders if contender.role is Role.OURS)
    statistics: Any = pstats.Stats(_profile(stage, contender))
    total: float = statistics.total_tt
    yield f"### {stage.title} (`{stage.name}`, {contender.name}, {stage.sizes[0]:,} {stage.unit}, {total:.1f} s)"
    yield from table(("function", "calls", "own seconds", "share"), _rows(statistics.stats, total))


def _profile(stage: Stage, contender: Contender) -> cProfile.Profile:
    with tempfile.TemporaryDirectory() as folder:
        place, size = Path(folder), stage.sizes[0]
        stage.prepare(place, size)
        with stage.services(place, size) if stage.services else nullcontext({}) as services:
            work = contender.ready(Workload(place, size, services))
            profile = cProfile.Profile()
            profile.runcall(work)
    return profile


def _rows(statistics: Mapping[Function, tuple[int, int, float, float, Any]], total: float) -> Iterator[tuple[str, ...]]:
    slowest = sorted(statistics.items(), key=lambda item: item[1][2], reverse=True)[:_SHOWN]
    for function, (_, calls, own_seconds, _, _) in slowest:
        yield _name(function), f"{calls:,}", f"{own_seconds:.2f}", f"{own_seconds / total:.0%}"


def _name(function: Function) -> str:
    """Where it is, without the machine's folders."""
    file, _, name = function
    if file == "~":
        return f"`{name.strip('<>')}`"
    short = file.rpartition(_LIBRARIES)[2].removeprefix(_ROOT)
    return f"`{name}` of {short if '/' in short and not short.startswith('/') else Path(short).name}"


if __name__ == "__main__":
    main()
