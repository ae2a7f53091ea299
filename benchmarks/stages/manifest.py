"""From an inventory to the JSONL of a manifest: each content once, an id a record, a line a record."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.model import Contender, Measure, Outcome, Role, Stage, Target, Work, Workload
from benchmarks.objects import numbered_keys, objects

_BUCKET, _OWNER = "pictures", "123456789012"
_DIMENSION = 1024
_INVENTORY, _JSONL = "inventory.parquet", "manifest.jsonl"

Line = dict[str, Any]


def prepare(folder: Path, size: int) -> None:
    """Write an inventory of pictures that can all be sent."""
    listed = objects(numbered_keys(size))
    for name, values in (("format", pa.array(["jpeg"] * size)), ("eligible", pa.array([True] * size))):
        listed = listed.append_column(name, values)
    pq.write_table(listed, folder / _INVENTORY)


def _written(lines: Iterable[Any]) -> Outcome:
    """Write lines to a file, as they come."""
    hashed, size = hashlib.sha256(), 0
    for some in lines:
        hashed.update(some)
        size += len(some)
    return {"digest": hashed.hexdigest(), "jsonl_bytes": size}


def load_ours() -> Work:
    """Plan one job of all pictures, and write it."""
    import sys

    from batch_assets.bedrock.contents import Contents
    from batch_assets.bedrock.jsonl import lines
    from batch_assets.bedrock.manifest import plan
    from batch_assets.spaces import NOVA_MULTIMODAL, embedding_space

    space, nothing = embedding_space(NOVA_MULTIMODAL.model_id, _DIMENSION), Contents.of(())

    def work(workload: Workload) -> Outcome:
        inventory = pq.read_table(workload.folder / _INVENTORY)
        planned = plan(inventory, bucket=_BUCKET, embedded=nothing, quarantined=nothing, max_records=sys.maxsize)
        return _written(lines(planned.records, space, bucket=_BUCKET, bucket_owner=_OWNER))

    return work


def _by_rows(encode: Callable[[Line], bytes]) -> Work:
    """Rows as dictionaries, one after the other."""

    def work(workload: Workload) -> Outcome:
        rows = pq.read_table(workload.folder / _INVENTORY, columns=["key", "etag", "size", "format"]).to_pylist()
        return _written(encode(_line(_record_id(row["key"], row["etag"]), row)) + b"\n" for row in _distinct(rows))

    return work


def _distinct(rows: Iterable[Line]) -> Iterator[Line]:
    seen = set()
    for row in rows:
        if (content := (row["etag"], row["size"])) not in seen:
            seen.add(content)
            yield row


def _record_id(key: str, etag: str) -> str:
    return hashlib.sha256(f"{_BUCKET}\0{key}\0{etag}".encode()).hexdigest()[:32]


def _line(record_id: str, row: Line) -> Line:
    return {
        "recordId": record_id,
        "modelInput": {
            "schemaVersion": "nova-multimodal-embed-v1",
            "taskType": "SINGLE_EMBEDDING",
            "singleEmbeddingParams": {
                "embeddingPurpose": "GENERIC_INDEX",
                "embeddingDimension": _DIMENSION,
                "image": {
                    "detailLevel": "STANDARD_IMAGE",
                    "format": row["format"],
                    "source": {"s3Location": {"uri": f"s3://{_BUCKET}/{row['key']}", "bucketOwner": _OWNER}},
                },
            },
        },
    }


def load_json() -> Work:
    """Python's json."""
    return _by_rows(lambda line: json.dumps(line, separators=(",", ":"), ensure_ascii=False).encode())


def load_orjson() -> Work:
    """Orjson, a line at a time."""
    import orjson

    return _by_rows(orjson.dumps)


def load_polars() -> Work:
    """Polars: a format string over columns; only right for keys that JSON has nothing to escape in."""
    import polars as pl

    template = json.dumps(_line("{}", {"key": "{}", "format": "{}"}), separators=(",", ":"))
    # Its braces are those of JSON, but for the three that stand alone.
    first, second, third, last = template.split("{}")

    def work(workload: Workload) -> Outcome:
        rows = pl.read_parquet(workload.folder / _INVENTORY, columns=["key", "etag", "size", "format"])
        rows = rows.unique(["etag", "size"], keep="first", maintain_order=True)
        ids = pl.Series([_record_id(*pair) for pair in zip(rows["key"], rows["etag"], strict=True)])
        made = rows.select(
            pl.concat_str(pl.lit(first), ids, pl.lit(second), "format", pl.lit(third), "key", pl.lit(last))
        )
        return _written("".join(f"{line}\n" for line in part.to_series()).encode() for part in made.iter_slices(50_000))

    return work


STAGE = Stage(
    name="manifest",
    title="From an inventory to the JSONL of a manifest",
    unit="records",
    sizes=(250_000, 1_000_000, 4_000_000),
    quick_size=100_000,
    prepare=prepare,
    contenders=(
        Contender("ours", Role.OURS, load_ours),
        Contender("json.dumps", Role.PLAIN, load_json),
        Contender("orjson", Role.PEER, load_orjson),
        Contender("Polars", Role.PEER, load_polars),
    ),
    targets=(Target("json.dumps", Measure.CPU, at_least=5), Target("Polars", Measure.CPU, at_least=1.1)),
    note=f"{_JSONL} is not kept: a job takes 100,000 records, some 32 MB, in one request.",
)
