"""Dagster as `batch-assets dev` runs it, in front of a sandbox with small pictures."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import yaml  # type: ignore[import-untyped]  # ships no types

from batch_assets.cli.dagster_process import DagsterDev, end_on_signals, free_port, prepare_home
from benchmarks.scale.process_cpu import cpu_seconds
from benchmarks.scale.sandbox_world import SandboxWorld

_POLL_SECONDS = 0.2
_SETTLE_SECONDS = 20


@dataclass(frozen=True)
class RunningDagster:
    """The processes, and their instance, read beside them."""

    dagster: DagsterDev
    instance: dg.DagsterInstance
    world: SandboxWorld

    def indexed(self) -> set[str]:
        """Partitions that are in the index."""
        newest = self.instance.get_latest_storage_id_by_partition(
            dg.AssetKey("vector_index"), dg.DagsterEventType.ASSET_MATERIALIZATION
        )
        return set(newest)

    def cpu(self) -> Mapping[str, float]:
        """CPU seconds so far by part."""
        if self.dagster.process is None:
            raise RuntimeError("Dagster does not run")
        return cpu_seconds(self.dagster.process.pid)

    def bytes_on_disk(self) -> dict[str, int]:
        """Size of what the instance keeps, by kind of file."""
        sizes = {"index of events": 0, "events of runs": 0, "runs": 0, "other": 0}
        for file in self.dagster.home.rglob("*"):
            if file.is_file():
                sizes[_kind(file)] += file.stat().st_size
        return sizes


def _kind(file: Path) -> str:
    if file.suffix not in {".db", ".db-wal"}:
        return "other"
    name = file.name.split(".")[0]
    return {"index": "index of events", "runs": "runs"}.get(name, "events of runs" if "-" in name else "other")


def wait_until(condition: Callable[[], bool], *, seconds: float) -> None:
    """Return when a condition holds. Raises `TimeoutError` after so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing came of it within {seconds} s")
        time.sleep(_POLL_SECONDS)


@contextmanager
def running_dagster(world: SandboxWorld, *, changes: Mapping[str, Any] | None = None) -> Iterator[RunningDagster]:
    """Web server, daemon and code server, once they have settled; `changes` replace parts of the demo's instance."""
    end_on_signals()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        prepare_home(home)
        settings = yaml.safe_load((home / "dagster.yaml").read_text(encoding="utf-8"))
        (home / "dagster.yaml").write_text(yaml.safe_dump(_merged(settings, changes or {})), encoding="utf-8")
        with (home / "log").open("wb") as log, DagsterDev(home, dict(os.environ), free_port(), log) as dagster:
            dagster.wait_until_ready()
            time.sleep(_SETTLE_SECONDS)
            with dg.DagsterInstance.from_config(folder) as instance:
                yield RunningDagster(dagster, instance, world)


def _merged(settings: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with changes, level by level."""
    merged = dict(settings)
    for name, value in changes.items():
        if isinstance(value, Mapping) and isinstance(merged.get(name), Mapping):
            merged[name] = _merged(merged[name], value)
        else:
            merged[name] = value
    return merged
