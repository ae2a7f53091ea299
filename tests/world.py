"""A deployment of its own for a test: a source bucket in the sandbox, settings, definitions, and a Dagster instance.

Time stands still in it until a test lets the batch jobs finish, so that nothing depends on how fast a machine is.
"""

import io
import os
import uuid
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver
from dagster._core.loader import LoadingContextForTest
from PIL import Image

from batch_assets.assets import embedding_table, node
from batch_assets.automation import completion, submission
from batch_assets.automation.event_log import Verdicts
from batch_assets.sandbox.process import CONFLICTING_VARIABLES
from batch_assets.settings import ENVIRONMENT_PREFIX, Settings
from batch_assets.storage.catalog import Catalog
from batch_assets.storage.objects import S3Address
from batch_assets.storage.tables import StoredTable, Tables
from tests import access_proof
from tests.conftest import SESSION_SPEED, Aws, wait_for

KEY, NEXT_KEY = "2026/11/18", "2026/11/19"
ASSETS = ("image_inventory", "batch_manifest", "batch_job", "embedding_table", "rejected_images", "vector_index")
LONGER_THAN_ANY_JOB_SECONDS = 25 * 3600
LATE_OUTPUT_SECONDS = 61 * 60
_SENSORS: dict[str, Any] = {"completion_sensor": completion, "submission_sensor": submission}
_MAX_ROUNDS = 20


