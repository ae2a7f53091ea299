"""A source bucket, and reports of it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from batch_assets.storage.inventory_report.report import Report, newest_report
from batch_assets.storage.objects import S3Address
from batch_assets.storage.page_parser import ENTRIES
from benchmarks.stubs.inventory_report import publish
from tests.conftest import Aws

CREATED = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)


def objects(*keys: str, size: int = 5, etag: str = "5d41402abc4b2a76b9719d911017c592") -> pa.Table:
    """Objects with these keys, as a listing gives them."""
    moment = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
    rows = [{"key": key, "size": size, "etag": etag, "last_modified": moment} for key in keys]
    return pa.Table.from_pylist(rows, ENTRIES)


@dataclass
class Reports:
    """The reports of one bucket, in a folder of another."""

    aws: Aws
    source: str
    folder: S3Address = field(init=False)

    def __post_init__(self) -> None:
        self.folder = S3Address(self.aws.new_bucket("reports"), f"inventory/{self.source}/daily/")

    def publish(self, *tables: pa.Table, file_format: str = "Parquet", created: datetime = CREATED) -> str:
        """Write a report of a file a table."""
        return publish(self.aws.s3, self.folder, self.source, tables, file_format=file_format, created=created)

    def newest(self) -> Report:
        """The report that is used."""
        return newest_report(self.aws.s3, self.folder, source_bucket=self.source)

    def replace(self, name: str, body: bytes) -> None:
        """Overwrite a file in the folder."""
        self.aws.s3.put_object(Bucket=self.folder.bucket, Key=self.folder.key + name, Body=body)

    def delete(self, name: str) -> None:
        """Delete a file in the folder."""
        self.aws.s3.delete_object(Bucket=self.folder.bucket, Key=self.folder.key + name)

    def content(self, name: str) -> Any:
        """The bytes of a file in the folder."""
        return self.aws.s3.get_object(Bucket=self.folder.bucket, Key=self.folder.key + name)["Body"].read()


@pytest.fixture
def reports(aws: Aws) -> Reports:
    """Give a source bucket without reports."""
    return Reports(aws, aws.new_bucket("pictures"))
