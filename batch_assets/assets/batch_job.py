"""batch_job: hands the manifest to Bedrock, once, and is done within seconds; a sensor loads the results later."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import Any

import dagster as dg
from dagster_aws.s3 import S3Resource

from batch_assets.assets.batch_manifest import rendered
from batch_assets.assets.metadata import PREVIEW_ROWS, column_schema, preview, s3_link, usd
from batch_assets.assets.node import node, started_by_a_person
from batch_assets.assets.partition_state import PartitionState
from batch_assets.assets.services import BedrockResource
from batch_assets.bedrock.ledger import ATTACHED, LEDGER, QUEUED, SUBMITTED, JobRow, Ledger
from batch_assets.bedrock.submit import Submission, Submitter
from batch_assets.settings import Settings
from batch_assets.storage.io_manager import TablesResource
from batch_assets.storage.listing import foreign_manifests_in_folder
from batch_assets.storage.objects import S3Address, version
from batch_assets.storage.tables import StoredTable, TableOutput, Tables

CHECK = "manifest_is_with_bedrock"
POOL = "bedrock_submit"
_SHOWN_COLUMNS = ["state", "job_name", "attempt", "records", "cost_usd", "submitted_at", "loaded", "reason"]
_NAMED_FILES = 10


def build(settings: Settings) -> dg.AssetsDefinition:
    """The asset for one deployment's settings."""

    @node(
        settings,
        name="batch_job",
        description="The Bedrock batch job of the partition: submitted, attached, queued, held, refused or nothing "
        "to do, and why. Never waits for the job: the completion sensor loads it when it has ended.",
        check_specs=[dg.AssetCheckSpec(CHECK, asset="batch_job", description="Nothing keeps the manifest back.")],
        kinds={"bedrock"},
        code_version="1",
        pool=POOL,
    )
    def batch_job(
        context: dg.AssetExecutionContext,
        batch_manifest: StoredTable,
        s3: S3Resource,
        bedrock: BedrockResource,
        tables: TablesResource,
    ) -> Iterator[dg.MaterializeResult[TableOutput]]:
        key, store = context.partition_key, tables.store()
        state = PartitionState.read(store, key)
        row, ledger = state.in_flight(), state.ledger
        if row is None:
            submitter = Submitter(
                settings,
                s3=s3.get_client(),
                bedrock=bedrock.control(),
                store_copy=partial(_store_copy, store, key, batch_manifest),
                run_is_over=partial(_run_is_over, context.instance),
            )
            row = submitter.submit(_submission(context, settings, batch_manifest, state, store))
            ledger = ledger.succeeded_by(row, loaded_job=state.loaded_job)
        context.log.info("%s: %s: %s", key, row.state, row.reason)
        yield dg.MaterializeResult(
            value=TableOutput(ledger.to_table(), {}, state.jobs.version),
            data_version=dg.DataVersion(batch_manifest.facts["content_version"]),
            metadata=_metadata(settings, row, ledger),
            check_results=[
                dg.AssetCheckResult(
                    check_name=CHECK,
                    passed=row.state not in {"held", "refused"},
                    severity=dg.AssetCheckSeverity.WARN,
                    description=f"{key}: {row.state}: {row.reason}",
                )
            ],
        )

    return batch_job


def _submission(
    context: dg.AssetExecutionContext, settings: Settings, manifest: StoredTable, state: PartitionState, store: Tables
) -> Submission:
    key, records = context.partition_key, manifest.rows()
    fingerprint = manifest.facts["fingerprint"]
    return Submission(
        partition=key,
        records=records.num_rows,
        jsonl=rendered(settings, records),
        fingerprint=fingerprint,
        # Another listing is another load, and so is the same listing after another load.
        content_version=f"{manifest.facts['listing_version']} {state.loaded_job}",
        ledger=state.ledger,
        loaded_job=state.loaded_job,
        foreign_manifests=_foreign_in_lane(settings, key, manifest, store),
        run_id=context.run.run_id,
        up_to_date=manifest.facts["listing_version"] == state.embeddings.facts.get("listing_version"),
        hold=_hold(settings, state, fingerprint, by_hand=started_by_a_person(context.run.tags)),
    )


def _store_copy(store: Tables, key: str, manifest: StoredTable) -> None:
    fingerprint = manifest.facts["fingerprint"]
    copy = store.catalog.submitted_manifest(key, fingerprint)
    if not store.open(copy).exists:
        store.write(copy, TableOutput(manifest.rows(), {"fingerprint": fingerprint}))


def _run_is_over(instance: dg.DagsterInstance, run_id: str) -> bool | None:
    run = instance.get_run_by_id(run_id)
    return run.is_finished if run else None


def _foreign_in_lane(settings: Settings, key: str, manifest: StoredTable, store: Tables) -> Sequence[str]:
    """Foreign `.jsonl` files that Bedrock would read with the lane: from the inventories and one look at the folder."""
    template = settings.template
    found = set(manifest.facts["foreign_manifests"])
    if template.shares_lanes:
        lane = template.lane(key)
        found.update(foreign_manifests_in_folder(store.client, S3Address(settings.source_bucket, lane)))
        inventory = store.catalog.path("image_inventory", key)
        siblings = [other for other in store.partitions(inventory) if template.lane(other) == lane]
        with ThreadPoolExecutor(max_workers=8) as pool:
            opened = pool.map(partial(store.partition, "image_inventory"), siblings)
            listed = {name for table in opened for name in table.facts.get("foreign_manifests", [])}
        # The inventories of others may be old, and the files gone.
        there = (name for name in sorted(listed) if version(store.client, S3Address(settings.source_bucket, name)))
        found.update(islice(there, _NAMED_FILES))
    return sorted(found)


def _hold(settings: Settings, state: PartitionState, fingerprint: str, *, by_hand: bool) -> str | None:
    """Why the manifest must not be sent by itself again, or None."""
    last, current = state.last_job, state.ledger.current
    # What is queued was let pass before: by a person, if it needed one.
    if by_hand or (current is not None and current.state == QUEUED):
        return None
    if last.get("status") in {"Stopped", "Failed"}:
        return (
            f"job {last['arn']} ended {last['status']}: {last.get('message') or 'no message'}; "
            "mend the cause and materialise batch_job by hand to send its pictures again"
        )
    attempts = state.ledger.next_attempt(fingerprint, loaded_job=state.loaded_job) - 1
    if attempts >= settings.max_record_attempts:
        return f"{attempts} jobs of this manifest brought nothing; materialise batch_job by hand to send it again"
    return None


def _metadata(settings: Settings, row: JobRow, ledger: Ledger) -> dict[str, Any]:
    cost = row.cost_usd if row.state in {SUBMITTED, ATTACHED} else 0
    metadata: dict[str, Any] = {
        "state": row.state,
        "reason": row.reason,
        "token": row.token,
        "records": row.records,
        "attempt": row.attempt,
        "fingerprint": row.fingerprint or "",
        "space": settings.space.slug,
        "cost_usd": usd(cost),
        "preview": preview(ledger.to_table().slice(max(0, len(ledger.rows) - PREVIEW_ROWS)), _SHOWN_COLUMNS),
        "dagster/column_schema": column_schema(LEDGER),
    }
    if row.job_arn is not None:
        metadata |= {"job_arn": row.job_arn, "job_name": row.job_name or ""}
    if row.submitted_at is not None:
        metadata["submitted_at"] = dg.MetadataValue.timestamp(row.submitted_at)
    if row.input_uri and row.output_uri:
        metadata |= {
            "input": s3_link(row.input_uri, settings.region),
            "output": s3_link(row.output_uri, settings.region),
        }
    return metadata