@lru_cache(maxsize=1000)
def picture(number: int) -> bytes:
    """A small picture of one colour; another number gives other bytes."""
    file = io.BytesIO()
    Image.new("RGB", (16, 16), (number * 37 % 256, number * 91 % 256, number // 256 * 16 + number % 16)).save(
        file, "PNG"
    )
    return file.getvalue()


def pictures(count: int, *, first: int = 0) -> dict[str, bytes]:
    """File names and distinct contents."""
    return {f"{number:04d}.png": picture(number) for number in range(first, first + count)}


@dataclass(frozen=True)
class Run:
    """A run that has ended, by what it tells of each asset."""

    result: dg.ExecuteInProcessResult

    @property
    def success(self) -> bool:
        """Whether no step failed."""
        return self.result.success

    @cached_property
    def metadata(self) -> dict[str, dict[str, Any]]:
        """Metadata of what was materialised, as plain values, by asset."""
        return {
            str(event.asset_key.to_user_string()): {
                name: value.value for name, value in event.step_materialization_data.materialization.metadata.items()
            }
            for event in self.result.get_asset_materialization_events()
            if event.asset_key is not None
        }

    @cached_property
    def checks(self) -> dict[str, dg.AssetCheckEvaluation]:
        """Outcomes of the checks by name."""
        return {check.check_name: check for check in self.result.get_asset_check_evaluations()}


@dataclass(frozen=True)
class Tick:
    """One look of a sensor."""

    sensor: str
    result: dg.SensorResult

    @property
    def requests(self) -> list[dg.RunRequest]:
        """Runs that it wants."""
        return list(self.result.run_requests or [])

    @property
    def partitions(self) -> list[str | None]:
        """Partitions of these runs."""
        return [request.partition_key for request in self.requests]

    @property
    def statuses(self) -> list[str]:
        """What it newly observed of batch jobs."""
        events = [event for event in self.result.asset_events if isinstance(event, dg.AssetObservation)]
        return [str(event.metadata["status"].value) for event in events]

    @property
    def reason(self) -> str:
        """Why it wants nothing."""
        skip = self.result.skip_reason
        return (skip.skip_message if isinstance(skip, dg.SkipReason) else skip) or ""


@dataclass
class World:
    """One deployment, driven as a person and the daemon would."""

    aws: Aws
    settings: Settings
    definitions: dg.Definitions
    instance: dg.DagsterInstance

    def put(self, files: Mapping[str, bytes], key: str = KEY) -> None:
        """Upload files into a partition."""
        prefix = self.settings.template.prefix(key)
        self.put_objects({prefix + name: data for name, data in files.items()})

    def put_objects(self, objects: Mapping[str, bytes]) -> None:
        """Upload objects by their whole keys."""
        encoded = {key: b64encode(data).decode() for key, data in objects.items()}
        self.aws.control(f"objects/{self.settings.source_bucket}", encoded)

    def delete(self, *names: str, key: str = KEY) -> None:
        """Delete files of a partition."""
        for name in names:
            self.aws.s3.delete_object(Bucket=self.settings.source_bucket, Key=self.settings.template.prefix(key) + name)

    def plan(self, key: str = KEY, *, by_schedule: bool = False, config: Mapping[str, Any] | None = None) -> Run:
        """Run `plan_and_submit` as a person does, or as the schedule does; `config` is that of `batch_job`."""
        tags = {"dagster/schedule_name": "plan_newest_partitions"} if by_schedule else {}
        run_config = {"ops": {"batch_job": {"config": dict(config)}}} if config else None
        return self.run("plan_and_submit", key, tags=tags, run_config=run_config)

    def load(self, key: str = KEY) -> Run:
        """Run `load` as a person does."""
        return self.run("load", key)

    def run(
        self,
        job: str,
        key: str,
        *,
        tags: Mapping[str, str] | None = None,
        run_config: Mapping[str, Any] | None = None,
        fails: bool = False,
    ) -> Run:
        """Run a job for a partition; an error is raised as it is unless the run is said to fail."""
        result = self.definitions.resolve_job_def(job).execute_in_process(
            partition_key=key,
            instance=self.instance,
            raise_on_error=not fails,
            tags=dict(tags or {}),
            run_config=run_config,
        )
        assert result.success is not fails
        return Run(result)

    def materialize(self, *assets: str, key: str = KEY) -> Run:
        """Materialise some assets as a person does in the web UI."""
        everything: Any = self.definitions.assets
        return Run(
            dg.materialize(
                everything,
                selection=list(assets),
                partition_key=key,
                instance=self.instance,
                resources=dict(self.definitions.resources or {}),
            )
        )

    def tick(self, sensor: str, *, now: float | None = None) -> Tick:
        """Let a sensor look once, as the daemon does: its observations are stored.

        `now` (epoch seconds) is what it takes for the present when it judges pauses.
        """
        if now is None:
            repository = self.definitions.get_repository_def()
            with dg.build_sensor_context(
                instance=self.instance, repository_def=repository, resources=self.definitions.resources
            ) as context:
                result: Any = repository.get_sensor_def(sensor)(context)
        else:
            module = _SENSORS[sensor]
            verdicts = Verdicts(module.ASSETS, module.verdict).current(self.instance)
            result = module.Look(self.settings, self.instance, self.aws.bedrock, verdicts, now=now).result()
        for event in result.asset_events:
            self.instance.report_runless_asset_event(event)
        return Tick(sensor, result)

    def restarted(self) -> "World":
        """The same deployment after its code server was started anew."""
        return World(self.aws, self.settings, definitions_of(self.settings), self.instance)

    def begin_run(self, job: str, key: str) -> None:
        """Leave a run of a partition that has not ended."""
        self.instance.create_run_for_job(
            self.definitions.resolve_job_def(job),
            tags={"dagster/partition": key},
            status=dg.DagsterRunStatus.NOT_STARTED,
        )

    def launch(self, tick: Tick, *, fails: bool = False) -> list[Run]:
        """Run what a sensor wants, as the daemon does."""
        return [
            self.run(
                str(request.job_name),
                str(request.partition_key),
                tags={**request.tags, "dagster/sensor_name": tick.sensor, "dagster/run_key": str(request.run_key)},
                fails=fails,
            )
            for request in tick.requests
        ]

    def settle(self) -> None:
        """Let the sensors alone do their work until neither wants anything and no job is live."""
        for _ in range(_MAX_ROUNDS):
            self.finish_jobs()
            ticks = [self.tick("completion_sensor"), self.tick("submission_sensor")]
            if not any(tick.requests for tick in ticks):
                return
            for tick in ticks:
                self.launch(tick)
        pytest.fail(f"the sensors still want something after {_MAX_ROUNDS} rounds")

    def embed(self, key: str = KEY) -> Run:
        """Plan a partition, let its job finish, and load it."""
        self.plan(key)
        self.finish_jobs()
        return self.load(key)

    def end_jobs(self) -> None:
        """Move the clock past the end of every batch job, and wait until the real work is done too."""
        self.aws.advance(LONGER_THAN_ANY_JOB_SECONDS)
        wait_for(lambda: not self.live_jobs(), what="the batch jobs to end")

    def finish_jobs(self) -> None:
        """Let every batch job end, and the time pass in which its output could still grow."""
        self.end_jobs()
        self.aws.advance(LATE_OUTPUT_SECONDS)

    def live_jobs(self) -> list[Any]:
        """Batch jobs of the account that have not ended."""
        live = ("Submitted", "Validating", "Scheduled", "InProgress", "Stopping")
        return [job for job in self._all_jobs() if job["status"] in live]

    def jobs(self) -> list[Any]:
        """Batch jobs of this deployment, oldest first."""
        bucket = f"s3://{self.settings.source_bucket}/"
        mine = [
            job for job in self._all_jobs() if job["inputDataConfig"]["s3InputDataConfig"]["s3Uri"].startswith(bucket)
        ]
        return mine[::-1]

    def _all_jobs(self) -> Iterator[Any]:
        pages = self.aws.bedrock.get_paginator("list_model_invocation_jobs").paginate(
            sortBy="CreationTime", sortOrder="Descending"
        )
        return (job for page in pages for job in page.get("invocationJobSummaries", []))

    def fault(self, **rule: Any) -> None:
        """Let the sandbox fail; see its fault rules. They are forgotten when this world ends."""
        self.aws.control("faults", rule)

    def forget_faults(self) -> None:
        """Let nothing fail any more."""
        self.aws.control("faults", method="DELETE")

    @property
    def tables(self) -> Tables:
        """The tables in S3."""
        settings = self.settings
        return Tables(
            self.aws.s3,
            S3Address.parse(settings.tables_uri),
            Catalog.of(settings),
        )

    def table(self, name: str, key: str = KEY) -> StoredTable:
        """One partition of a table."""
        return self.tables.partition(name, key)

    def rows(self, name: str, key: str = KEY) -> list[dict[str, Any]]:
        """The rows of one partition of a table, without vectors."""
        table: pa.Table = self.table(name, key).rows()
        rows: list[dict[str, Any]] = table.select(
            [column for column in table.column_names if column != "embedding"]
        ).to_pylist()
        return rows

    def vectors(self) -> dict[str, dict[str, Any]]:
        """Metadata of every vector in the live index, by vector key."""
        pages = self.aws.s3vectors.get_paginator("list_vectors").paginate(
            vectorBucketName=self.settings.vector_bucket, indexName=self.settings.index_name, returnMetadata=True
        )
        return {vector["key"]: dict(vector["metadata"]) for page in pages for vector in page["vectors"]}

    def stale(self, key: str = KEY) -> set[str]:
        """Assets that Dagster shows as out of date for a partition."""
        graph = self.definitions.resolve_asset_graph()
        resolver = CachingStaleStatusResolver(self.instance, graph, LoadingContextForTest(self.instance))
        return {name for name in ASSETS if resolver.get_status(dg.AssetKey(name), key).value != "FRESH"}


@contextmanager
def still_sandbox(aws: Aws) -> Iterator[None]:
    """Point the AWS clients of this process at the sandbox, and stop its clock."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(ENVIRONMENT_PREFIX) or name in CONFLICTING_VARIABLES:
                patch.delenv(name)
        for name, value in aws.sandbox.environment().items():
            patch.setenv(name, value)
        # Dagster's own retries would pause, and wrap the error that a test looks for.
        patch.setattr(node, "RETRY_POLICY", None)
        patch.setattr(embedding_table, "RETRY_POLICY", None)
        aws.control("clock", {"speed": 0})
        try:
            yield
        finally:
            aws.control("clock", {"speed": SESSION_SPEED})


@contextmanager
def new_world(aws: Aws, **settings: Any) -> Iterator[World]:
    """A fresh deployment, in a sandbox in which no job is live and nothing fails; to be used within `still_sandbox`."""
    chosen = deployment_settings(aws, **settings)
    with dg.DagsterInstance.ephemeral() as instance:
        world = World(aws, chosen, definitions_of(chosen), instance)
        world.finish_jobs()
        try:
            yield world
        finally:
            world.forget_faults()


def deployment_settings(aws: Aws, **overrides: Any) -> Settings:
    """Settings with buckets of their own, small vectors, nothing drawn, and whatever else is asked for."""
    values: dict[str, Any] = {
        "_env_file": None,
        "source_bucket": overrides.get("source_bucket") or aws.new_bucket("pictures"),
        "first_partition": KEY,
        "account_id": "123456789012",
        "role_arn": aws.role_arn,
        "vector_bucket": f"vectors-{uuid.uuid4().hex[:12]}",
        "dimension": 256,
        "pictures": False,
        **overrides,
    }
    settings = Settings(**values)
    access_proof.DEPLOYMENTS.append(settings)
    return settings


def definitions_of(settings: Settings) -> dg.Definitions:
    """What Dagster loads for these settings."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("source_bucket", "first_partition", "account_id", "role_arn", "vector_bucket"):
            patch.setenv(f"{ENVIRONMENT_PREFIX}{name.upper()}", str(getattr(settings, name)))
        # The module makes the definitions of its environment when it is imported.
        from batch_assets.definitions import build_definitions  # noqa: PLC0415
    return build_definitions(settings)
