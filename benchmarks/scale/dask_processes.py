"""A Dask scheduler and its workers, each a process of its own, as on machines of their own."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.scale.running_dagster import wait_until

_PATIENCE_SECONDS = 60.0
_LOOPBACK = ("--host", "127.0.0.1", "--no-dashboard")


@dataclass
class Cluster:
    """A scheduler, and as many workers as are wanted."""

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
def dask_cluster_processes(folder: Path, environment: Mapping[str, str], *, workers: int = 0) -> Iterator[Cluster]:
    """A scheduler with so many workers, which have this environment; all of it ends with the context."""
    where = folder / f"scheduler-{uuid.uuid4().hex}.json"
    whole = {**os.environ, **environment}
    scheduler = _started("scheduler", ["--port", "0", "--scheduler-file", str(where)], whole)
    cluster = Cluster("", whole)
    try:
        wait_until(lambda: where.exists() and bool(where.read_text()), seconds=_PATIENCE_SECONDS)
        cluster.address = json.loads(where.read_text())["address"]
        cluster.staff(workers)
        yield cluster
    finally:
        for process in [*cluster.workers, scheduler]:
            process.kill()
            process.wait()


def _started(program: str, arguments: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", f"distributed.cli.dask_{program}", *arguments, *_LOOPBACK],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
