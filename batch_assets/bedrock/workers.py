"""Who reads the shards of a job's output: this process, or a crew when the output is large.

Results come back in the order of the shards, so that the table does not depend on who has read them.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from batch_assets.aws_clients import aws_client
from batch_assets.bedrock.results import OutputFile, Refused, Unreadable
from batch_assets.bedrock.shards import Block, Shard, cut, read_blocks
from batch_assets.crews import Crew, OpenCrew, in_order, local_processes, usual_processes


def _usual_crew() -> OpenCrew:
    return local_processes(usual_processes())


@dataclass(frozen=True)
class Workers:
    """How a large output is read.

    `crew` opens the workers, None for none but this process. Output of fewer than `from_bytes` is read in this process:
    starting others costs about as much as reading half of that. Where workers see the files of this machine, vectors
    come back in files, which is six times cheaper than through a pipe (measured), and as results otherwise.
    """

    crew: OpenCrew | None = field(default_factory=_usual_crew)
    from_bytes: int = 512 * 1024**2

    def read(self, s3: Any, files: list[OutputFile], *, dimension: int, region: str) -> Iterator[Block]:
        """The outcomes of output files, in their order. Raises `ServiceError` when workers die."""
        shards = cut(files)
        if self.crew is None or sum(file.size_bytes for file in files) < self.from_bytes:
            for shard in shards:
                yield from read_blocks(s3, shard, dimension=dimension)
            return
        with self.crew() as crew, _folder(crew) as folder:
            tasks = (ShardTask(number, shard, dimension, region, folder) for number, shard in enumerate(shards))
            for parked in in_order(crew.executor, read_shard, tasks, ahead=2 * crew.size):
                yield from (block.fetch() for block in parked)


def _folder(crew: Crew) -> AbstractContextManager[str | None]:
    return TemporaryDirectory(prefix="batch-assets-") if crew.same_files else nullcontext()


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


def _parked(block: Block, task: ShardTask, number: int) -> ParkedBlock:
    if task.folder is None:
        return ParkedBlock(block.outcomes, block.vectors.tobytes(), task.dimension)
    path = Path(task.folder) / f"{task.number}-{number}.float32"
    block.vectors.tofile(path)
    return ParkedBlock(block.outcomes, path, task.dimension)
