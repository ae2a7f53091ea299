"""A whole deployment of this machine: PostgreSQL, the three services, and a sandbox with pictures for an account."""

import json
import os
import shutil
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from batch_assets.automation.job_names import PLAN_AND_SUBMIT
from batch_assets.cli.clients import Clients
from batch_assets.cli.dagster_process import DagsterDev, free_port
from batch_assets.cli.local_world import LocalWorld, clean_environment
from batch_assets.cli.partition_status import PartitionStatus, collect
from batch_assets.settings import load_settings
from tests.conftest import wait_for
from tests.deploy.composition import DEPLOY, SERVICES, Service, Timeline
from tests.deploy.postgres import Postgres

_FILES = ("dagster.yaml", "workspace.yaml")
_DEADLINE_SECONDS = 600


@dataclass
class Deployment:
    """Drives a deployment and tells what becomes of it."""

    world: LocalWorld
    services: dict[str, Service]
    webserver: DagsterDev
    instance: dg.DagsterInstance
    clients: Clients
    timeline: Timeline = field(default_factory=Timeline)

    def start(self) -> None:
        """Start the services as they depend on each other, and wait until the web server has the definitions."""
        code_server, *others = self.services.values()
        code_server.start()
        self.wait_for(code_server.listening, "the code server to listen")  # its health check is a costly way to ask
        self.wait_for(code_server.healthy, "the code server's health check to succeed")
        for service in others:
            service.start()
        self.webserver.wait_until_ready()
        self.timeline.note("web server, daemon and code server are up")

    def launch(self) -> None:
        """Plan every partition, over GraphQL as the web UI does."""
        for key in self.world.partitions:
            self.webserver.launch(PLAN_AND_SUBMIT, key)
        self.timeline.note(f"{len(self.world.partitions)} runs of {PLAN_AND_SUBMIT} are launched")

    def kill(self, name: str) -> None:
        """Kill a service with SIGKILL, and start it again as the restart policy does."""
        under_way = Counter(run.job_name for run in self.runs(dg.DagsterRunStatus.STARTED))
        doing = ", ".join(f"{count} {job}" for job, count in sorted(under_way.items())) or "none"
        self.services[name].kill()
        self.timeline.note(f"**{name} is killed**, and started again; runs under way: {doing}")
        self.services[name].start()

    def runs(self, *statuses: dg.DagsterRunStatus) -> Sequence[dg.DagsterRun]:
        """Runs in one of these states."""
        return self.instance.get_runs(dg.RunsFilter(statuses=list(statuses)))

    def wait_for(self, condition: Callable[[], Any], what: str, *, poll_seconds: float = 0.02) -> Any:
        """The first true value of a condition; fails with the end of each log."""
        try:
            return wait_for(condition, what=what, deadline_seconds=_DEADLINE_SECONDS, poll_seconds=poll_seconds)
        except pytest.fail.Exception:
            for service in self.services.values():
                print(service.name, service.log.read_text(encoding="utf-8", errors="replace")[-3000:])  # noqa: T201
            raise

    def succeeded(self, service: str, operation: str) -> int:
        """How often an operation of the account had its effect."""
        calls = self.control("calls")
        return int(calls.get(service, {}).get(operation, {"succeeded": 0})["succeeded"])

    def control(self, path: str) -> Any:
        """What the sandbox tells of itself."""
        with urllib.request.urlopen(f"{self.world.sandbox.endpoint_url}/_local/{path}") as reply:  # noqa: S310 - loopback
            return json.load(reply)

    def status(self) -> list[PartitionStatus]:
        """Where each partition stands."""
        return collect(self.clients)

    def at_rest(self) -> bool:
        """Whether everything is loaded and indexed, and nothing is to be run."""
        rows = self.status()
        loaded = [row for row in rows if row.state == "loaded" and row.indexed == row.embedded and not row.to_do]
        return len(loaded) == len(self.world.partitions) and self.webserver.idle()

    def note_runs(self) -> None:
        """Add the ends of the runs to the timeline."""
        for record in self.instance.get_run_records():
            run = record.dagster_run
            again = ", repeated," if run.parent_run_id else ""
            failed = "" if run.is_success else f": {self._failure(run.run_id)}"
            what = f"{run.job_name} of {run.tags['dagster/partition']}{again} ends as {run.status.value}{failed}"
            self.timeline.note(what, at=record.end_time)

    def _failure(self, run_id: str) -> str:
        """Why a run failed, by its last event of that."""
        *_, last = self.instance.all_logs(run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
        return str(last.get_dagster_event().message).replace(f" {run_id}", "")


@contextmanager
def deployed(home: Path, world: LocalWorld, database: Postgres) -> Iterator[Deployment]:
    """Everything but the services' processes, which `start` starts; all of it is gone at the end of the block."""
    for name in _FILES:
        shutil.copy(DEPLOY / name, home)
    (home / "logs").mkdir()
    ports = {"3000": str(free_port()), "4000": str(free_port())}
    instance_variables = {**database.environment, "DAGSTER_COMPUTE_LOGS": str(home / "logs")}
    addresses = {
        "DAGSTER_HOME": str(home),
        "DAGSTER_CODE_SERVER_HOST": "127.0.0.1",
        "DAGSTER_CODE_SERVER_PORT": ports["4000"],
        **instance_variables,
    }
    # Stands for the file of settings and the machine's role, which the compose file gives to one service alone.
    accounts = {"code-server": world.environment()}
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        for name, value in {**world.environment(), **instance_variables}.items():
            patch.setenv(name, value)
        services = {
            name: Service(name, home, clean_environment(os.environ, accounts.get(name, {})), addresses, ports)
            for name in SERVICES
        }
        for service in services.values():
            stack.callback(service.kill)
        instance = stack.enter_context(dg.DagsterInstance.from_config(str(home)))
        yield Deployment(
            world=world,
            services=services,
            webserver=DagsterDev(home, {}, int(ports["3000"])),
            instance=instance,
            clients=Clients(load_settings(_env_file=None)),
        )
