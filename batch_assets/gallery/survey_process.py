"""All vectors looked at together, in a process of its own: a map of them, and which are nearly the same.

The vectors go through a file, so that memory stays flat; the process gives way to everything else on the machine.
"""

import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pyarrow as pa
from botocore.exceptions import BotoCoreError, ClientError
from numpy.typing import NDArray

from batch_assets.aws_clients import aws_client
from batch_assets.errors import BatchAssetsError
from batch_assets.storage.catalog import Catalog
from batch_assets.storage.objects import S3Address
from batch_assets.storage.tables import Tables
from batch_assets.vectors.near_duplicates import near_duplicate_groups
from batch_assets.vectors.projection import fit_projection

NEAR_DISTANCE = 0.02
"""Cosine distance up to which two pictures are nearly the same."""

PICTURES, POINTS = "pictures.arrow", "points.float32"
_VECTORS = "vectors.float32"
_BLOCK_ROWS = 4096
_PATIENCE = 5  # of nice(2): everybody else comes first
_MOST_COMPARED = 2048
_SCHEMA = pa.schema(
    [
        pa.field("key", pa.string()),
        pa.field("partition", pa.string()),
        pa.field("size", pa.int64()),
        pa.field("last_modified", pa.timestamp("us", tz="UTC")),
        pa.field("format", pa.string()),
    ]
)

Rows = NDArray[np.intp]
Vectors = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class SurveyTask:
    """What is to be looked at; results that are large go into files in `folder`."""

    tables: S3Address
    catalog: Catalog
    region: str
    partitions: Sequence[str]
    dimension: int
    folder: Path


@dataclass(frozen=True)
class Drawn:
    """The map is in the folder. `explained`: share of all variance along each axis."""

    explained: tuple[float, float]


@dataclass(frozen=True)
class Group:
    """Pictures that are nearly the same: ascending row numbers, and the largest distance between two of them.

    Of a group of more than 2,048 the distances between so many are told.
    """

    rows: Rows
    largest_distance: float


@dataclass(frozen=True)
class Failed:
    """Why there is no result; trying again may help if it is `passing`."""

    message: str
    passing: bool


def survey(task: SurveyTask, results: Connection) -> None:
    """Send `Drawn`, then a list of `Group`; or `Failed`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for the server, which ends this process
    os.nice(_PATIENCE)
    try:
        vectors = _collected(task)
        results.send(Drawn(_draw(vectors, task.folder / POINTS)))
        results.send(list(_groups(vectors)))
    except (BatchAssetsError, BotoCoreError, ClientError) as error:
        results.send(Failed(str(error), getattr(error, "worth_repeating", False)))


def _collected(task: SurveyTask) -> Vectors:
    """Read every embedding table; gives the vectors, shape (n, d), mapped from a file, in the order of the pictures."""
    path = task.folder / _VECTORS
    with (
        pa.OSFile(str(task.folder / PICTURES), "wb") as sink,
        pa.ipc.new_file(sink, _SCHEMA) as pictures,
        path.open("wb") as file,
    ):
        for partition, batch in _batches(task):
            partitions = pa.array([partition] * batch.num_rows, pa.string())
            columns = [partitions if name == "partition" else batch.column(name) for name in _SCHEMA.names]
            pictures.write_batch(pa.record_batch(columns, schema=_SCHEMA))
            batch.column("embedding").flatten().to_numpy().astype(np.float32, copy=False).tofile(file)
    if not path.stat().st_size:  # an empty file cannot be mapped
        return np.empty((0, task.dimension), np.float32)
    return np.memmap(path, np.float32, "r").reshape(-1, task.dimension)


def _batches(task: SurveyTask) -> Iterator[tuple[str, pa.RecordBatch]]:
    tables = Tables(aws_client("s3", task.region), task.tables, task.catalog)
    columns = [*(name for name in _SCHEMA.names if name != "partition"), "embedding"]
    for partition in task.partitions:
        for batch in tables.partition("embedding_table", partition).batches(columns):
            yield partition, batch


def _draw(vectors: Vectors, path: Path) -> tuple[float, float]:
    """Write the places of all vectors, their directions only, as x and y in [-1, 1]; both axes have one scale."""
    if not len(vectors):
        path.touch()
        return 0.0, 0.0
    projection = fit_projection(lambda: _directions(vectors))
    points = np.concatenate([projection.apply(block) for block in _directions(vectors)])
    largest = float(np.abs(points).max())
    (points / (largest or 1.0)).astype("<f4").tofile(path)
    return projection.explained


def _groups(vectors: Vectors) -> Iterator[Group]:
    for rows in near_duplicate_groups(vectors, threshold=NEAR_DISTANCE):
        yield Group(rows, _largest_distance(vectors, rows))


def _largest_distance(vectors: Vectors, rows: Rows) -> float:
    if rows.size > _MOST_COMPARED:
        rows = rows[np.linspace(0, rows.size - 1, _MOST_COMPARED).astype(np.intp)]
    units = vectors[rows].astype(np.float64)
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    return max(0.0, float((1 - units @ units.T).max()))


def _directions(vectors: Vectors) -> Iterator[Vectors]:
    for begin in range(0, len(vectors), _BLOCK_ROWS):
        block = vectors[begin : begin + _BLOCK_ROWS]
        yield block / np.linalg.norm(block, axis=1, keepdims=True)
