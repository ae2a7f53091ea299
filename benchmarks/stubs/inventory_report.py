"""Writes S3 Inventory reports as S3 does: data files in three formats, a manifest that names them, and its checksum.

Source of the layout: Amazon S3 user guide, "Locating your inventory list".
"""

import gzip
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from pyarrow import orc

from batch_assets.storage.objects import S3Address

_CSV_NAMES = {
    "bucket": "Bucket",
    "key": "Key",
    "version_id": "VersionId",
    "is_latest": "IsLatest",
    "is_delete_marker": "IsDeleteMarker",
    "size": "Size",
    "last_modified_date": "LastModifiedDate",
    "e_tag": "ETag",
    "storage_class": "StorageClass",
}


def publish(
    client: Any,
    folder: S3Address,
    source_bucket: str,
    tables: Iterable[pa.Table],
    *,
    file_format: str,
    created: datetime,
) -> str:
    """Write a report into `<destination prefix>/<source bucket>/<configuration id>/`, and return its name.

    Each table becomes a file. It has `key`, `size`, `last_modified` and, if the report is to have it, `etag`, and for a
    report of all versions `version_id`, `is_latest` and `is_delete_marker`.
    """
    name = f"{created:%Y-%m-%dT%H-%MZ}"
    write, ending = _WRITERS[file_format]
    files: list[Mapping[str, Any]] = []
    columns: list[str] = []
    for number, table in enumerate(tables):
        rows = _as_reported(table, source_bucket)
        columns, body = rows.column_names, write(rows)
        key = f"{folder.key}data/{name}-{number:04}{ending}"
        client.put_object(Bucket=folder.bucket, Key=key, Body=body)
        files.append({"key": key, "size": len(body), "MD5checksum": _md5(body)})
    manifest = json.dumps(
        {
            "sourceBucket": source_bucket,
            "destinationBucket": f"arn:aws:s3:::{folder.bucket}",
            "version": "2016-11-30",
            "creationTimestamp": str(round(created.timestamp() * 1000)),
            "fileFormat": file_format,
            "fileSchema": ", ".join(_CSV_NAMES[column] for column in columns) if file_format == "CSV" else "in files",
            "files": files,
        },
        indent=4,
    ).encode()
    client.put_object(Bucket=folder.bucket, Key=f"{folder.key}{name}/manifest.json", Body=manifest)
    client.put_object(Bucket=folder.bucket, Key=f"{folder.key}{name}/manifest.checksum", Body=_md5(manifest).encode())
    return name


def _as_reported(table: pa.Table, source_bucket: str) -> pa.Table:
    columns = {
        "bucket": pa.repeat(source_bucket, table.num_rows),
        "key": table["key"],
        **{name: table[name] for name in ("version_id", "is_latest", "is_delete_marker") if name in table.column_names},
        "size": table["size"],
        "last_modified_date": table["last_modified"].cast(pa.timestamp("ms", "UTC")),
        **({"e_tag": table["etag"]} if "etag" in table.column_names else {}),
        "storage_class": pa.repeat("STANDARD", table.num_rows),
    }
    return pa.table(columns)


def _csv(rows: pa.Table) -> bytes:
    """Every value quoted, keys URL-encoded, times in ISO 8601, no header."""
    keys = pa.array([quote(key) for key in rows["key"].to_pylist()], pa.string())
    times = pc.strftime(rows["last_modified_date"].cast(pa.timestamp("s", "UTC")), "%Y-%m-%dT%H:%M:%S.000Z")
    rows = rows.set_column(rows.column_names.index("key"), "key", keys)
    rows = rows.set_column(rows.column_names.index("last_modified_date"), "last_modified_date", times)
    file = io.BytesIO()
    options = pa_csv.WriteOptions(include_header=False, quoting_style="all_valid")
    pa_csv.write_csv(rows.cast(pa.schema([(name, pa.string()) for name in rows.column_names])), file, options)
    return gzip.compress(file.getvalue(), 1)


def _parquet(rows: pa.Table) -> bytes:
    file = io.BytesIO()
    pq.write_table(rows, file, compression="snappy")
    return file.getvalue()


def _orc(rows: pa.Table) -> bytes:
    """Times of ORC's type `timestamp`, which has no zone."""
    naive = rows["last_modified_date"].cast(pa.timestamp("ns", "UTC")).cast(pa.timestamp("ns"))
    file = io.BytesIO()
    orc.write_table(
        rows.set_column(rows.column_names.index("last_modified_date"), "last_modified_date", naive),
        file,
        compression="zlib",
    )
    return file.getvalue()


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


_WRITERS: Mapping[str, tuple[Callable[[pa.Table], bytes], str]] = {
    "CSV": (_csv, ".csv.gz"),
    "ORC": (_orc, ".orc"),
    "Parquet": (_parquet, ".parquet"),
}
