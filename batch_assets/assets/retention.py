"""Deleting the output of jobs that were loaded long ago, where a setting says for how many days it is kept.

Only folders of this deployment's own jobs, whose results are in a table, are touched. Knows nothing of Dagster.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from batch_assets.assets.partition_state import PartitionState
from batch_assets.settings import Settings
from batch_assets.storage.objects import S3Address, explained
from batch_assets.storage.tables import Tables

_DELETE_MAX_KEYS = 1_000
"""Objects in one DeleteObjects call (Amazon S3 API reference)."""


@dataclass(frozen=True)
class Retention:
    """Keeps job results for `results_retention_days`; 0 keeps them for ever."""

    settings: Settings
    s3: Any
    tables: Tables

    def clean_up(self, *, now: datetime | None = None) -> dict[str, int]:
        """Delete what is over its time; the numbers of jobs and objects that were deleted."""
        days = self.settings.results_retention_days
        if not days:
            return {"jobs": 0, "objects": 0}
        before = (now or datetime.now(UTC)) - timedelta(days=days)
        standing = set(self._folders())
        deleted = [self._delete(job_id) for job_id in self._loaded_jobs(before) if job_id in standing]
        return {"jobs": len(deleted), "objects": sum(deleted)}

    def _folders(self) -> Iterator[str]:
        """Ids of the jobs whose output stands in the results folder."""
        root = S3Address.parse(self.settings.results_uri)
        with explained(root.uri):
            pages = self.s3.get_paginator("list_objects_v2").paginate(
                Bucket=root.bucket, Prefix=root.key, Delimiter="/"
            )
            for page in pages:
                for entry in page.get("CommonPrefixes", []):
                    yield entry["Prefix"].removeprefix(root.key).rstrip("/")

    def _loaded_jobs(self, before: datetime) -> Iterator[str]:
        """Ids of jobs that were submitted before a time and whose results are in a table."""
        for partition in self.tables.partitions("batch_job"):
            state = PartitionState.read(self.tables, partition)
            for row in state.ledger.rows:
                loaded = row.loaded or row.token == state.loaded_job
                if row.job_arn and loaded and row.submitted_at and row.submitted_at < before:
                    yield row.job_arn.rsplit("/", 1)[-1]

    def _delete(self, job_id: str) -> int:
        root = S3Address.parse(self.settings.results_uri)
        prefix = S3Address(root.bucket, f"{root.key}{job_id}/")
        count = 0
        with explained(prefix.uri):
            pages = self.s3.get_paginator("list_objects_v2").paginate(
                Bucket=prefix.bucket, Prefix=prefix.key, PaginationConfig={"PageSize": _DELETE_MAX_KEYS}
            )
            for page in pages:
                keys = [{"Key": entry["Key"]} for entry in page.get("Contents", [])]
                if keys:
                    self.s3.delete_objects(Bucket=prefix.bucket, Delete={"Objects": keys, "Quiet": True})
                count += len(keys)
        return count
