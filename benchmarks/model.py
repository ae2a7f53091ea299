"""What a benchmark is made of: a stage, its contenders, and the figures to reach."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any, cast


class Role(StrEnum):
    """What a contender stands for."""

    OURS = "ours"
    PLAIN = "plain"
    PEER = "peer"
    LIMIT = "limit"


class Measure(StrEnum):
    """What is compared. Seconds of wall clock, seconds of CPU (children included), peak memory, or size of output."""

    WALL = "wall_seconds"
    CPU = "cpu_seconds"
    MEMORY = "peak_bytes"
    OUTPUT = "output_bytes"


@dataclass(frozen=True)
class Workload:
    """What a contender works on: inputs in `folder`, made for `size` units, and the addresses of stub services."""

    folder: Path
    size: int
    services: Mapping[str, str] = field(default_factory=dict)


Outcome = Mapping[str, Any]
"""JSON-able. `digest` is compared with those of the other contenders (a limit has none); `output_bytes` where it
counts.

A `digest` that is costly may be a function without arguments: it is called when the measurement has ended. Every other
number is a figure of the contender, for `Bound` and the report.
"""

Work = Callable[[Workload], Outcome]


@dataclass(frozen=True)
class Contender:
    """One way to do the work, in a new process.

    `load` imports what it needs and gives the function that is measured. Where what comes before the work needs the
    inputs too (a client of a stub service, a matrix in memory), `set_up` stands instead: it gives the measured function
    for a workload.
    """

    name: str
    role: Role
    load: Callable[[], Work] | None = None
    set_up: Callable[[Workload], Callable[[], Outcome]] | None = None

    def ready(self, workload: Workload) -> Callable[[], Outcome]:
        """Do all that is not measured and return the function that is.

        Raises:
            ValueError: If the contender has not exactly one of `load` and `set_up`.
        """
        if (self.load is None) == (self.set_up is None):
            raise ValueError(f"contender {self.name!r} needs either load or set_up")
        if self.set_up is not None:
            return self.set_up(workload)
        return partial(cast("Callable[[], Work]", self.load)(), workload)


@dataclass(frozen=True)
class Target:
    """A figure to reach: ours against another contender, as a ratio of `measure`.

    `at_least` says that the other needs so many times as much as ours, `at_most` that ours needs at most so many times
    as much as the other. Of several contenders of ours the best in that measure counts.
    """

    against: str
    measure: Measure
    at_least: float | None = None
    at_most: float | None = None


@dataclass(frozen=True)
class Bound:
    """A figure of ours to hold by itself.

    `figure` is a measure's value, `cores` (CPU seconds a second of wall clock) or a number of the outcome. The worst of
    our contenders counts, at N or at every size.
    """

    figure: str
    at_least: float | None = None
    at_most: float | None = None
    at_every_size: bool = False


Services = Callable[[Path, int], AbstractContextManager[Mapping[str, str]]]


@dataclass(frozen=True)
class Stage:
    """One stage of the pipeline at sizes N, 4 N and 16 N; all contenders run at N, ours alone at the others.

    `prepare` writes the inputs of a size into an empty folder, the same for the same size. `services` runs stub
    services in processes of their own while the contenders run, and gives their addresses.
    """

    name: str
    title: str
    unit: str
    sizes: tuple[int, int, int]
    quick_size: int
    prepare: Callable[[Path, int], None]
    contenders: tuple[Contender, ...]
    targets: tuple[Target, ...] = ()
    bounds: tuple[Bound, ...] = ()
    services: Services | None = None
    note: str = ""
