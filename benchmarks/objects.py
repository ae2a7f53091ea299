"""Objects of a bucket to list and compare: the same for the same number, without a bucket."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

PREFIX = "photos/2024/01/02/"
OBJECTS = pa.schema(
    [("key", pa.string()), ("size", pa.int64()), ("etag", pa.string()), ("last_modified", pa.timestamp("us", tz="UTC"))]
)

_START = datetime(2024, 1, 2, tzinfo=UTC)
_ODD = [
    "//double",
    "/./dot",
    "/../dots",
    "/marker/",
    "/space and +",
    "/100%",
    "/new\nline",
    "/&<>'\"",
    "/\x01",
    "/é\U0001f600",
]


def hashed_keys(number: int) -> list[str]:
    """Keys as of files that are named by a hash."""
    raw = np.random.default_rng(number).bytes(number * 8).hex()
    return sorted({f"{PREFIX}{raw[place * 16 : place * 16 + 16]}.jpg" for place in range(number)})


def numbered_keys(number: int) -> list[str]:
    """Keys as a camera gives them."""
    return [f"{PREFIX}IMG_{place:07}.jpg" for place in range(number)]


def odd_keys(number: int) -> list[str]:
    """Keys that libraries stumble over, each kind in every page."""
    return sorted((f"{PREFIX}{place:07}{_ODD[place % len(_ODD)]}" for place in range(number)), key=str.encode)


def objects(keys: Sequence[str], *, seed: int = 0) -> pa.Table:
    """A row an object, in the order of the keys; ETags and sizes are as good as random."""
    number, random = len(keys), np.random.default_rng(seed)
    etags = random.bytes(number * 16).hex()
    seconds = random.integers(0, 86_400, number)
    columns = [
        pa.array(keys, pa.string()),
        pa.array(random.integers(10_000, 10_000_000, number), pa.int64()),
        pa.array([etags[place * 32 : place * 32 + 32] for place in range(number)], pa.string()),
        pa.array((int(_START.timestamp()) + seconds) * 10**6, pa.int64()).cast(OBJECTS.field("last_modified").type),
    ]
    return pa.table(columns, schema=OBJECTS)


def write_objects(file: Path, keys: Sequence[str]) -> None:
    """Write the objects of a bucket for `stubs.s3_listing`."""
    pq.write_table(objects(keys), file)
