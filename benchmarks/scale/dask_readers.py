"""A job's output read into the table by this process alone, by local processes, and by the workers of a Dask cluster.

The ways take turns. Opening a crew is in its time: processes are started for it, the workers of a cluster are there.
"""

import hashlib
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from batch_assets.crews import OpenCrew, dask_cluster, local_processes
from benchmarks.model import Workload
from benchmarks.scale.dask_processes import Cluster, dask_cluster_processes
from benchmarks.stages import results_inputs as inputs
from benchmarks.stages.range_server import range_server
from benchmarks.stages.results_ours import with_crew

_ROUNDS = 3


def measure(records: int) -> dict[str, Any]:
    """Median seconds of each way, and whether all tables are the same byte by byte."""
    with tempfile.TemporaryDirectory() as name, _prepared(Path(name), records) as workload:
        environment = _environment(workload)
        os.environ |= environment
        with (
            dask_cluster_processes(Path(name), environment, workers=1) as one,
            dask_cluster_processes(Path(name), environment, workers=2) as two,
        ):
            ways = _ways(one, two)
            _load(workload, None)  # imports and caches
            loads = [(way, *_load(workload, crew)) for _ in range(_ROUNDS) for way, crew in ways.items()]
        output_bytes = (workload.folder / inputs.OUTPUT).stat().st_size
    seconds = {way: [took for of, took, _ in loads if of == way] for way in ways}
    return {
        "records": records,
        "dimension": inputs.DIMENSION,
        "output_bytes": output_bytes,
        "median_seconds": {way: round(statistics.median(took), 2) for way, took in seconds.items()},
        "seconds": {way: [round(one, 2) for one in took] for way, took in seconds.items()},
        "distinct_tables": len({digest for _, _, digest in loads}),
        "load_average": round(os.getloadavg()[0], 1),
    }


def _ways(one: Cluster, two: Cluster) -> dict[str, OpenCrew | None]:
    return {
        "this process alone": None,
        "one local process": local_processes(1),
        "two local processes": local_processes(2),
        "Dask, one worker": dask_cluster(one.address),
        "Dask, two workers": dask_cluster(two.address),
    }


@contextmanager
def _prepared(folder: Path, records: int) -> Iterator[Workload]:
    inputs.prepare(folder, records)
    with range_server(folder, records) as services:
        yield Workload(folder=folder, size=records, services=services)


def _environment(workload: Workload) -> dict[str, str]:
    keys = {"AWS_ACCESS_KEY_ID": "benchmark", "AWS_SECRET_ACCESS_KEY": "benchmark"}
    return {"AWS_ENDPOINT_URL_S3": workload.services["s3"], "AWS_REGION": "us-east-1", **keys}


def _load(workload: Workload, crew: OpenCrew | None) -> tuple[float, str]:
    """Seconds of a load, and the SHA-256 of its table."""
    work = with_crew(workload, crew)
    begun = time.monotonic()
    work()
    seconds = time.monotonic() - begun
    with (workload.folder / "ours.parquet").open("rb") as file:
        return seconds, hashlib.file_digest(file, "sha256").hexdigest()
