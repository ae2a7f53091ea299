"""The demo's steps: a world, a Dagster instance, a run for each partition, and what came of it."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import Progress

from batch_assets.automation.job_names import PLAN_AND_SUBMIT
from batch_assets.bedrock.on_demand import embed_text
from batch_assets.cli.clients import Clients
from batch_assets.cli.dagster_process import DagsterDev, DagsterError, free_port, prepare_home
from batch_assets.cli.local_world import BUCKET, STAND_IN, LocalWorld, clean_environment, complete_days
from batch_assets.cli.partition_status import PartitionStatus, collect
from batch_assets.cli.progress import bars
from batch_assets.cli.search import find, image_vector, sheet
from batch_assets.iam.calls import Purpose
from batch_assets.settings import load_settings
from batch_assets.vectors.search import Match

if TYPE_CHECKING:
    from batch_assets.sandbox.demo_pictures import DemoObject, FoundPictures

LEAST_PRIVILEGE = "Its credentials allow what `batch-assets iam policy` prints, and nothing else."

_DEADLINE_SECONDS = 900
_POLL_SECONDS = 0.5
_TEXT = "red"
_TOP_K = 12
_LOADED = frozenset({"loaded", "nothing_to_do"})
_AT_REST = frozenset({"held", "refused"})


@dataclass(frozen=True)
class Search:
    """One search and what it found."""

    query: str
    matches: Sequence[Match]


@dataclass(frozen=True)
class Summary:
    """What became of every picture."""

    uploaded: int
    partitions: Sequence[PartitionStatus]
    seconds: float
    searches: Sequence[Search]

    @property
    def images(self) -> int:
        return sum(row.images for row in self.partitions)

    @property
    def embedded(self) -> int:
        return sum(row.embedded for row in self.partitions)

    @property
    def rejected(self) -> int:
        return sum(row.rejected for row in self.partitions)

    @property
    def indexed(self) -> int:
        return sum(row.indexed for row in self.partitions)

    @property
    def jobs(self) -> list[str]:
        return [job for row in self.partitions for job in row.jobs]

    @property
    def complete(self) -> bool:
        """Every uploaded object is embedded and indexed, or rejected with a reason, and the searches find something."""
        return (
            self.images == self.uploaded == self.embedded + self.rejected
            and self.indexed == self.embedded
            and all(search.matches for search in self.searches)
        )

    def as_dict(self) -> dict[str, Any]:
        """The summary that `--json` prints; the top-level keys are a promise."""
        return {
            "partitions": [asdict(row) for row in self.partitions],
            "images": self.images,
            "embedded": self.embedded,
            "rejected": self.rejected,
            "indexed": self.indexed,
            "jobs": self.jobs,
            "seconds": round(self.seconds, 1),
            "searches": [asdict(search) for search in self.searches],
        }


@dataclass(frozen=True)
class DemoRun:
    """Everything that one demo needs to know."""

    home: Path
    speed: float
    days: int
    own: "FoundPictures | None"
    console: Console
    html: Path
    quiet: bool = False

    def execute(self, begun: float, tell: Callable[[Summary, Clients], None]) -> Summary:
        """Run it all; `begun` is when the command started (monotonic). Raises `DagsterError` on a failed run.

        `tell` is called with what came of it, while the world is still there.
        """
        from batch_assets.sandbox.demo_pictures import days_for  # noqa: PLC0415 needs Pillow only here
        from batch_assets.sandbox.server import start  # noqa: PLC0415

        self.console.print(STAND_IN)
        self.console.print(LEAST_PRIVILEGE)
        days = days_for(len(self.own.files)) if self.own else self.days
        with start(speed=self.speed, enforce_policies=True) as sandbox, (self.home / "dagster.log").open("wb") as log:
            world = LocalWorld(sandbox, complete_days(days))
            user = world.new_user("batch-assets-demo", Purpose.PIPELINE, Purpose.SEARCH)
            environment = clean_environment(os.environ, {**world.environment(), **user})
            prepare_home(self.home)
            with DagsterDev(self.home, environment, free_port(), log) as dagster, self._bars() as progress:
                uploaded = self._seed(world, progress)
                os.environ.clear()
                os.environ.update(environment)
                clients = Clients(load_settings(_env_file=None))
                rows = self._drive(dagster, world.partitions, clients, progress)
            searches = self._search(clients, rows)
            summary = Summary(uploaded, rows, time.monotonic() - begun, searches)
            tell(summary, clients)
            return summary

    def _bars(self) -> Progress:
        return bars(quiet=self.quiet, transient=False)

    def _objects(self, world: LocalWorld) -> "Iterator[DemoObject]":
        from batch_assets.sandbox.demo_pictures import demo_objects, user_objects  # noqa: PLC0415

        return user_objects(self.own, world.prefixes) if self.own else demo_objects(world.prefixes)

    def _seed(self, world: LocalWorld, progress: Progress) -> int:
        bar = progress.add_task("pictures into S3", total=None)
        count = world.seed(self._objects(world), lambda put: progress.update(bar, completed=put))
        progress.update(bar, total=count, completed=count)
        return count

    def _drive(
        self, dagster: DagsterDev, partitions: Sequence[str], clients: Clients, progress: Progress
    ) -> list[PartitionStatus]:
        waiting = progress.add_task("Dagster starts", total=1)
        dagster.wait_until_ready()
        progress.update(waiting, completed=1)
        self.console.print(f"watch it: {dagster.url}/asset-groups", soft_wrap=True)
        runs = [dagster.launch(PLAN_AND_SUBMIT, key) for key in partitions]
        bars = {
            name: progress.add_task(name, total=len(partitions))
            for name in ("manifests submitted", "batch jobs ended", "partitions indexed")
        }
        deadline = time.monotonic() + _DEADLINE_SECONDS
        while time.monotonic() < deadline:
            rows = collect(clients)
            done = [row for row in rows if _at_rest(row)]
            progress.update(bars["manifests submitted"], completed=sum(row.state != "listed" for row in rows))
            progress.update(bars["batch jobs ended"], completed=len(done) + sum(_ended(row) for row in rows))
            progress.update(bars["partitions indexed"], completed=len(done))
            _raise_for_failure(dagster, runs)
            if len(done) == len(partitions) and dagster.idle():
                return rows
            time.sleep(_POLL_SECONDS)
        raise DagsterError(f"the partitions were not loaded within {_DEADLINE_SECONDS} s")

    def _search(self, clients: Clients, rows: Sequence[PartitionStatus]) -> list[Search]:
        indexed = [row.partition for row in rows if row.indexed]
        if not indexed:
            return []
        table = clients.tables.partition("embedding_table", indexed[-1]).rows(["key"])
        picture = f"s3://{BUCKET}/{min(table['key'].to_pylist())}"
        vector = embed_text(clients.bedrock_runtime, clients.settings.space, _TEXT)
        searches = [
            Search(f'the words "{_TEXT}"', find(clients, vector, top_k=_TOP_K)),
            Search(f"the picture {picture}", find(clients, image_vector(clients, picture), top_k=_TOP_K)),
        ]
        shown = [match for search in searches for match in search.matches]
        title = f'Nearest to "{_TEXT}", then to {picture.rsplit("/", 1)[-1]}'
        self.html.write_text(sheet(clients, title, shown, note=STAND_IN), encoding="utf-8")
        return searches


def _at_rest(row: PartitionStatus) -> bool:
    """Whether a partition is indexed as a whole, or waits for something that the demo will not bring."""
    if row.in_flight is not None:
        return False
    complete = row.images == row.embedded + row.rejected and row.indexed == row.embedded
    return (complete and row.state in _LOADED) or row.state in _AT_REST


def _ended(row: PartitionStatus) -> bool:
    return row.in_flight is not None and row.in_flight.status in {
        "Completed",
        "PartiallyCompleted",
        "Failed",
        "Stopped",
    }


def _raise_for_failure(dagster: DagsterDev, runs: list[str]) -> None:
    failed = [run for run, status in dagster.run_statuses(runs).items() if status in {"FAILURE", "CANCELED"}]
    if failed:
        raise DagsterError(f"run {failed[0]} failed: {dagster.failure(failed[0])}")
