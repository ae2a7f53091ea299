"""The deployment of `deploy/`, process by process, with a real PostgreSQL: what is killed on the way is made up for."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

from batch_assets.automation.job_names import LOAD, PLAN_AND_SUBMIT
from batch_assets.cli.local_world import LocalWorld, complete_days
from batch_assets.sandbox.demo_pictures import DemoObject, demo_objects
from batch_assets.sandbox.server import start
from tests.deploy.deployment import Deployment, deployed
from tests.deploy.postgres import programs, running_postgres
from tests.world import pictures

BINARIES = programs()
SPEED = 600
PICTURES = 100
REJECTED = {"empty.png": b"", "words.txt": b"words", "broken.png": b"no picture"}
TIMELINE = "DEPLOYMENT_TIMELINE"
"""The variable that names a file for the timeline: `.json`, and `.md` beside it."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BINARIES is None, reason="needs PostgreSQL's server (Debian: apt-get install postgresql)"),
]


def small_objects(prefixes: list[str]) -> Iterator[DemoObject]:
    """As many tiny pictures as a job takes under each prefix, and three objects that are none."""
    for number, prefix in enumerate(prefixes):
        files = {**pictures(PICTURES, first=number * PICTURES), **REJECTED}
        for name, data in files.items():
            yield DemoObject(key=prefix + name, data=data, content_type="image/png")


@contextmanager
def deployment(
    home: Path, days: int, objects: Callable[[list[str]], Iterator[DemoObject]]
) -> Iterator[tuple[Deployment, int]]:
    """A deployment that has just been started, and the number of objects in its bucket."""
    assert BINARIES is not None
    with running_postgres(BINARIES) as database, start(speed=SPEED) as sandbox:
        world = LocalWorld(sandbox, complete_days(days))
        with deployed(home, world, database) as running:
            count = world.seed(objects(world.prefixes))
            running.start()
            yield running, count


def kill_during_submission(running: Deployment) -> None:
    """Kill the code server, and with it the runs, as soon as the first job is paid for."""
    running.wait_for(lambda: running.succeeded("bedrock", "CreateModelInvocationJob") >= 1, "a job to be submitted")
    running.kill("code-server")


def kill_during(running: Deployment, name: str, job_name: str, *, repeated: bool = False) -> None:
    """Kill a service while a run of a job is under way, or while one that was killed before is repeated."""

    def under_way() -> bool:
        runs = running.runs(dg.DagsterRunStatus.STARTED)
        return any(run.job_name == job_name and (run.parent_run_id is not None or not repeated) for run in runs)

    running.wait_for(under_way, f"{job_name} to be {'repeated' if repeated else 'under way'}")
    running.kill(name)


def settle(running: Deployment) -> None:
    """Wait for the end, and tell the timeline."""
    running.wait_for(running.at_rest, "every partition to be loaded and indexed", poll_seconds=0.5)
    running.timeline.note("every partition is loaded and indexed, and no run is left")
    running.note_runs()


def assert_everything_is_accounted_for(running: Deployment, objects: int) -> None:
    """No picture is lost, none is paid for twice, and nothing is still running or stuck."""
    rows = running.status()
    assert sum(row.images for row in rows) == objects
    assert all(row.embedded + row.rejected == row.images for row in rows)
    assert all(row.indexed == row.embedded for row in rows)
    jobs = running.control("state")["jobs"]
    assert len(jobs) == len(rows) == running.succeeded("bedrock", "CreateModelInvocationJob")
    assert sum(job["records_embedded"] for job in jobs) == sum(row.embedded for row in rows)
    assert running.succeeded("bedrock-runtime", "InvokeModel") == 0
    assert running.instance.event_log_storage.get_concurrency_run_ids() == set()


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_the_code_server_and_the_daemon_are_killed(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """The code server while it submits, the daemon while it loads: nothing is lost, and nothing is paid for twice."""
    with deployment(tmp_path, 1, small_objects) as (running, objects):
        running.launch()
        kill_during_submission(running)
        kill_during(running, "daemon", LOAD)
        settle(running)
        assert_everything_is_accounted_for(running, objects)
    record_property("timeline", running.timeline.rows())


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_both_are_killed_twice_while_the_demo_runs(tmp_path: Path) -> None:
    """The demo's five days: the code server dies while it submits and while it loads, and so does the daemon."""
    with deployment(tmp_path, 5, demo_objects) as (running, objects):
        running.launch()
        kill_during_submission(running)
        kill_during(running, "daemon", PLAN_AND_SUBMIT, repeated=True)
        kill_during(running, "code-server", LOAD)
        kill_during(running, "daemon", LOAD, repeated=True)
        settle(running)
        assert_everything_is_accounted_for(running, objects)
        assert [service.name for service in running.services.values() if not service.healthy()] == []
    if TIMELINE in os.environ:
        file = Path(os.environ[TIMELINE])
        file.write_text(json.dumps(running.timeline.rows(), indent=1), encoding="utf-8")
        file.with_suffix(".md").write_text(running.timeline.markdown(), encoding="utf-8")
