"""What others do with a job's output: the plain script, and the best that data frame and SQL libraries offer."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from batch_assets.bedrock.manifest import record_id
from benchmarks.model import Outcome, Workload
from benchmarks.stages import results_inputs as inputs
from benchmarks.stages.results_digest import digest_of

_COLUMNS = [
    "record_id", "source_record_id", "key", "etag", "size", "last_modified", "format", "job_id", "embedding",
]  # fmt: skip


def plain() -> Callable[[Workload], Outcome]:
    """json.loads, lists of floats, data frames."""
    import pandas as pd

    def work(workload: Workload) -> Outcome:
        rows = []
        with (workload.folder / inputs.OUTPUT).open(encoding="utf-8") as lines:
            for line in lines:
                document = json.loads(line)
                if "error" not in document:
                    vector = document["modelOutput"]["embeddings"][0]["embedding"]
                    rows.append({"source_record_id": document["recordId"], "embedding": vector})
        return _merged(workload, pd.DataFrame(rows), "plain")

    return work


def pandas_lines() -> Callable[[Workload], Outcome]:
    """pandas.read_json."""
    import pandas as pd

    def work(workload: Workload) -> Outcome:
        found = pd.read_json(workload.folder / inputs.OUTPUT, lines=True)
        good = found[found["modelOutput"].notna()]
        vectors = good["modelOutput"].map(lambda output: output["embeddings"][0]["embedding"])
        frame = pd.DataFrame({"source_record_id": good["recordId"], "embedding": vectors})
        return _merged(workload, frame, "pandas")

    return work


def orjson_and_numpy() -> Callable[[Workload], Outcome]:
    """orjson.loads and an array a line, written as float32."""
    import numpy as np
    import orjson
    import pandas as pd

    def work(workload: Workload) -> Outcome:
        rows = []
        with (workload.folder / inputs.OUTPUT).open("rb") as lines:
            for line in lines:
                document = orjson.loads(line)
                if "error" not in document:
                    vector = np.array(document["modelOutput"]["embeddings"][0]["embedding"], np.float32)
                    rows.append({"source_record_id": document["recordId"], "embedding": vector})
        return _merged(workload, pd.DataFrame(rows), "orjson")

    return work


def _merged(workload: Workload, found: Any, name: str) -> Outcome:
    """Join the vectors with the pictures that exist, put the earlier rows before them, write with the defaults."""
    import pandas as pd

    folder = workload.folder
    sent = pd.read_parquet(folder / inputs.MANIFEST_FILE)[["record_id", "key", "etag", "size", "last_modified"]]
    now = pd.read_parquet(folder / inputs.INVENTORY_FILE)[["key", "etag", "size", "last_modified", "format"]]
    earlier = pd.read_parquet(folder / inputs.EARLIER)
    unchanged = sent.merge(now[["key", "etag", "size", "last_modified"]])
    records = unchanged[["record_id", "etag", "size"]].rename(columns={"record_id": "source_record_id"})
    rows = found.drop_duplicates("source_record_id").merge(records).merge(now, on=["etag", "size"])
    rows["job_id"] = inputs.JOB
    kept = earlier[["etag", "size", "source_record_id", "job_id", "embedding"]].drop_duplicates(["etag", "size"])
    table = pd.concat([kept.merge(now, on=["etag", "size"]), rows], ignore_index=True)
    table["record_id"] = list(map(partial(record_id, inputs.BUCKET), table["key"], table["etag"]))
    path = folder / f"{name}.parquet"
    table[_COLUMNS].to_parquet(path, index=False)
    return _outcome(path)


def _outcome(path: Path) -> Outcome:
    return {"digest": partial(digest_of, path), "output_bytes": path.stat().st_size}


def polars() -> Callable[[Workload], Outcome]:
    """A lazy scan of the lines, joined and written as a stream."""
    import polars as pl

    vectors = pl.List(pl.Struct({"embedding": pl.List(pl.Float32)}))
    schema: Any = {
        "recordId": pl.String,
        "modelOutput": pl.Struct({"embeddings": vectors}),
        "error": pl.Struct({"errorCode": pl.Int64}),
    }

    def work(workload: Workload) -> Outcome:
        folder = workload.folder
        lines = pl.scan_ndjson(folder / inputs.OUTPUT, schema=schema)
        vector = pl.col("modelOutput").struct.field("embeddings").list.first().struct.field("embedding")
        found = lines.select(source_record_id="recordId", embedding=vector)
        sent = pl.scan_parquet(folder / inputs.MANIFEST_FILE)
        now = pl.scan_parquet(folder / inputs.INVENTORY_FILE).select("key", "etag", "size", "last_modified", "format")
        earlier = pl.scan_parquet(folder / inputs.EARLIER)
        content = ["etag", "size"]
        records = sent.join(now, on=["key", *content, "last_modified"], how="semi")
        good = found.filter(pl.col("embedding").is_not_null()).unique("source_record_id", keep="first")
        rows = (
            good.join(records.select(*content, source_record_id="record_id"), on="source_record_id")
            .join(now, on=content)
            .with_columns(job_id=pl.lit(inputs.JOB))
        )
        kept = (
            earlier.select(*content, "source_record_id", "job_id", pl.col("embedding").cast(pl.List(pl.Float32)))
            .unique(content, keep="first")
            .join(now, on=content)
        )
        names = [name for name in _COLUMNS if name != "record_id"]
        ids = pl.struct("key", "etag").map_elements(
            lambda row: record_id(inputs.BUCKET, row["key"], row["etag"]), return_dtype=pl.String
        )
        table = pl.concat([kept.select(names), rows.select(names)]).with_columns(record_id=ids)
        path = folder / "polars.parquet"
        table.sink_parquet(path)
        return _outcome(path)

    return work


_SQL = """
copy (
    with lines as (
        select recordId as source_record_id, modelOutput.embeddings[1].embedding as embedding
        from read_json('{output}', format = 'newline_delimited', maximum_object_size = 10000000, columns = {{
            recordId: 'varchar', modelOutput: 'struct(embeddings struct(embedding float[])[])'
        }})
    ),
    now as (select key, etag, size, last_modified, format from read_parquet('{inventory}')),
    records as (
        select record_id as source_record_id, etag, size from read_parquet('{manifest}') semi join now
        using (key, etag, size, last_modified)
    ),
    found as (
        select * from (
            select distinct on (etag, size) etag, size, source_record_id, job_id, embedding
            from read_parquet('{earlier}')
        )
        union all
        select etag, size, source_record_id, '{job}' as job_id, embedding
        from lines join records using (source_record_id)
        where embedding is not null
    )
    select left(sha256('{bucket}' || chr(0) || key || chr(0) || etag), 32) as record_id,
        source_record_id, key, etag, size, last_modified, format, job_id, embedding
    from found join now using (etag, size)
) to '{table}' (format parquet)
"""


def duckdb() -> Callable[[Workload], Outcome]:
    """One query."""
    import duckdb as library

    def work(workload: Workload) -> Outcome:
        folder = workload.folder
        path = folder / "duckdb.parquet"
        query = _SQL.format(
            output=folder / inputs.OUTPUT,
            inventory=folder / inputs.INVENTORY_FILE,
            manifest=folder / inputs.MANIFEST_FILE,
            earlier=folder / inputs.EARLIER,
            table=path,
            job=inputs.JOB,
            bucket=inputs.BUCKET,
        )
        with library.connect() as database:
            database.execute("set preserve_insertion_order = false")
            database.execute(query)
        return _outcome(path)

    return work
