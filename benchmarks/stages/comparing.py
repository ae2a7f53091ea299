"""Comparing inventories with what is embedded: which of very many pictures have no vector yet."""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.model import Contender, Measure, Outcome, Role, Stage, Target, Work, Workload
from benchmarks.objects import objects

_PARTITION_ROWS = 100_000
_NEW = 100  # one picture in so many has no vector
_CONTENT = ["etag", "size"]


def prepare(folder: Path, size: int) -> None:
    """Write two tables by partition: the inventory sorted by key, what is embedded in any order."""
    for name in ("inventory", "embedded"):
        (folder / name).mkdir()
    for number in range(-(-size // _PARTITION_ROWS)):
        rows = min(_PARTITION_ROWS, size - number * _PARTITION_ROWS)
        listed = objects([f"photos/{number:05}/IMG_{place:07}.jpg" for place in range(rows)], seed=number)
        order = np.random.default_rng(number).permutation(rows)
        pq.write_table(listed, folder / f"inventory/{number:05}.parquet", compression="zstd")
        embedded = listed.take(pa.array(order[order % _NEW != 0]))
        pq.write_table(embedded, folder / f"embedded/{number:05}.parquet", compression="zstd")


def _outcome(keys: Iterable[str]) -> Outcome:
    found = sorted(keys)
    return {"digest": hashlib.sha256("\n".join(found).encode()).hexdigest(), "missing": len(found)}


def _partitions(workload: Workload) -> Iterator[tuple[Path, Path]]:
    inventories = sorted((workload.folder / "inventory").iterdir())
    return ((file, workload.folder / "embedded" / file.name) for file in inventories)


def load_ours() -> Work:
    """As a plan does it: partition by partition."""
    from batch_assets.bedrock.contents import contents

    def work(workload: Workload) -> Outcome:
        missing: list[str] = []
        for inventory, embedded in _partitions(workload):
            listed = pq.read_table(inventory, columns=["key", *_CONTENT])
            positions = contents(pq.read_table(embedded, columns=_CONTENT)).missing(listed)
            missing += listed["key"].take(positions).to_pylist()
        return _outcome(missing)

    return work


def load_pandas() -> Work:
    """One merge."""
    import pandas as pd

    def work(workload: Workload) -> Outcome:
        listed = pd.read_parquet(workload.folder / "inventory", columns=["key", *_CONTENT])
        embedded = pd.read_parquet(workload.folder / "embedded", columns=_CONTENT)
        merged = listed.merge(embedded, on=_CONTENT, how="left", indicator=True)
        return _outcome(merged.loc[merged["_merge"] == "left_only", "key"])

    return work


def load_duckdb() -> Work:
    """One anti join."""
    import duckdb

    def work(workload: Workload) -> Outcome:
        tables = {name: f"read_parquet('{workload.folder}/{name}/*.parquet')" for name in ("inventory", "embedded")}
        query = f"SELECT i.key FROM {tables['inventory']} AS i ANTI JOIN {tables['embedded']} AS e USING (etag, size)"  # noqa: S608
        return _outcome(row[0] for row in duckdb.connect().execute(query).fetchall())

    return work


def load_polars() -> Work:
    """One anti join, streamed."""
    import polars as pl

    def work(workload: Workload) -> Outcome:
        listed = pl.scan_parquet(workload.folder / "inventory/*.parquet").select("key", *_CONTENT)
        embedded = pl.scan_parquet(workload.folder / "embedded/*.parquet").select(_CONTENT)
        missing: Any = listed.join(embedded, on=_CONTENT, how="anti").select("key").collect(engine="streaming")
        return _outcome(missing["key"].to_list())

    return work


def load_reading() -> Work:
    """Both tables read, and nothing compared."""

    def work(workload: Workload) -> Outcome:
        rows = 0
        for inventory, embedded in _partitions(workload):
            rows += pq.read_table(inventory, columns=["key", *_CONTENT]).num_rows
            rows += pq.read_table(embedded, columns=_CONTENT).num_rows
        return {"rows": rows}

    return work


STAGE = Stage(
    name="comparing",
    title="Comparing inventories with what is embedded",
    unit="objects",
    sizes=(2_500_000, 5_000_000, 10_000_000),
    quick_size=500_000,
    prepare=prepare,
    contenders=(
        Contender("ours", Role.OURS, load_ours),
        Contender("pandas merge", Role.PLAIN, load_pandas),
        Contender("DuckDB", Role.PEER, load_duckdb),
        Contender("Polars", Role.PEER, load_polars),
        Contender("reading alone", Role.LIMIT, load_reading),
    ),
    targets=(
        Target("pandas merge", Measure.CPU, at_least=3),
        Target("pandas merge", Measure.MEMORY, at_least=8),
        Target("DuckDB", Measure.CPU, at_most=2),
        Target("reading alone", Measure.CPU, at_most=2.3),
    ),
    note=f"Partitions of {_PARTITION_ROWS:,} objects, of which one in {_NEW} has no vector. Sizes grow two times.",
)
