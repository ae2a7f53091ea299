"""What a job was given and what it has brought, as far as both are still there. Knows nothing of Dagster."""

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

import pyarrow as pa

from batch_assets.bedrock.jobs import BatchJob
from batch_assets.bedrock.ledger import JobRow
from batch_assets.bedrock.results import OUTPUT_SUFFIX, OutputFile, output_files
from batch_assets.bedrock.tail import tail_folder
from batch_assets.errors import ResultError
from batch_assets.settings import Settings
from batch_assets.storage.objects import S3Address
from batch_assets.storage.tables import StoredTable, Tables
from batch_assets.storage.write_offs import is_written_off


@dataclass(frozen=True)
class JobFiles:
    """The manifest and the output of a partition's job; `job` is None if it was embedded on demand."""

    settings: Settings
    s3: Any
    store: Tables
    partition: str
    row: JobRow
    job: BatchJob | None

    @cached_property
    def manifest(self) -> pa.Table | None:
        """The records that the job was given (schema `MANIFEST`); None if no copy of them is left."""
        if self._copy.exists:
            return self._copy.rows()
        # It is left as it is while its job is in flight, so it is a copy as well.
        planned = self.store.partition("batch_manifest", self.partition)
        return planned.rows() if planned.exists and planned.facts["fingerprint"] == self.row.fingerprint else None

    @cached_property
    def output(self) -> list[OutputFile]:
        """The files that hold what became of the records."""
        if self.manifest is None:
            return []
        if self.job is None:
            records = self.manifest["record_id"].to_pylist()
            return tail_folder(self.settings, self.partition).files(self.s3, records, str(self.row.job_name))
        results = S3Address.parse(self.job.results_uri)
        return output_files(self.s3, results.bucket, results.key)

    @property
    def loss(self) -> str | None:
        """What is gone although it has to be there, in words; None if all can be loaded, or may still appear."""
        job = self.job
        if self.manifest is None:
            return f"{self._copy.uri}, the copy of its manifest, is gone"
        brought = job is not None and job.status in {"Completed", "PartiallyCompleted"} and job.processed_records > 0
        if job is None or not brought or self.output or self.may_be_late(answered=0):
            return None
        processed = job.processed_records
        return f"{job.results_uri} holds no {OUTPUT_SUFFIX} file, although it has processed {processed} records"

    @property
    def is_written_off(self) -> bool:
        """Whether a person has given the job up."""
        return is_written_off(self.store, self.partition, str(self.row.job_name))

    def require(self) -> None:
        """Raise `ResultError` if something is gone and nobody has given the job up."""
        loss = self.loss
        if loss and not self.is_written_off:
            raise ResultError(
                f"job {self.row.job_name} cannot be loaded: {loss}. If a lifecycle rule or somebody has removed it, "
                "restore it, then materialise embedding_table again; if it is gone for good, give the job up with "
                f"`batch-assets jobs write-off {self.partition}`"
            )

    def may_be_late(self, *, answered: int) -> bool:
        """Whether output is short of what the service counts, and files of it may still appear.

        What is loaded without them counts as missing, and would be sent and paid for again.
        """
        job, grace = self.job, timedelta(minutes=self.settings.late_output_minutes)
        if job is None or job.ended_since is None:
            return False
        return answered < job.processed_records and job.ended_since < grace

    def written_off(self, *, answered: int) -> int:
        """Records that were processed, have no outcome, and were given up by a person."""
        lost = self.processed_records - answered
        return lost if lost > 0 and self.is_written_off else 0

    @property
    def processed_records(self) -> int:
        """Records that are billed, as far as is known."""
        return self.job.processed_records if self.job else self.row.records

    @cached_property
    def _copy(self) -> StoredTable:
        return self.store.open(self.store.catalog.submitted_manifest(self.partition, str(self.row.fingerprint)))
