"""batch_job: hands the manifest to Bedrock, once, and is done within seconds; a sensor loads the results later."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

import dagster as dg
from dagster_aws.s3 import S3Resource
from pydantic import Field

from batch_assets.assets import history
from batch_assets.assets.batch_manifest import rendered
from batch_assets.assets.metadata import PREVIEW_ROWS, preview, s3_link, usd
from batch_assets.assets.node import node, started_by_a_person
from batch_assets.assets.partition_state import PartitionState
from batch_assets.assets.picture_source import was_listed
from batch_assets.assets.services import BedrockResource
from batch_assets.assets.spending import SpendingTables
from batch_assets.assets.target import Target, in_flight_elsewhere
from batch_assets.bedrock import prices
from batch_assets.bedrock.budget import Budget
from batch_assets.bedrock.contents import REFUSAL_COLUMNS, contents, final_refusals
from batch_assets.bedrock.ledger import LEDGER, QUEUED, SENT, JobRow, Ledger
from batch_assets.bedrock.submission import Submission
from batch_assets.bedrock.submit import Submitter
from batch_assets.errors import TableError
from batch_assets.settings import Settings
from batch_assets.storage.io_manager import TablesResource
from batch_assets.storage.lane_listing import foreign_manifests_in_folder, foreign_manifests_in_lane
from batch_assets.storage.objects import S3Address, version
from batch_assets.storage.tables import Facts, StoredTable, TableOutput, Tables

CHECK = "manifest_is_with_bedrock"
POOL = "bedrock_submit"
_SHOWN_COLUMNS = ["state", "job_name", "attempt", "records", "cost_usd", "submitted_at", "loaded", "reason"]


class BatchJobConfig(dg.Config):
    """Run config of the asset."""

    allow_over_budget: bool = Field(
        default=False,
        description="Submit once although it costs more than a budget allows. Counts only in a run that a person "
        "starts, never in one of a schedule or a sensor.",
    )
    allow_replan: bool = Field(
        default=False,
        description="Submit although most pictures of the partition have another ETag than their vectors, and are paid "
        "for again. Counts only in a run that a person starts.",
    )


def build(settings: Settings) -> dg.AssetsDefinition:
    """The asset for one deployment's settings."""

    @node(
        settings,
        name="batch_job",
        description="The Bedrock batch job of the partition: submitted, attached, on_demand, queued, held, refused "
        "or nothing to do, and why. Never waits for the job: the completion sensor loads it when it has ended.",
        check_specs=[dg.AssetCheckSpec(CHECK, asset="batch_job", description="Nothing keeps the manifest back.")],
        kinds={"bedrock"},
        code_version="1",
        schema=LEDGER,
        pool=POOL,
    )
    def batch_job(  # noqa: PLR0917 Dagster passes them by name, but finds no input that is keyword-only
        context: dg.AssetExecutionContext,
        config: BatchJobConfig,
        batch_manifest: StoredTable,
        s3: S3Resource,
        bedrock: BedrockResource,
        tables: TablesResource,
    ) -> Iterator[dg.MaterializeResult[TableOutput]]:
        key, store = context.partition_key, tables.store()
        state = PartitionState.read(store, key)
        row, ledger, elsewhere = state.in_flight(), state.ledger, None
        if row is None:
            _refuse_older_manifest(batch_manifest, state)
            submitter = Submitter(
                settings,
                s3=s3.get_client(),
                bedrock=bedrock.control(),
                runtime=bedrock.runtime(),
                store_copy=partial(_store_copy, store, key, batch_manifest),
                run_is_over=partial(_run_is_over, context.instance),
                is_recorded=partial(_is_recorded, store),
                foreign_in_lane=partial(_foreign_in_lane, settings, store, batch_manifest.facts),
                budget=Budget(settings, SpendingTables(store), s3.get_client(), bedrock.control()),
            )
            submission = _submission(context, settings, batch_manifest, state)
            by_hand = started_by_a_person(context.run.tags)
            allowed = _over_budget_allowed(submission, config, by_hand=by_hand)
            refusal = None if config.allow_replan and by_hand else _replan_refused(settings, batch_manifest, state)
            elsewhere = next(in_flight_elsewhere(store, key), None)
            behind = f"job {elsewhere.job_name} of another space, which is loaded first" if elsewhere else None
            submission = replace(submission, over_budget_allowed=allowed, refusal=refusal, queue_behind=behind)
            row = submitter.submit(submission)
            row = replace(row, target=Target.of(settings).as_json()) if row.state in SENT else row
            ledger = ledger.succeeded_by(row, loaded_job=state.loaded_job)
        context.log.info("%s: %s: %s", key, row.state, row.reason)
        waiting = {"waits_for": waits_for(elsewhere)} if elsewhere else {}
        context.add_asset_metadata(job_metadata(settings, row, ledger) | waiting)
        yield dg.MaterializeResult(
            value=TableOutput(ledger.to_table(), {}, state.jobs.version),
            data_version=dg.DataVersion(batch_manifest.facts["content_version"]),
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


def _over_budget_allowed(submission: Submission, config: BatchJobConfig, *, by_hand: bool) -> bool:
    """Whether a person let the manifest pass its budgets: in this run, or in the one that left it queued."""
    current = submission.ledger.current
    if config.allow_over_budget and by_hand:
        return True
    if current is None or current.state != QUEUED or current.fingerprint != submission.fingerprint:
        return False
    return current.over_budget_allowed


def _submission(
    context: dg.AssetExecutionContext, settings: Settings, manifest: StoredTable, state: PartitionState
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
        foreign_manifests=manifest.facts["foreign_manifests"],
        run_id=context.run.run_id,
        up_to_date=manifest.facts["listing_version"] == state.embeddings.facts.get("listing_version"),
        hold=_hold(settings, state, fingerprint, by_hand=started_by_a_person(context.run.tags)),
    )


def _store_copy(store: Tables, key: str, manifest: StoredTable) -> None:
    fingerprint = manifest.facts["fingerprint"]
    copy = store.catalog.submitted_manifest(key, fingerprint)
    # Another attempt has the same records, but perhaps of pictures that were written anew.
    store.write(copy, TableOutput(manifest.rows(), {"fingerprint": fingerprint}))


def _refuse_older_manifest(manifest: StoredTable, state: PartitionState) -> None:
    """Raise `TableError` if pictures of the manifest were loaded since it was planned: they would be paid for again."""
    refused = final_refusals(state.rejected.read(REFUSAL_COLUMNS))
    planned, loaded = manifest.rows(["etag", "size"]), contents(state.embeddings.read(["etag", "size"])) | refused
    number = planned.num_rows - len(loaded.missing(planned))
    if number:
        raise TableError(
            f"{manifest.uri} is older than the results that are loaded: {number} of its pictures have a vector or were "
            "refused meanwhile; materialise image_inventory, batch_manifest and batch_job together"
        )


def _is_recorded(store: Tables, partition: str, job_name: str) -> bool:
    ledger = Ledger.from_table(store.partition("batch_job", partition).read())
    return any(row.job_name == job_name for row in ledger.rows)


def _run_is_over(instance: dg.DagsterInstance, run_id: str) -> bool | None:
    run = instance.get_run_by_id(run_id)
    return run.is_finished if run else None


def _foreign_in_lane(settings: Settings, store: Tables, manifest: Facts, partition: str) -> Sequence[str]:
    """Foreign `.jsonl` files that Bedrock would read, which the inventory of the manifest cannot tell of.

    They lie in a lane that several partitions share, or came after the report that the inventory was taken from.
    """
    template = settings.template
    lane = template.lane(partition)
    folder = S3Address(settings.source_bucket, lane)
    if not template.shares_lanes:
        return () if was_listed(manifest) else foreign_manifests_in_folder(store.client, folder)
    listed = [key for key in store.partitions("image_inventory") if template.lane(key) == lane]
    with ThreadPoolExecutor(max_workers=16) as pool:
        opened = dict(zip(listed, pool.map(partial(store.partition, "image_inventory"), listed), strict=True))
    listed = [key for key, table in opened.items() if was_listed(table.facts)]
    told = {name for key in listed for name in opened[key].facts.get("foreign_manifests", [])}
    # The inventories of others may be old, and the files gone.
    there = [name for name in sorted(told) if version(store.client, S3Address(settings.source_bucket, name))]
    return [*there, *foreign_manifests_in_lane(store.client, folder, template, listed=set(listed))]


def _replan_refused(settings: Settings, manifest: StoredTable, state: PartitionState) -> str | None:
    """Why a plan that replaces most vectors of a partition needs a person's word, or None."""
    current, vectors, changed = state.ledger.current, state.embeddings.rows_count, manifest.facts["changed"]
    let_pass = current is not None and current.state == QUEUED and current.fingerprint == manifest.facts["fingerprint"]
    few = vectors < settings.space.model.min_records_per_job or changed <= settings.max_replan_share * vectors
    if let_pass or few:
        return None
    return (
        f"{changed} of {vectors} embedded pictures have another ETag now, as after a bucket was encrypted anew: to "
        f"send them again costs {prices.cost_usd(manifest.rows_count, settings)} USD; if they did change, materialise "
        "batch_job by hand with the run config allow_replan: true"
    )


def _hold(settings: Settings, state: PartitionState, fingerprint: str, *, by_hand: bool) -> str | None:
    """Why the manifest must not be sent by itself again, or None."""
    last, current = state.last_job, state.ledger.current
    if last and state.rejected.facts.get("hold_lifted_for") == last["arn"]:
        return None
    # What is queued was let pass before: by a person, if it needed one.
    if by_hand or (current is not None and current.state == QUEUED):
        return None
    if last.get("held"):
        return (
            f"job {last['arn']} ended {last['status']}: {last.get('message') or 'no message'}; "
            "mend the cause and launch plan_and_submit by hand to send its pictures again"
        )
    attempts = state.ledger.next_attempt(fingerprint, loaded_job=state.loaded_job) - 1
    if attempts >= settings.max_record_attempts:
        return f"{attempts} jobs of this manifest brought nothing; launch plan_and_submit by hand to send it again"
    return None


def waits_for(row: JobRow) -> dict[str, Any]:
    """What the completion sensor has to know of a job in another space."""
    return {
        "token": row.token,
        "job_arn": row.job_arn,
        "records": row.records,
        "submitted_at": row.submitted_at.timestamp() if row.submitted_at else 0.0,
        "target": row.target,
    }


def job_metadata(settings: Settings, row: JobRow, ledger: Ledger) -> dict[str, Any]:
    """What a materialisation shows of the current row; the sensors read it."""
    cost = row.cost_usd if row.state in SENT else 0
    metadata: dict[str, Any] = {
        "state": row.state,
        "reason": row.reason,
        "token": row.token,
        "records": row.records,
        "attempt": row.attempt,
        "fingerprint": row.fingerprint or "",
        "space": settings.space.slug,
        "cost_usd": usd(cost),
        history.NAME: history.begun(row),
        "preview": preview(ledger.to_table().slice(max(0, len(ledger.rows) - PREVIEW_ROWS)), _SHOWN_COLUMNS),
    }
    named = (
        ("job_arn", row.job_arn),
        ("job_name", row.job_name),
        ("target", row.target),
        ("unrecorded_partition", row.unrecorded_partition),
    )
    metadata |= {name: text for name, text in named if text}
    if row.submitted_at is not None:
        metadata["submitted_at"] = dg.MetadataValue.timestamp(row.submitted_at)
    if row.input_uri and row.output_uri:
        metadata |= {
            "input": s3_link(row.input_uri, settings.region),
            "output": s3_link(row.output_uri, settings.region),
        }
    return metadata
