"""The rows of a report's files, as a listing of the bucket would give them: current versions alone, with plain keys."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from pyarrow import orc

from batch_assets.errors import SourceError
from batch_assets.storage.inventory_report.report import Report, ReportFile
from batch_assets.storage.objects import explained
from batch_assets.storage.page_parser import ENTRIES

_BATCH_ROWS = 64 * 1024
_CHUNK_BYTES = 1024**2
_CSV_BLOCK_BYTES = 8 * 1024**2

# The names in CSV manifests and those in ORC and Parquet files, without case and underscores.
_NEEDED = {"key": "key", "size": "size", "etag": "etag", "last_modified": "lastmodifieddate"}
_IS_LATEST, _IS_DELETE_MARKER, _VERSION = "islatest", "isdeletemarker", "versionid"


def download(client: Any, file: ReportFile, path: Path) -> None:
    """Fetch a file of a report. Raises `SourceError` unless it has the size and the MD5 that the manifest names."""
    digest, size_bytes = hashlib.md5(usedforsecurity=False), 0
    with explained(file.address.uri), path.open("wb") as target:
        body = client.get_object(Bucket=file.address.bucket, Key=file.address.key)["Body"]
        for chunk in body.iter_chunks(_CHUNK_BYTES):
            digest.update(chunk)
            size_bytes += len(chunk)
            target.write(chunk)
    found = (size_bytes, digest.hexdigest())
    if found != (file.size_bytes, file.md5):
        raise SourceError(
            f"{file.address.uri} has {found[0]} bytes with MD5 {found[1]}, but the report's manifest names "
            f"{file.size_bytes} bytes with MD5 {file.md5}: it was replaced or is damaged"
        )


def current_objects(report: Report, file: ReportFile, path: Path) -> Iterator[pa.RecordBatch]:
    """The objects that exist, of a downloaded file, a batch at a time (schema `ENTRIES`, in the file's order).

    Older versions and delete markers are left out. Raises `SourceError` when the file cannot be read or lacks a column.
    """
    try:
        for batch in _batches(report, path):
            yield _entries(batch)
    except (pa.ArrowException, UnicodeDecodeError, OSError) as error:
        raise SourceError(f"{file.address.uri} is no {report.file_format} file of a report: {error}") from error
    except _LackingColumnError as error:
        raise SourceError(f"{file.address.uri} {error}: add it to the report's optional fields") from error


class _LackingColumnError(Exception):
    """A column that is needed is not in the report."""


def _batches(report: Report, path: Path) -> Iterator[pa.RecordBatch]:
    """All rows with the columns that count, whose names are lower case without underscores."""
    if report.file_format == "CSV":
        yield from _csv_batches(report, path)
    elif report.file_format == "ORC":
        stripes = orc.ORCFile(path)
        chosen = _chosen(stripes.schema.names)
        for number in range(stripes.nstripes):
            stripe = stripes.read_stripe(number, columns=list(chosen))
            for start in range(0, stripe.num_rows, _BATCH_ROWS):
                yield _renamed(stripe.slice(start, _BATCH_ROWS), chosen)
    else:
        with pq.ParquetFile(path) as file:
            chosen = _chosen(file.schema_arrow.names)
            for batch in file.iter_batches(_BATCH_ROWS, columns=list(chosen), use_threads=False):
                yield _renamed(batch, chosen)


def _csv_batches(report: Report, path: Path) -> Iterator[pa.RecordBatch]:
    chosen = _chosen(report.columns)
    with (
        pa.input_stream(str(path), compression="gzip" if _is_gzip(path) else None) as stream,
        pa_csv.open_csv(
            stream,
            pa_csv.ReadOptions(column_names=list(report.columns), block_size=_CSV_BLOCK_BYTES, use_threads=False),
            convert_options=pa_csv.ConvertOptions(
                include_columns=list(chosen),
                column_types=dict.fromkeys(chosen, pa.string()),
                strings_can_be_null=True,
                null_values=[""],
            ),
        ) as reader,
    ):
        for batch in reader:
            renamed = _renamed(batch, chosen)
            keys = renamed.schema.get_field_index("key")
            yield renamed.set_column(keys, "key", decoded(renamed.column("key")))


def _is_gzip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def decoded(keys: pa.Array) -> pa.Array:
    """URL-encoded keys as they are; a blank may be written as `+`, for a plus is always encoded."""
    is_encoded = pc.match_substring_regex(keys, "[%+]")
    if not pc.any(is_encoded).as_py():
        return keys
    plain = [unquote_plus(key, errors="strict") for key in keys.filter(is_encoded).to_pylist()]
    return pc.replace_with_mask(keys, is_encoded, pa.array(plain, pa.string()))


def _chosen(names: tuple[str, ...] | list[str]) -> dict[str, str]:
    """The columns to be read, with their names without case and underscores."""
    plain = {name: name.replace("_", "").lower() for name in names}
    for needed in _NEEDED.values():
        if needed not in plain.values():
            raise _LackingColumnError(f"lacks the column {needed!r}")
    if _VERSION in plain.values() and _IS_LATEST not in plain.values():
        raise _LackingColumnError("has versions but lacks the column 'islatest'")
    wanted = {*_NEEDED.values(), _IS_LATEST, _IS_DELETE_MARKER}
    return {name: short for name, short in plain.items() if short in wanted}


def _renamed(batch: pa.RecordBatch, chosen: dict[str, str]) -> pa.RecordBatch:
    return batch.select(list(chosen)).rename_columns(list(chosen.values()))


def _entries(batch: pa.RecordBatch) -> pa.RecordBatch:
    batch = batch.filter(_is_current(batch))
    quoted = batch.column(_NEEDED["etag"]).cast(pa.string())
    columns = {
        "key": batch.column("key"),
        "size": batch.column("size"),
        "etag": pc.utf8_trim(quoted, '"'),
        "last_modified": _in_utc(batch.column(_NEEDED["last_modified"])),
    }
    for name, column in columns.items():
        if column.null_count:
            raise pa.ArrowInvalid(f"{column.null_count} objects have no {name}")
    return pa.record_batch([columns[field.name].cast(field.type) for field in ENTRIES], schema=ENTRIES)


def _is_current(batch: pa.RecordBatch) -> pa.Array:
    """Which rows are objects that exist: a report of current versions alone has no column that tells."""
    current = pa.repeat(pa.scalar(True), batch.num_rows)
    if _IS_LATEST in batch.schema.names:
        current = pc.and_(current, pc.fill_null(_flags(batch.column(_IS_LATEST)), True))
    if _IS_DELETE_MARKER in batch.schema.names:
        current = pc.and_(current, pc.invert(pc.fill_null(_flags(batch.column(_IS_DELETE_MARKER)), False)))
    return current


def _flags(column: pa.Array) -> pa.Array:
    return pc.equal(pc.ascii_lower(column), "true") if pa.types.is_string(column.type) else column


def _in_utc(times: pa.Array) -> pa.Array:
    """Times of an ORC or Parquet file may name no zone: they are in UTC."""
    if pa.types.is_timestamp(times.type) and times.type.tz is None:
        return times.cast(pa.timestamp("us")).cast(ENTRIES.field("last_modified").type)
    return times
