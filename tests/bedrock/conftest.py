"""Deployments whose batch jobs stand still until a test lets their time pass."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyarrow as pa
import pytest

from batch_assets.bedrock.budget import Budget
from batch_assets.bedrock.contents import Contents
from batch_assets.bedrock.jobs import BatchJob, find_job, list_jobs
from batch_assets.bedrock.ledger import JobRow, Ledger
from batch_assets.bedrock.manifest import fingerprint, plan, render
from batch_assets.bedrock.submission import Submission
from batch_assets.bedrock.submit import Submitter
from batch_assets.errors import TableChangedError
from batch_assets.sandbox.server import start
from batch_assets.settings import ENVIRONMENT_PREFIX, Settings, load_settings
from batch_assets.storage.listing import INVENTORY
from tests.conftest import Aws


@pytest.fixture(scope="session")
def frozen() -> Iterator[Aws]:
    """Give clients of a sandbox in which time moves by `advance` alone."""
    with start(speed=0) as running:
        yield Aws(running)


@dataclass
class Days:
    """Tables of days in memory; `meanwhile` is done once, by somebody else, between a read and its write."""

    tables: dict[str, tuple[pa.Table, str]] = field(default_factory=dict)
    meanwhile: Callable[[], object] | None = None
    writes: int = 0

    def read(self, day: str) -> tuple[pa.Table | None, str]:
        """The table of a day and its version."""
        return self.tables.get(day, (None, ""))

    def replace(self, day: str, table: pa.Table, *, version: str) -> None:
        """Replace a version, if it is the current one."""
        other, self.meanwhile = self.meanwhile, None
        if other:
            other()
        if version != self.read(day)[1]:
            raise TableChangedError(day)
        self.writes += 1
        self.tables[day] = (table, f"version {self.writes}")


@dataclass
class Deployment:
    """One deployment's settings and bucket, its manifests, and its jobs."""

    aws: Aws
    settings: Settings
    copies: list[str] = field(default_factory=list)
    ended_runs: set[str] = field(default_factory=set)
    days: Days = field(default_factory=Days)

    def submission(self, partition: str = "2024/01/02", *, pictures: int = 100, **changes: Any) -> Submission:
        """The manifest of so many pictures of a partition."""
        prefix = self.settings.template.prefix(partition)
        jsonl = self.manifest(prefix, pictures)
        values: dict[str, Any] = {
            "partition": partition,
            "records": pictures,
            "jsonl": jsonl,
            "fingerprint": fingerprint(jsonl, self.settings.space),
            "content_version": "c" * 64,
            "ledger": Ledger(),
            "loaded_job": None,
            "foreign_manifests": [],
            "run_id": "run-1",
        }
        return Submission(**values | changes)

    def manifest(self, prefix: str, pictures: int) -> bytes:
        """The JSONL of pictures that need not exist: Bedrock looks at them only when the job runs."""
        row = {"size": 10, "last_modified": 0, "format": "jpeg", "eligible": True, "reason": None}
        rows = [{**row, "key": f"{prefix}{number}.jpg", "etag": f"e{number}"} for number in range(pictures)]
        inventory = pa.Table.from_pylist(rows, schema=INVENTORY)
        bucket, nothing = self.settings.source_bucket, Contents.of(())
        planned = plan(inventory, bucket=bucket, embedded=nothing, quarantined=nothing, max_records=100_000)
        return render(planned.records, self.settings.space, bucket=bucket, bucket_owner=self.settings.account_id)

    def submitter(self, **changes: Any) -> Submitter:
        """A submitter with the sandbox's clients; `ended_runs` are the runs that are over."""
        values: dict[str, Any] = {
            "settings": self.settings,
            "s3": self.aws.s3,
            "bedrock": self.aws.bedrock,
            "runtime": self.aws.bedrock_runtime,
            "store_copy": lambda: self.copies.append("copy"),
            "run_is_over": lambda run_id: run_id in self.ended_runs,
            "is_recorded": lambda _partition, _job_name: True,
            "foreign_in_lane": lambda _partition: [],
            "budget": self.budget(),
        }
        return Submitter(**values | changes)

    def budget(self) -> Budget:
        """The budgets of the settings; a day is one of the sandbox's clock."""
        return Budget(self.settings, self.days, self.aws.s3, self.aws.bedrock, now=self.now)

    def now(self) -> datetime:
        """The time of the sandbox."""
        return datetime.fromisoformat(self.aws.control("clock")["now"])

    def submit(self, submission: Submission, **changes: Any) -> JobRow:
        """The job row of a submission."""
        return self.submitter(**changes).submit(submission)

    def jobs(self) -> list[BatchJob]:
        """All jobs that read this deployment's bucket; the results bucket is the same one."""
        uri = f"s3://{self.settings.source_bucket}/"
        return [job for job in list_jobs(self.aws.bedrock) if job.output_uri.startswith(uri)]

    def job(self, row: JobRow) -> BatchJob:
        """The job of a row."""
        job = find_job(self.aws.bedrock, str(row.job_name))
        assert job is not None
        return job

    def end(self, row: JobRow) -> None:
        """Stop a job, and let it come to an end."""
        self.aws.bedrock.stop_model_invocation_job(jobIdentifier=str(row.job_arn))
        self.aws.advance(60)
        self.aws.wait_for_job(str(row.job_arn), "Stopped")

    def lane_files(self) -> list[str]:
        """Keys of the `.jsonl` files in the bucket."""
        listed = self.aws.s3.list_objects_v2(Bucket=self.settings.source_bucket).get("Contents", [])
        return [entry["Key"] for entry in listed if entry["Key"].endswith(".jsonl")]


Deploy = Callable[..., Deployment]


@pytest.fixture
def deploy(frozen: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deploy]:
    """Give a function that makes a deployment with settings of its own; its jobs and faults end with the test."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"{ENVIRONMENT_PREFIX}{name.upper()}", raising=False)
    made: list[Deployment] = []

    def make(**settings: Any) -> Deployment:
        values = {
            "source_bucket": frozen.new_bucket("pictures"),
            "first_partition": "2024/01/01",
            "account_id": "123456789012",
            "role_arn": frozen.role_arn,
            "vector_bucket": "vectors",
            "dimension": 256,
        }
        made.append(Deployment(frozen, load_settings(_env_file=None, **values | settings)))
        return made[-1]

    yield make
    frozen.control("faults", method="DELETE")
    for deployment in made:
        for job in deployment.jobs():
            if not job.ended and job.status != "Stopping":
                frozen.bedrock.stop_model_invocation_job(jobIdentifier=job.arn)
    frozen.advance(60)


@pytest.fixture
def daily(deploy: Deploy) -> Deployment:
    """Give a deployment in which every partition is its own lane."""
    return deploy()


@pytest.fixture
def hive(deploy: Deploy) -> Deployment:
    """Give a deployment whose partitions share the lane `photos/`."""
    return deploy(prefix_template="photos/dt=%Y-%m-%d/", first_partition="2024-01-01")
