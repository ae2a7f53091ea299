"""The job that compares all tables with the live index and the source bucket, and mends the index if asked to."""

import json
from typing import Any

import dagster as dg
from dagster_aws.s3 import S3Resource

from batch_assets.assets import node
from batch_assets.assets.services import S3VectorsResource
from batch_assets.automation.event_log import busy_partitions
from batch_assets.errors import BatchAssetsError
from batch_assets.reconciliation.reconciler import Reconciler
from batch_assets.reconciliation.report import Report
from batch_assets.settings import Settings
from batch_assets.storage.io_manager import TablesResource
from batch_assets.vectors.differences import Kind

NAME = "reconcile_index"


class ReconcileConfig(dg.Config):
    """Run config of the job."""

    repair: bool = False
    """Mend the index and its tables from parquet; no call of the model is made."""


def build(settings: Settings) -> dg.JobDefinition:
    """The job for one deployment's settings; its run fails while differences remain."""

    @dg.op(
        name="reconcile",
        description="Compares the tables of all partitions with the live index and the source bucket. With `repair`, "
        "puts and deletes what differs from parquet. Partitions with an unfinished run are left alone.",
        retry_policy=node.RETRY_POLICY,
    )
    def reconcile(
        context: dg.OpExecutionContext,
        config: ReconcileConfig,
        s3: S3Resource,
        s3vectors: S3VectorsResource,
        tables: TablesResource,
    ) -> None:
        reconciler = Reconciler(
            settings,
            s3.get_client(),
            s3vectors.client(),
            tables.store(),
            has_a_run=lambda partition: bool(busy_partitions(context.instance, [partition])),
        )
        try:
            report = reconciler.run(repair=config.repair)
        except BatchAssetsError as error:
            raise dg.Failure(str(error), allow_retries=error.worth_repeating) from error
        if not report.settled:
            raise dg.Failure(_unsettled(report), metadata=_metadata(report), allow_retries=False)
        context.add_output_metadata(_metadata(report))

    @dg.job(
        name=NAME,
        description="Compare all tables with the live index and the source bucket; with the run config "
        "`ops: {reconcile: {config: {repair: true}}}`, mend the index from parquet without a call of the model.",
    )
    def reconcile_index() -> None:
        reconcile()

    return reconcile_index


def _unsettled(report: Report) -> str:
    left = {kind: number for kind, number in (report.found - report.repaired).items() if kind != Kind.FOREIGN}
    kinds = ", ".join(f"{number} {kind}" for kind, number in left.items())
    reasons = [f"{partition.partition}: {partition.reason}" for partition in report.left_alone]
    return "; ".join([f"{report.remaining} differences remain{': ' if kinds else ''}{kinds}", *reasons])


def _metadata(report: Report) -> dict[str, Any]:
    return {
        **{name: dg.MetadataValue.int(getattr(report, name)) for name in ("partitions", "rows", "vectors")},
        "remaining": dg.MetadataValue.int(report.remaining),
        "report": dg.MetadataValue.md(f"```json\n{json.dumps(report.as_json(), indent=2)}\n```"),
    }
