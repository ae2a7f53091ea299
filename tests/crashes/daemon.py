"""What Dagster's daemon does for a deployment: the sensors look, what they want is run, what died is run again.

Its time passes by hours between the looks, so that no pause between two attempts is waited for.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import dagster as dg
import pytest

from batch_assets.automation.event_log import UNFINISHED
from tests.crashes.lifetime import Killed, Lifetime
from tests.world import KEY, World

SENSORS = ("completion_sensor", "submission_sensor")
_PAUSE_SECONDS = 2 * 3600
_MAX_ROUNDS = 30


@dataclass
class Daemon:
    """Drives a world; what it runs lives in one process, which may die once and is then started anew."""

    world: World
    life: Lifetime = field(default_factory=Lifetime)
    now: float = field(default_factory=time.time)

    def plan(self, *keys: str) -> None:
        """Plan partitions as the schedule does, again if the run dies."""
        for key in keys or (KEY,):
            while not self.survives(partial(self.world.plan, key, by_schedule=True)):
                pass

    def settle(self) -> None:
        """Let the jobs end and the sensors work until neither wants anything."""
        for _ in range(_MAX_ROUNDS):
            self.world.finish_jobs()
            if not self.look():
                return
        pytest.fail(f"the sensors still want something after {_MAX_ROUNDS} rounds")

    def look(self) -> bool:
        """Let each sensor look once and launch what it wants; whether it wanted anything, or died."""
        self.now += _PAUSE_SECONDS
        wanted = [self._lives(partial(self._look_and_launch, name)) for name in SENSORS]
        return any(result is None or result for result in wanted)

    def survives(self, work: Callable[[], Any]) -> bool:
        """Whether the process lived through some work."""
        return self._lives(lambda: (work(), True)[1]) is not None

    def report_dead_runs(self) -> None:
        """What run monitoring does with the runs of a process that is gone."""
        instance = self.world.instance
        for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)):
            instance.report_run_failed(run)

    def _look_and_launch(self, sensor: str) -> bool:
        tick = self.world.tick(sensor, now=self.now)
        self.world.launch(tick)
        return bool(tick.requests)

    def _lives(self, work: Callable[[], bool]) -> bool | None:
        """What work in the process gives, or None if it died; its successor does not die."""
        try:
            with self.life.running():
                return work()
        except Killed:
            self.life = Lifetime()
            self.report_dead_runs()
            return None
