"""The two runs of a partition: up to the batch job, and from its results to the index."""

from typing import Any

import dagster as dg

from batch_assets.automation.job_names import LOAD, PLAN_AND_SUBMIT

AssetJob = Any
"""Dagster does not export the type of what `define_asset_job` gives."""

_BEFORE_OTHERS = {"dagster/priority": "1"}
"""What is paid for lands before more is planned, however long the queue of a backfill is."""


def plan_and_submit() -> AssetJob:
    """List the prefix, plan what is missing, and hand it to Bedrock; takes seconds."""
    return dg.define_asset_job(
        PLAN_AND_SUBMIT,
        selection=dg.AssetSelection.assets("image_inventory", "batch_manifest", "batch_job"),
        description="List the prefix, plan what is missing, and hand it to Bedrock. Ends within seconds; when the "
        "batch job has ended, the completion sensor runs the job `load`.",
    )


def load() -> AssetJob:
    """Bring the results of an ended batch job into the tables and the index."""
    return dg.define_asset_job(
        LOAD,
        selection=dg.AssetSelection.assets("embedding_table", "rejected_images", "vector_index"),
        description="Bring the results of an ended batch job into the tables and the vector index. Started by the "
        "completion sensor; started by hand it does the same, or says what it waits for.",
        tags=_BEFORE_OTHERS,
    )
