"""Who reads the shards of a job's output: this process, or the processes of an executor when the output is large.

The tasks are plain data and any `concurrent.futures.Executor` takes them, on this machine or on others; results come
back in the order of the shards.
"""

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import numpy as np

from batch_assets.aws_clients import aws_client
from batch_assets.bedrock.results import OutputFile, Refused, Unreadable
from batch_assets.bedrock.shards import Block, Shard, cut, read_blocks
from batch_assets.errors import ServiceError

_MAX_PROCESSES = 4  # one process that writes the table keeps up with about two that read on the same kind of core

Task = TypeVar("Task")
Result = TypeVar("Result")


def _cores() -> int:
    return min(len(os.sched_getaffinity(0)), _MAX_PROCESSES)


def process_pool(processes: int) -> Executor:
    """Processes on this machine, started afresh: a fork would inherit the locks of other threads."""
    return ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn"))


@dataclass(frozen=True)
class Workers:
    """How a large output is read.

    `executor` opens an executor for `processes` workers. Output of fewer than `from_bytes` is read in this process:
    starting others costs about as much as reading half of that. `same_files`: whether the workers see the files of this
    machine; vectors then come back in files, which is six times cheaper than through a pipe (measured), and as the
    executor's results otherwise.
    """

    processes: int = field(default_factory=_cores)
    executor: Callable[[int], Executor] = process_pool
    from_bytes: int = 512 * 1024**2
    same_files: bool = True

    def read(self, s3: Any, files: list[OutputFile], *, dimension: int, region: str) -> Iterator[Block]:
        """The outcomes of output files, in their order. Raises `ServiceError` when a worker dies."""
        shards = cut(files)
        if self.processes < 1 or sum(file.size_bytes for file in files) < self.from_bytes:
            for shard in shards:
                yield from read_blocks(s3, shard, dimension=dimension)
            return
        with self._folder() as folder, self.executor(self.processes) as executor:
            tasks = (ShardTask(number, shard, dimension, region, folder) for number, shard in enumerate(shards))
            try:
                for parked in in_order(executor, read_shard, tasks, ahead=2 * self.processes):
                    yield from (block.fetch() for block in parked)
            except BrokenProcessPool as error:
                raise ServiceError(
                    "a process that read the job's output died, perhaps for want of memory: run this partition again"
                ) from error

    def _folder(self) -> AbstractContextManager[str | None]:
        return TemporaryDirectory(prefix="batch-assets-") if self.same_files else nullcontext()


@dataclass(frozen=True)
class ShardTask:
    """A shard to be read by a worker; vectors go into files in `folder`, if there is one."""

    number: int
    shard: Shard
    dimension: int
    region: str
    folder: str | None


@dataclass(frozen=True)
class ParkedBlock:
    """A block whose vectors are on their way from a worker: as bytes, or in a file."""

    outcomes: list[str | Refused | Unreadable]
    vectors: bytes | Path
    dimension: int

    def fetch(self) -> Block:
        """The block. A file is gone from its folder then, and its space is freed with the vectors."""
        if isinstance(self.vectors, bytes):
            vectors = np.frombuffer(self.vectors, np.float32)
        else:
            # An empty file cannot be mapped.
            vectors = np.memmap(self.vectors, np.float32, "r") if self.vectors.stat().st_size else np.empty(0, "f4")
            self.vectors.unlink()
        return Block(self.outcomes, vectors.reshape(-1, self.dimension))


def read_shard(task: ShardTask) -> list[ParkedBlock]:
    """Read a shard in a worker, with a client of its own from the standard AWS settings."""
    found = enumerate(read_blocks(aws_client("s3", task.region), task.shard, dimension=task.dimension))
    return [_parked(block, task, number) for number, block in found]


def in_order(
    executor: Executor, function: Callable[[Task], Result], tasks: Iterable[Task], *, ahead: int
) -> Iterator[Result]:
    """Results in the order of the tasks, of which at most `ahead` are started before their result is taken."""
    started: deque[Future[Result]] = deque()
    try:
        for task in tasks:
            started.append(executor.submit(function, task))
            if len(started) == ahead:
                yield started.popleft().result()
        while started:
            yield started.popleft().result()
    finally:
        for future in started:
            future.cancel()


def _parked(block: Block, task: ShardTask, number: int) -> ParkedBlock:
    if task.folder is None:
        return ParkedBlock(block.outcomes, block.vectors.tobytes(), task.dimension)
    path = Path(task.folder) / f"{task.number}-{number}.float32"
    block.vectors.tofile(path)
    return ParkedBlock(block.outcomes, path, task.dimension)
