"""What a job of N records leaves to be joined: its output, the manifest, the prefix as it is now, and earlier rows.

One line in a hundred is an error, one picture in fifty has a copy, and for every ten records there is an earlier row.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from batch_assets.bedrock.join import embedding_schema
from batch_assets.bedrock.manifest import MANIFEST, record_id
from batch_assets.storage.listing import INVENTORY
from batch_assets.storage.staged_table import StagedTable

DIMENSION = 3_072
BUCKET, JOB, EARLIER_JOB = "pictures", "abcdefghij12", "zyxwvutsrq98"
OUTPUT, MANIFEST_FILE, INVENTORY_FILE, EARLIER = (
    "0.jsonl.out",
    "manifest.parquet",
    "inventory.parquet",
    "earlier.parquet",
)

_ONE_ERROR_IN, _ONE_COPY_IN, _ONE_EARLIER_IN = 100, 50, 10
_WRITTEN = datetime(2024, 1, 2, 3, tzinfo=UTC)
_ROWS_AT_ONCE = 512


def prepare(folder: Path, size: int) -> None:
    """Write the four files."""
    sent = [_picture(f"photos/2024/01/02/{number:07}.jpg", number) for number in range(size)]
    copies = [_picture(f"photos/2024/01/02/copy-{number:07}.jpg", number) for number in range(0, size, _ONE_COPY_IN)]
    before = [
        _picture(f"photos/2024/01/02/old-{number:07}.jpg", -1 - number) for number in range(size // _ONE_EARLIER_IN)
    ]
    pq.write_table(
        pa.Table.from_pylist([*sent, *copies, *before], schema=INVENTORY).sort_by("key"), folder / INVENTORY_FILE
    )
    records = [{**row, "record_id": record_id(BUCKET, row["key"], row["etag"]), "copies": 1} for row in sent]
    pq.write_table(pa.Table.from_pylist(records, schema=MANIFEST), folder / MANIFEST_FILE)
    _write_output(folder / OUTPUT, records)
    _write_earlier(folder / EARLIER, before)


def _picture(key: str, number: int) -> dict[str, Any]:
    etag = f"{number & 0xFFFFFFFFFFFF:032x}"
    shown = {"key": key, "size": 50_000 + number % 1000, "etag": etag, "last_modified": _WRITTEN}
    return {**shown, "format": "jpeg", "eligible": True, "reason": None}


def _write_output(path: Path, records: list[dict[str, Any]]) -> None:
    """Lines as Bedrock writes them, numbers as the shortest float32 text (8 to 9 digits)."""
    vectors = _vectors(len(records), seed=1)
    with path.open("wb") as file:
        for number, record in enumerate(records):
            line = {"recordId": record["record_id"], "modelInput": _request(record["key"])}
            vector = next(vectors)
            if number % _ONE_ERROR_IN == _ONE_ERROR_IN - 1:
                line["error"] = {"errorCode": 400, "errorMessage": "Invalid image"}
            else:
                line["modelOutput"] = {"embeddings": [{"embeddingType": "IMAGE", "embedding": vector}]}
            file.write(orjson.dumps(line, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE))


def _request(key: str) -> dict[str, Any]:
    source = {"s3Location": {"uri": f"s3://{BUCKET}/{key}", "bucketOwner": "123456789012"}}
    image = {"format": "jpeg", "detailLevel": "STANDARD_IMAGE", "source": source}
    parameters = {"embeddingPurpose": "GENERIC_INDEX", "embeddingDimension": DIMENSION, "image": image}
    return {"taskType": "SINGLE_EMBEDDING", "singleEmbeddingParams": parameters}


def _write_earlier(path: Path, before: list[dict[str, Any]]) -> None:
    schema = embedding_schema(DIMENSION)
    staged, vectors = StagedTable(path, schema), _vectors(len(before), seed=2)
    for start in range(0, len(before), _ROWS_AT_ONCE):
        rows = [
            {**row, "record_id": (name := record_id(BUCKET, row["key"], row["etag"])), "source_record_id": name}
            | {"job_id": EARLIER_JOB, "embedding": next(vectors)}
            for row in before[start : start + _ROWS_AT_ONCE]
        ]
        staged.write(pa.RecordBatch.from_pylist(rows, schema=schema))
    staged.finish({})


def _vectors(count: int, *, seed: int) -> Iterator[np.ndarray[Any, np.dtype[np.float32]]]:
    """Vectors of about unit length."""
    random = np.random.default_rng(seed)
    for _ in range(0, count, _ROWS_AT_ONCE):
        yield from (random.standard_normal((_ROWS_AT_ONCE, DIMENSION)) / DIMENSION**0.5).astype(np.float32)
