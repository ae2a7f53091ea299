"""A year of objects in one S3 Inventory report, in no order, divided into its partitions: time and memory.

The work is done in a process of its own, as in a run; S3 is the sandbox.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from batch_assets.sandbox.server import start
from batch_assets.storage.objects import S3Address
from batch_assets.storage.page_parser import ENTRIES
from benchmarks.scale.process_tree import PeakMemory
from benchmarks.stubs.inventory_report import publish

SOURCE, REPORTS = "pictures", "reports"
FOLDER = S3Address(REPORTS, f"inventory/{SOURCE}/daily/")
TEMPLATE = "photos/%Y/%m/%d/"
FIRST_DAY, DAYS = datetime(2025, 1, 1, tzinfo=UTC), 365

_FILE_OBJECTS = 500_000
_MEBIBYTE = 1024**2


def measure(objects: int, *, file_format: str) -> dict[str, Any]:
    """Seconds and peak memory of dividing a report, and of reading one partition of it afterwards."""
    with start() as sandbox:
        environment = sandbox.environment()
        s3 = boto3.client(
            "s3",
            endpoint_url=sandbox.endpoint_url,
            region_name=environment["AWS_REGION"],
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        )
        for bucket in (SOURCE, REPORTS):
            s3.create_bucket(Bucket=bucket)
        publish(s3, FOLDER, SOURCE, _files(objects), file_format=file_format, created=FIRST_DAY + timedelta(days=400))
        seen = _divided(dict(environment))
    return {"objects": objects, "partitions": DAYS, "format": file_format, **seen}


def _files(objects: int) -> Iterator[pa.Table]:
    random = np.random.default_rng(1)
    days = pa.array([f"photos/{FIRST_DAY + timedelta(days=day):%Y/%m/%d}/IMG_" for day in range(DAYS)])
    for begin in range(0, objects, _FILE_OBJECTS):
        rows = min(_FILE_OBJECTS, objects - begin)
        numbers = pa.array(np.arange(begin, begin + rows)).cast(pa.string())
        folders = days.take(pa.array(random.integers(0, DAYS, rows)))
        etags = pa.py_buffer(random.bytes(16 * rows).hex().encode())
        yield pa.table(
            [
                pc.binary_join_element_wise(folders, numbers, ".jpg", ""),
                pa.array(random.integers(50_000, 5_000_000, rows)),
                pa.FixedSizeBinaryArray.from_buffers(pa.binary(32), rows, [None, etags]).cast(pa.string()),
                pa.array(1_735_700_000_000_000 + random.integers(0, 365 * 86_400, rows) * 1_000_000).cast(
                    ENTRIES.field("last_modified").type
                ),
            ],
            schema=ENTRIES,
        )


def _divided(environment: dict[str, str]) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.scale.divide_report"]
    begun = time.monotonic()
    with subprocess.Popen(command, env={**environment, "PATH": ""}, stdout=subprocess.PIPE) as process:  # noqa: S603
        peak = PeakMemory(process.pid)
        watcher = threading.Thread(target=peak.watch)
        watcher.start()
        told, _ = process.communicate()
        watcher.join()
    if process.returncode:
        raise RuntimeError(f"dividing the report ended with code {process.returncode}: see its output above")
    seconds = round(time.monotonic() - begun, 1)
    return {**json.loads(told), "seconds_with_start": seconds, "peak_mebibytes": round(peak.bytes / _MEBIBYTE)}
