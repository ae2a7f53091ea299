"""The map and the near-duplicates of everything: made behind the requests, once for each state of the tables."""

import hashlib
import multiprocessing
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pyarrow as pa

from batch_assets.errors import ServiceError
from batch_assets.gallery.deployment import Deployment
from batch_assets.gallery.indexed_partitions import IndexedPartition, IndexedPartitions
from batch_assets.gallery.survey_process import PICTURES, POINTS, Failed, Group, SurveyTask, survey
from batch_assets.storage.objects import S3Address

_PAUSE_SECONDS = 10.0
"""Between an attempt that failed and the next."""


@dataclass(frozen=True)
class Survey:
    """What is known of one state of the tables.

    Attributes:
        version: Of that state, in hexadecimal digits.
        pictures: A row for each point: key, partition, size, last_modified, format.
        points: x and y of each, little-endian float32 in [-1, 1].
        explained: Share of all variance along each axis.
        groups: Near-duplicates, the largest group first; None while they are looked for.
    """

    version: str
    pictures: pa.Table
    points: bytes
    explained: tuple[float, float]
    groups: Sequence[Group] | None = None


@dataclass(frozen=True)
class _Failure:
    """Why the last attempt failed, and until when (monotonic) there is no other."""

    message: str
    until: float


class Surveys:
    """The newest survey. One that the tables have left behind is shown until the next is ready."""

    def __init__(self, deployment: Deployment, partitions: IndexedPartitions) -> None:
        self._deployment, self._partitions = deployment, partitions
        self._lock = threading.Lock()
        self._newest: Survey | None = None
        self._grouped: Survey | None = None
        self._failure: _Failure | None = None
        self._thread: threading.Thread | None = None
        self._process: Any = None
        self._closed = False

    def drawn(self) -> Survey | None:
        """The newest one with a map, or None while there is none. Raises `ServiceError` if it cannot be made."""
        return self._kept_up(lambda: self._newest)

    def grouped(self) -> Survey | None:
        """The newest one with near-duplicates, or None while there is none. Raises as `drawn`."""
        return self._kept_up(lambda: self._grouped)

    def close(self) -> None:
        """End what is under way."""
        with self._lock:
            self._closed = True
            if self._process is not None:
                self._process.terminate()
        if self._thread is not None:
            self._thread.join()

    def _kept_up(self, known: Callable[[], Survey | None]) -> Survey | None:
        """What is known; a survey is begun if the tables have changed since the last one and none is under way."""
        partitions = self._partitions.all()
        version = _version(partitions)
        with self._lock:
            idle = self._thread is None or not self._thread.is_alive()
            failed = self._failure is not None and time.monotonic() < self._failure.until
            behind = self._grouped is None or self._grouped.version != version
            if idle and behind and not failed and not self._closed:
                self._failure = None
                self._thread = threading.Thread(target=self._make, args=(version, partitions), daemon=True)
                self._thread.start()
            found = known()
            if found is None and self._failure is not None:
                raise ServiceError(self._failure.message)
            return found

    def _make(self, version: str, partitions: Sequence[IndexedPartition]) -> None:
        with tempfile.TemporaryDirectory(prefix="batch-assets-gallery-") as folder:
            task = _task(self._deployment, partitions, Path(folder))
            with self._process_for(task) as results:
                drawn = self._received(results)
                if drawn is None:
                    return
                self._newest = _read(version, task.folder, drawn.explained)
                groups = self._received(results)
                if groups is not None:
                    self._newest = self._grouped = replace(self._newest, groups=groups)

    @contextmanager
    def _process_for(self, task: SurveyTask) -> Iterator[Connection]:
        """What the process of a task sends; it has ended after the block."""
        context = multiprocessing.get_context("spawn")  # a fork would inherit the locks of other threads
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=survey, args=(task, sender), daemon=True)
        with receiver:
            with self._lock:
                if not self._closed:
                    process.start()
                    self._process = process
            sender.close()
            try:
                yield receiver
            finally:
                if self._process is process:
                    process.join()

    def _received(self, results: Connection) -> Any:
        """The next result; None, and the failure is noted, if there is none."""
        try:
            result = results.recv()
        except EOFError:
            message = "the process that looks at all vectors died: its output tells why, unless memory was short"
            result = Failed(message, passing=False)
        if not isinstance(result, Failed):
            return result
        if not result.passing:
            self._failure = _Failure(result.message, time.monotonic() + _PAUSE_SECONDS)
        return None


def _task(deployment: Deployment, partitions: Sequence[IndexedPartition], folder: Path) -> SurveyTask:
    settings = deployment.settings
    return SurveyTask(
        tables=S3Address.parse(settings.tables_uri),
        catalog=deployment.tables.catalog,
        region=settings.region,
        partitions=tuple(partition.key for partition in partitions),
        dimension=settings.dimension,
        folder=folder,
    )


def _read(version: str, folder: Path, explained: tuple[float, float]) -> Survey:
    # Mapped, so that they take no memory of their own; a file that is deleted stays while it is mapped.
    with pa.memory_map(str(folder / PICTURES)) as source:
        pictures = pa.ipc.open_file(source).read_all()
    return Survey(version, pictures, (folder / POINTS).read_bytes(), explained)


def _version(partitions: Sequence[IndexedPartition]) -> str:
    told = "\n".join(f"{partition.key} {partition.version}" for partition in partitions)
    return hashlib.sha256(told.encode()).hexdigest()[:16]
