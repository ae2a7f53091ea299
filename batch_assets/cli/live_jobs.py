"""Which live batch jobs of the account are this deployment's, and what they embed."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial

from batch_assets.assets.partition_state import PartitionState
from batch_assets.bedrock import lanes
from batch_assets.bedrock.jobs import JOB_NAME_START, BatchJob, job_name, live_jobs
from batch_assets.bedrock.ledger import JobRow
from batch_assets.cli.clients import Clients
from batch_assets.cli.steady import read_steadily


@dataclass(frozen=True)
class OwnJob:
    """A live job of this deployment; Bedrock counts its records only when it has begun."""

    job: BatchJob
    partition: str
    records: int


@dataclass(frozen=True)
class Live:
    """The live jobs of the model in the account, those of this deployment the oldest first."""

    own: Sequence[OwnJob]
    others: Sequence[BatchJob]


def look(clients: Clients) -> Live:
    """Ask Bedrock what is live, and tell the jobs of this deployment from the others.

    A job is ours if its input folder carries our lock with its name, or if it stands in a partition's job table: a
    name that looks like ours is not enough.
    """
    deeds = _Deeds(clients)
    jobs = sorted(live_jobs(clients.bedrock, clients.settings.space.model), key=lambda job: (job.submitted_at, job.arn))
    found = {job.arn: deeds.own(job) for job in jobs}
    own = [ours for ours in found.values() if ours is not None]
    return Live(own=own, others=[job for job in jobs if found[job.arn] is None])


@dataclass(frozen=True)
class _Deeds:
    """What says that a job is ours."""

    clients: Clients

    def own(self, job: BatchJob) -> OwnJob | None:
        source = f"s3://{self.clients.settings.source_bucket}/"
        if not job.name.startswith(JOB_NAME_START) or not job.input_uri.startswith(source):
            return None
        folder = job.input_uri.removeprefix(source)
        return self._by_its_lane(job, folder) or self._by_its_table(job, folder)

    def _by_its_lane(self, job: BatchJob, folder: str) -> OwnJob | None:
        lock = lanes.current_lock(self.clients.s3, lanes.Lane(self.clients.settings.source_bucket, folder))
        if lock is None or lock.holder.job_name != job.name:
            return None
        return OwnJob(job, lock.holder.partition, lock.holder.records)

    def _by_its_table(self, job: BatchJob, folder: str) -> OwnJob | None:
        for key in self._partitions:
            if self.clients.settings.template.lane(key) != folder or not _could_be_of(key, job.name):
                continue
            for row in read_steadily(partial(self._rows, key)):
                if row.job_arn == job.arn:
                    return OwnJob(job, key, row.records)
        return None

    def _rows(self, partition: str) -> Sequence[JobRow]:
        return PartitionState.read(self.clients.tables, partition).ledger.rows

    @cached_property
    def _partitions(self) -> Sequence[str]:
        tables = self.clients.tables
        return tables.partitions("batch_job")


def _could_be_of(partition: str, name: str) -> bool:
    fingerprint, _, attempt = name.rpartition("-a")
    return attempt.isdecimal() and job_name(partition, fingerprint[-16:], int(attempt)) == name
