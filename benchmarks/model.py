"""What a benchmark is made of: a stage, its contenders, and the figures to reach."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any


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
"""JSON-able. `digest` is compared with those of the other contenders (a limit has none); `output_bytes` where it counts."""

Work = Callable[[Workload], Outcome]


@dataclass(frozen=True)
class Contender:
    """One way to do the work. `load` imports what it needs and gives the function that is measured, in a new process."""

    name: str
    role: Role
    load: Callable[[], Work]


@dataclass(frozen=True)
class Target:
    """A figure to reach: ours against another contender, as a ratio of `measure`.

    `at_least` says that the other needs so many times as much as ours, `at_most` that ours needs at most so many times
    as much as the other.
    """

    against: str
    measure: Measure
    at_least: float | None = None
    at_most: float | None = None


Services = Callable[[Path, int], AbstractContextManager[Mapping[str, str]]]


@dataclass(frozen=True)
class Stage:
    """One stage of the pipeline at sizes N, 4 N and 16 N; all contenders run at N, ours alone at the others.

    `prepare` writes the inputs of a size into an empty folder, the same for the same size. `services` runs stub services
    in processes of their own while the contenders run, and gives their addresses.
    """

    name: str
    title: str
    unit: str
    sizes: tuple[int, int, int]
    quick_size: int
    prepare: Callable[[Path, int], None]
    contenders: tuple[Contender, ...]
    targets: tuple[Target, ...] = ()
    services: Services | None = None
    note: str = ""
