"""The newest complete report: which files it has, of what form, and whether its manifest is as it was written."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from batch_assets.errors import SourceError
from batch_assets.storage.objects import S3Address, explained, is_missing

FORMATS = ("CSV", "ORC", "Parquet")

_STAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}-[0-9]{2}Z\Z")


@dataclass(frozen=True)
class ReportFile:
    """One file of a report; `md5` (hex) is that of its bytes as they lie in S3."""

    address: S3Address
    size_bytes: int
    md5: str


@dataclass(frozen=True)
class Report:
    """A report whose manifest was checked.

    Attributes:
        name: When the scan of the bucket began, as the report's folder is called: `2026-11-24T01-00Z`.
        created: The same moment as the manifest has it.
        digest: MD5 (hex) of the manifest, which names every file with its MD5: two reports differ in it.
        file_format: One of `FORMATS`.
        columns: Names of the columns of CSV files, which have no header; empty for other formats.
        files: In the order of the manifest.
    """

    name: str
    created: datetime
    digest: str
    file_format: str
    columns: tuple[str, ...]
    files: tuple[ReportFile, ...]


def newest_report(client: Any, folder: S3Address, *, source_bucket: str) -> Report:
    """The newest report under `<destination prefix>/<source bucket>/<configuration id>/` that is complete.

    A report is complete when its manifest and the checksum of it are there; they are written last. Raises
    `SourceError` when there is none, when the manifest is not what its checksum says, or is of another bucket.
    """
    for name in _names(client, folder):
        place = S3Address(folder.bucket, f"{folder.key}{name}/manifest.json")
        checksum = _content(client, S3Address(folder.bucket, f"{folder.key}{name}/manifest.checksum"))
        manifest = _content(client, place)
        if checksum is None or manifest is None:
            continue
        digest, told = _md5(manifest), checksum.decode(errors="replace").strip()
        if digest != told:
            raise SourceError(f"{place.uri}: its MD5 is {digest}, but manifest.checksum says {told!r}: it is damaged")
        return _parsed(manifest, place, name=name, digest=digest, source_bucket=source_bucket)
    raise SourceError(
        f"{folder.uri}: no complete S3 Inventory report is there: BATCH_ASSETS_INVENTORY_REPORT must name the folder "
        "<destination prefix>/<source bucket>/<configuration id>/, and the first report takes up to 48 hours"
    )


def _names(client: Any, folder: S3Address) -> list[str]:
    """Folders of reports, newest first."""
    with explained(folder.uri):
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=folder.bucket, Prefix=folder.key, Delimiter="/")
        below = [entry["Prefix"][len(folder.key) : -1] for page in pages for entry in page.get("CommonPrefixes", [])]
    return sorted(filter(_STAMP.match, below), reverse=True)


def _content(client: Any, address: S3Address) -> bytes | None:
    with explained(address.uri):
        try:
            content: bytes = client.get_object(Bucket=address.bucket, Key=address.key)["Body"].read()
        except ClientError as error:
            if is_missing(error):
                return None
            raise
    return content


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _parsed(manifest: bytes, place: S3Address, *, name: str, digest: str, source_bucket: str) -> Report:
    try:
        told: Mapping[str, Any] = json.loads(manifest)
        bucket, file_format = str(told["sourceBucket"]), str(told["fileFormat"])
        destination = str(told["destinationBucket"]).rpartition(":")[2]
        files = tuple(
            ReportFile(S3Address(destination, str(file["key"])), int(file["size"]), str(file["MD5checksum"]).lower())
            for file in told["files"]
        )
        created = datetime.fromtimestamp(int(told["creationTimestamp"]) / 1000, UTC)
        schema = str(told["fileSchema"])
    except (ValueError, KeyError, TypeError) as error:
        raise SourceError(f"{place.uri} is no manifest of an S3 Inventory report: {error!r}") from error
    if bucket != source_bucket:
        raise SourceError(
            f"{place.uri} is a report of bucket {bucket!r}, not of {source_bucket!r}: set BATCH_ASSETS_INVENTORY_REPORT"
        )
    if file_format not in FORMATS:
        raise SourceError(f"{place.uri}: its files are of the form {file_format!r}; known are {', '.join(FORMATS)}")
    columns = tuple(column.strip() for column in schema.split(",")) if file_format == "CSV" else ()
    return Report(name, created, digest, file_format, columns, files)
