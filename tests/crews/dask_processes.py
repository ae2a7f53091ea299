"""A Dask scheduler and its workers, each a process of its own, as on machines of their own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.conftest import wait_for

_LOOPBACK = ("--host", "127.0.0.1", "--no-dashboard")


@dataclass
class Cluster:
    """A scheduler, and as many workers as a test wants."""

    address: str
    environment: Mapping[str, str]
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def staff(self, count: int) -> None:
        """Have so many workers: start those that are missing."""
        self.workers = [worker for worker in self.workers if worker.poll() is None]
        for _ in range(count - len(self.workers)):
            self.workers.append(_started("worker", [self.address, "--nthreads", "1", "--no-nanny"], self.environment))

    def kill_one(self) -> None:
        """End a worker as a machine ends: at once."""
        worker = self.workers.pop(0)
        worker.kill()
        worker.wait()


@contextmanager
def dask_cluster_processes(folder: Path, environment: Mapping[str, str]) -> Iterator[Cluster]:
    """A scheduler without workers; all of it ends with the context. Workers have this environment."""
    where = folder / "scheduler.json"
    whole = {**os.environ, **environment}
    scheduler = _started("scheduler", ["--port", "0", "--scheduler-file", str(where)], whole)
    cluster = Cluster("", whole)
    try:
        told = wait_for(lambda: where.exists() and where.read_text(), what="the scheduler to tell its address")
        cluster.address = json.loads(told)["address"]
        yield cluster
    finally:
        for process in [*cluster.workers, scheduler]:
            process.kill()
            process.wait()


def _started(program: str, arguments: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", f"distributed.cli.dask_{program}", *arguments, *_LOOPBACK],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
