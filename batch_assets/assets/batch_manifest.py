"""batch_manifest: the records that are still to be embedded, at most one job's worth."""

import hashlib
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pyarrow as pa

from batch_assets.assets.metadata import counts, preview, usd
from batch_assets.assets.node import node
from batch_assets.assets.partition_state import PartitionState
from batch_assets.assets.retrying import take_up_requests
from batch_assets.bedrock import manifest, prices
from batch_assets.bedrock.contents import REFUSAL_COLUMNS, contents, final_refusals
from batch_assets.settings import Settings
from batch_assets.storage.content_hash import content_hash
from batch_assets.storage.io_manager import TablesResource
from batch_assets.storage.tables import StoredTable, TableOutput


def build(settings: Settings) -> dg.AssetsDefinition:
    """The asset for one deployment's settings."""

    @node(
        settings,
        name="batch_manifest",
        description="What is still to be embedded: eligible pictures without a vector, identical bytes once.",
        kinds={"parquet", "jsonlines"},
        code_version="1",
        schema=manifest.MANIFEST,
    )
    def batch_manifest(
        context: dg.AssetExecutionContext, image_inventory: StoredTable, tables: TablesResource
    ) -> Iterator[dg.MaterializeResult[TableOutput]]:
        key, store = context.partition_key, tables.store()
        state = PartitionState.read(store, key)
        before = store.partition("batch_manifest", key)
        inventory = image_inventory.rows()
        in_flight = state.in_flight()
        if in_flight is None:
            state = take_up_requests(store, key, state)
        content = _content_version(settings, inventory)
        if in_flight is not None and before.exists:
            records = before.rows()
            facts: dict[str, Any] = {**before.facts, "left_alone_for": in_flight.token}
            note = f"left as it is while job {in_flight.job_name} is not loaded: its pictures are in flight"
        else:
            plan = _plan(settings, inventory, state)
            records, facts = plan.records, _facts(settings, plan, content, image_inventory)
            note = f"{plan.records.num_rows} records for the next job, {plan.later} pictures in later ones"
        context.add_asset_metadata(
            {
                **counts(
                    {
                        "records": records.num_rows,
                        "already_embedded": facts["already_embedded"],
                        "quarantined": facts["quarantined"],
                        "later": facts["later"],
                        "manifest_bytes": facts["manifest_bytes"],
                        "dagster/row_count": records.num_rows,
                    }
                ),
                "cost_usd": usd(prices.cost_usd(records.num_rows, settings)),
                "on_demand_cost_usd": usd(prices.on_demand_cost_usd(records.num_rows, settings)),
                "note": note,
                "fingerprint": facts["fingerprint"],
                "space": settings.space.slug,
                "preview": preview(records),
            }
        )
        yield dg.MaterializeResult(
            value=TableOutput(records, facts, before.version),
            data_version=dg.DataVersion(content),
        )

    return batch_manifest


def rendered(settings: Settings, records: pa.Table) -> bytes:
    """The JSONL of a manifest's records."""
    return manifest.render(records, settings.space, bucket=settings.source_bucket, bucket_owner=settings.account_id)


def _plan(settings: Settings, inventory: pa.Table, state: PartitionState) -> manifest.Plan:
    embedded = state.embeddings.read(["key", "etag", "size"])
    return manifest.plan(
        inventory,
        bucket=settings.source_bucket,
        embedded=contents(embedded),
        embedded_keys=embedded["key"] if embedded is not None else None,
        quarantined=final_refusals(state.rejected.read(REFUSAL_COLUMNS)),
        max_records=settings.max_records_per_job,
    )


def _facts(settings: Settings, plan: manifest.Plan, content: str, inventory: StoredTable) -> dict[str, Any]:
    jsonl = rendered(settings, plan.records)
    return {
        "fingerprint": manifest.fingerprint(jsonl, settings.space),
        "manifest_bytes": len(jsonl),
        "content_version": content,
        "eligible": plan.eligible,
        "already_embedded": plan.embedded,
        "quarantined": plan.quarantined,
        "later": plan.later,
        "changed": plan.changed,
        "listing_version": inventory.facts["listing_version"],
        "foreign_manifests": inventory.facts.get("foreign_manifests", []),
        "report": inventory.facts.get("report"),
    }


def _content_version(settings: Settings, inventory: pa.Table) -> str:
    """Hash of what the partition should hold: eligible keys and ETags, and the space.

    What the model refused is no part of it: a load tells that of itself, and would then make its own tables stale.
    """
    eligible = content_hash(inventory.filter(inventory["eligible"]), ["key", "etag"])
    return hashlib.sha256(f"{eligible}\0{settings.space.slug}".encode()).hexdigest()
