"""Stages that need no time: samples are given, not measured."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from benchmarks.measuring import Sample
from benchmarks.model import Contender, Role, Stage

MakeSample = Callable[..., Sample]
MakeStage = Callable[..., Stage]


@pytest.fixture
def sample() -> MakeSample:
    """Give a function that makes a sample."""

    def make(wall: float = 1.0, cpu: float = 1.0, peak: int = 100, pool: float = 0.0, **outcome: Any) -> Sample:
        return Sample(
            wall_seconds=wall,
            cpu_seconds=cpu,
            worker_cpu_seconds=pool,
            peak_bytes=peak,
            ready_bytes=50,
            outcome={"digest": "same"} | outcome,
        )

    return make


@pytest.fixture
def stage() -> MakeStage:
    """Give a function that makes a stage whose contenders are never started."""

    def make(roles: Mapping[str, Role] | None = None, **members: Any) -> Stage:
        named = roles or {"ours": Role.OURS, "script": Role.PLAIN, "limit": Role.LIMIT}
        contenders = tuple(Contender(name, role, load=lambda: lambda _: {}) for name, role in named.items())
        ends: dict[str, Any] = {"name": "s", "title": "A stage", "unit": "rows", "sizes": (10, 40, 160)}
        return Stage(**(ends | {"quick_size": 5, "prepare": lambda *_: None, "contenders": contenders} | members))

    return make
