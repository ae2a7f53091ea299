"""Everything that Dagster loads, from the settings of the environment."""

import dagster as dg

from batch_assets.assets import batch_job, batch_manifest, embedding_table, image_inventory, vector_index
from batch_assets.assets.services import BedrockResource, S3VectorsResource, SharedS3Resource, SnsResource, SqsResource
from batch_assets.automation import alerts, clean_up, completion, jobs, reconcile, schedule, submission
from batch_assets.settings import Settings, load_settings
from batch_assets.storage.io_manager import ParquetIOManager, TablesResource


def build_definitions(settings: Settings) -> dg.Definitions:
    """The graph, its jobs and its automation for one deployment's settings."""
    s3 = SharedS3Resource(region_name=settings.region)
    tables = TablesResource(
        s3=s3,
        tables_uri=settings.tables_uri,
        space=settings.space.slug,
        vector_bucket=settings.vector_bucket,
        index_name=settings.index_name,
        prefix_template=settings.prefix_template,
    )
    cleaning = clean_up.build(settings)
    return dg.Definitions(
        assets=[
            image_inventory.build(settings),
            batch_manifest.build(settings),
            batch_job.build(settings),
            embedding_table.build(settings),
            vector_index.build(settings),
        ],
        jobs=[jobs.plan_and_submit(), jobs.load(), reconcile.build(settings), cleaning],
        schedules=[schedule.build(settings), clean_up.daily(cleaning, settings)],
        sensors=[submission.build(settings), completion.build(settings), alerts.build(settings)],
        executor=dg.in_process_executor,
        resources={
            "s3": s3,
            "bedrock": BedrockResource(region_name=settings.region),
            "s3vectors": S3VectorsResource(region_name=settings.region),
            "sns": SnsResource(topic_arn=settings.alert_topic_arn),
            "sqs": SqsResource(region_name=settings.region),
            "tables": tables,
            "io_manager": ParquetIOManager(tables=tables),
        },
    )


defs = build_definitions(load_settings())
