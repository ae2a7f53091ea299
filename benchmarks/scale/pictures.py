"""What the pictures in the web UI cost: seconds of each step that draws some, with them and without."""

import os
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from batch_assets.automation.job_names import LOAD, PLAN_AND_SUBMIT
from batch_assets.cli.dagster_process import prepare_home
from batch_assets.sandbox.demo_pictures import DemoObject, demo_objects
from benchmarks.scale.large_job import run_job
from benchmarks.scale.sandbox_world import SandboxWorld, sandbox_world

_SPEED = 1800.0
_DRAWING = ("image_inventory", "load_results")


def measure(partitions: int) -> dict[str, Any]:
    """Medians over so many partitions each way, in turns; photographs of the demo, some 130 a partition."""
    seconds: dict[str, dict[bool, list[float]]] = {step: defaultdict(list) for step in _DRAWING}
    with (
        sandbox_world(2 * partitions, with_pictures=2 * partitions, speed=_SPEED, pictures=_photographs) as world,
        tempfile.TemporaryDirectory() as home,
    ):
        prepare_home(Path(home))
        for number, partition in enumerate(world.partitions):
            drawn = number % 2 == 0
            environment = {**os.environ, "DAGSTER_HOME": home, "BATCH_ASSETS_PICTURES": str(drawn)}
            steps = _steps(world, partition, environment)
            for step in _DRAWING:
                seconds[step][drawn].append(steps[step])
    return {"partitions": partitions, "steps": {step: _figures(seconds[step]) for step in _DRAWING}}


def _photographs(prefixes: Sequence[str]) -> Iterator[DemoObject]:
    return demo_objects(prefixes, images=130 * len(prefixes))


def _steps(world: SandboxWorld, partition: str, environment: Mapping[str, str]) -> Mapping[str, float]:
    planned = run_job(PLAN_AND_SUBMIT, partition, environment)
    world.wait_for_jobs()
    return {**planned["steps"], **run_job(LOAD, partition, environment)["steps"]}


def _figures(seconds: Mapping[bool, list[float]]) -> dict[str, float]:
    drawn, plain = statistics.median(seconds[True]), statistics.median(seconds[False])
    return {
        "seconds_with_pictures": drawn,
        "seconds_without": plain,
        "seconds_of_the_pictures": round(drawn - plain, 2),
    }
