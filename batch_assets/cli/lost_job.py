"""The job of a partition that has ended and cannot be loaded any more, because its files are gone."""

from dataclasses import dataclass
from decimal import Decimal

from batch_assets.assets.job_files import JobFiles
from batch_assets.assets.partition_state import PartitionState
from batch_assets.bedrock.jobs import get_job
from batch_assets.cli.clients import Clients
from batch_assets.errors import JobError
from batch_assets.storage.write_offs import write_off


@dataclass(frozen=True)
class LostJob:
    """A job whose results are not loaded, why they cannot be, and what was processed and is billed."""

    clients: Clients
    partition: str
    name: str
    loss: str
    processed_records: int
    cost_usd: Decimal

    @classmethod
    def of(cls, clients: Clients, partition: str) -> "LostJob":
        """The lost job of a partition. Raises `JobError` if there is none: nothing is given up that can be loaded."""
        row = PartitionState.read(clients.tables, partition).in_flight()
        if row is None or row.job_name is None:
            raise JobError(f"partition {partition} has no job that waits to be loaded: nothing was written off")
        job = get_job(clients.bedrock, row.job_arn) if row.job_arn else None
        if job is not None and not job.ended:
            raise JobError(f"job {row.job_name} is {job.status}: to stop it, `batch-assets jobs stop {partition}`")
        files = JobFiles(clients.settings, clients.s3, clients.tables, partition, row, job)
        if files.is_written_off:
            raise JobError(f"job {row.job_name} is written off already: materialise embedding_table of {partition}")
        if files.loss is None:
            raise JobError(
                f"job {row.job_name} can be loaded, or its output may still appear: materialise embedding_table of "
                f"{partition}; nothing was written off"
            )
        cost = row.cost_usd * files.processed_records / row.records if row.records else Decimal(0)
        return cls(clients, partition, row.job_name, files.loss, files.processed_records, cost)

    def write_off(self) -> None:
        """Give it up."""
        write_off(self.clients.tables, self.partition, self.name)
