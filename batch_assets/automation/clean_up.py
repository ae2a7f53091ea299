"""The job that deletes the output of jobs that were loaded long ago, and its daily schedule."""

import dagster as dg
from dagster_aws.s3 import S3Resource

from batch_assets.assets import node
from batch_assets.assets.retention import Retention
from batch_assets.errors import BatchAssetsError
from batch_assets.settings import Settings
from batch_assets.storage.io_manager import TablesResource

NAME = "clean_up_results"


def build(settings: Settings) -> dg.JobDefinition:
    """The job for one deployment's settings."""

    @dg.op(
        name="clean_up",
        description="Deletes the output of jobs that were loaded more than BATCH_ASSETS_RESULTS_RETENTION_DAYS ago.",
        retry_policy=node.RETRY_POLICY,
    )
    def clean_up(context: dg.OpExecutionContext, s3: S3Resource, tables: TablesResource) -> None:
        try:
            deleted = Retention(settings, s3.get_client(), tables.store()).clean_up()
        except BatchAssetsError as error:
            raise dg.Failure(str(error), allow_retries=error.worth_repeating) from error
        context.add_output_metadata({name: dg.MetadataValue.int(number) for name, number in deleted.items()})

    @dg.job(name=NAME, description="Delete job output that is over its time; nothing if no time is set.")
    def clean_up_results() -> None:
        clean_up()

    return clean_up_results


def daily(job: dg.JobDefinition, settings: Settings) -> dg.ScheduleDefinition:
    """Once a day; on where a retention is set."""
    status = dg.DefaultScheduleStatus.RUNNING if settings.results_retention_days else dg.DefaultScheduleStatus.STOPPED
    return dg.ScheduleDefinition(
        name="clean_up_results_daily",
        job=job,
        cron_schedule="30 3 * * *",
        execution_timezone=settings.timezone,
        default_status=status,
        description="Deletes job output that is over its time.",
    )
