"""embedding_table and rejected_images: what became of every picture, from the job's output and the earlier rows."""

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from dagster_aws.s3 import S3Resource

from batch_assets.assets.loading import Load, Loaded, TooEarly
from batch_assets.assets.metadata import columns, counts, failed_checks, preview, s3_link, usd
from batch_assets.assets.node import GROUP, OWNERS, RETRY_POLICY, node_tags, partitions_definition, told_plainly
from batch_assets.assets.partition_state import PartitionState
from batch_assets.assets.pictures import Album, shown
from batch_assets.assets.services import BedrockResource
from batch_assets.assets.target import Target, settings_of_run, store_for
from batch_assets.bedrock.join import embedding_schema
from batch_assets.bedrock.rejections import REJECTED
from batch_assets.bedrock.workers import Workers
from batch_assets.crews import crew_of
from batch_assets.settings import Settings
from batch_assets.storage.catalog import Catalog
from batch_assets.storage.io_manager import TablesResource
from batch_assets.storage.tables import TableOutput
from batch_assets.vectors.spread import Spread

TABLE, REJECTIONS = "embedding_table", "rejected_images"
JOB_LOADED, COUNTS_ADD_UP, IDS_UNIQUE, VECTORS_SOUND = (
    "job_is_loaded",
    "counts_add_up",
    "record_ids_are_unique",
    "vectors_are_sound",
)
_NEAR_DUPLICATES = pa.schema([pa.field("pictures", pa.int64()), pa.field("keys", pa.string())])
_SHOWN_KEYS = 3
_REPORT = ": this must not happen; keep the job's output and report it"
_CHECKS = {
    JOB_LOADED: "The job has ended well and its results are in the table.",
    COUNTS_ADD_UP: "Embedded + rejected + waiting = pictures, and every record of the job is accounted for.",
    IDS_UNIQUE: "No record id and no key stands twice in the table.",
    VECTORS_SOUND: "Every vector has the right length, is finite, and is not zero.",
}


def build(settings: Settings) -> dg.AssetsDefinition:
    """The two assets, made in one step, for one deployment's settings."""

    @dg.multi_asset(
        name="load_results",
        outs={REJECTIONS: _rejections_out(settings), TABLE: _table_out(settings)},
        deps=["image_inventory", "batch_job"],
        group_name=GROUP,
        check_specs=[
            dg.AssetCheckSpec(name, asset=TABLE, description=description) for name, description in _CHECKS.items()
        ],
        partitions_def=partitions_definition(settings),
        retry_policy=RETRY_POLICY,
    )
    @told_plainly
    def load_results(
        context: dg.AssetExecutionContext, s3: S3Resource, bedrock: BedrockResource, tables: TablesResource
    ) -> Iterator[dg.MaterializeResult[TableOutput] | dg.AssetCheckResult]:
        key, run_settings = context.partition_key, settings_of_run(settings, context.run.tags)
        store = store_for(tables.store(), run_settings)
        state = PartitionState.read(store, key)
        with tempfile.TemporaryDirectory(prefix="batch-assets-") as folder:
            load = Load(
                run_settings, s3.get_client(), bedrock.control(), store, Path(folder), Workers(crew_of(run_settings))
            )
            loaded = load.load(key, state)
            if isinstance(loaded, TooEarly):
                context.log.warning("%s: %s", key, loaded.reason)
                yield from _too_early(key, loaded)
                return
            album = Album(run_settings, s3.get_client(), key)
            # Refusals first: their attempts must be known before the job counts as loaded.
            refused = shown(album.rejections(loaded.rejected)) | _rejections_metadata(loaded)
            context.add_asset_metadata(refused, asset_key=REJECTIONS)
            yield _rejections(loaded, state, store.catalog)
            spread = loaded.spread()
            verdicts = list(_verdicts(key, loaded))
            told = _table_metadata(run_settings, loaded) | _spread_metadata(spread) | failed_checks(verdicts)
            context.add_asset_metadata(shown(album.vectors(spread)) | told, asset_key=TABLE)
            yield _table(loaded, state, store.catalog)
        yield from verdicts

    return load_results


def _rejections_out(settings: Settings) -> dg.AssetOut:
    return _out(
        settings,
        "Pictures without a vector that were refused: not eligible, or refused by the model, and why.",
        kinds={"parquet"},
        schema=REJECTED,
    )


def _table_out(settings: Settings) -> dg.AssetOut:
    return _out(
        settings,
        "A row and a vector for each embedded picture that exists now; copies of the same bytes included.",
        kinds={"bedrock", "parquet"},
        schema=embedding_schema(settings.dimension),
    )


def _out(settings: Settings, description: str, *, kinds: set[str], schema: pa.Schema) -> dg.AssetOut:
    """An output that is left out while there is nothing to load."""
    return dg.AssetOut(
        description=description,
        kinds=kinds,
        metadata=columns(schema),
        owners=OWNERS,
        code_version="1",
        tags=node_tags(settings),
        is_required=False,
    )


def _rejections(loaded: Loaded, state: PartitionState, catalog: Catalog) -> dg.MaterializeResult[TableOutput]:
    facts = {"loaded_job": loaded.row.token}
    return dg.MaterializeResult(
        asset_key=REJECTIONS, value=TableOutput(loaded.rejected, facts, state.rejected.version, catalog)
    )


def _rejections_metadata(loaded: Loaded) -> dict[str, Any]:
    rejected = loaded.rejected
    by_code = rejected.group_by("code").aggregate([("key", "count")])
    return {
        **counts(
            {
                "rejected": loaded.facts["rejected"],
                "quarantined": sum(rejected["quarantined"].to_pylist()),
                "sent_again": sum(not final for final in rejected["final"].to_pylist()),
                "dagster/row_count": rejected.num_rows,
            }
        ),
        "reasons": dict(zip(by_code["code"].to_pylist(), by_code["key_count"].to_pylist(), strict=True)),
        "preview": preview(rejected, ["key", "code", "message", "attempts", "final"]),
    }


def _table(loaded: Loaded, state: PartitionState, catalog: Catalog) -> dg.MaterializeResult[TableOutput]:
    return dg.MaterializeResult(
        asset_key=TABLE,
        value=TableOutput(loaded.embeddings, loaded.facts, state.embeddings.version, catalog),
        data_version=dg.DataVersion(loaded.version),
    )


def _table_metadata(settings: Settings, loaded: Loaded) -> dict[str, Any]:
    facts, job = loaded.facts, loaded.job
    return {
        **counts({name: facts[name] for name in ("images", "embedded", "rejected", "waiting")}),
        "cost_usd": usd(loaded.cost_usd),
        "job_status": job.status if job else loaded.row.state,
        "preview": preview(loaded.embeddings.first_rows, ["key", "size", "last_modified", "format", "job_id"]),
        **({"output": s3_link(job.results_uri, settings.region)} if job else {}),
        **counts({"kept": loaded.tally.kept, "added": loaded.tally.added}),
        "job_records": facts["records"],
        "embedding_bytes": facts["embedded"] * settings.dimension * 4,
        "space": settings.space.slug,
        "target": Target.of(settings).as_json(),
        "loaded_job": loaded.row.token,
        "table_version": loaded.version,
        "remaining": facts["remaining"],
        "held": bool(facts["last_job"].get("held")),
        "dagster/row_count": facts["embedded"],
    }


def _spread_metadata(spread: Spread | None) -> dict[str, Any]:
    """How the vectors lie, as numbers that plot over partitions, and the groups of near-duplicates as a table."""
    if spread is None:
        return {}
    groups, distances = spread.near_duplicates, spread.distances
    sizes = [group.size for group in groups]
    keys = [", ".join(spread.keys[row] for row in group[:_SHOWN_KEYS]) for group in groups]
    return {
        **counts({"near_duplicates": sum(sizes), "near_duplicate_groups": len(groups)}),
        "near_duplicate_keys": preview(pa.table([sizes, keys], schema=_NEAR_DUPLICATES)),
        "median_length": dg.MetadataValue.float(round(float(np.median(spread.lengths)), 4)),
        "median_distance": dg.MetadataValue.float(round(float(np.median(distances)), 4) if distances.size else 0.0),
    }


def _too_early(key: str, early: TooEarly) -> Iterator[dg.AssetCheckResult]:
    yield _result(JOB_LOADED, passed=False, text=f"{key}: nothing to load yet: {early.reason}")
    for name in (COUNTS_ADD_UP, IDS_UNIQUE, VECTORS_SOUND):
        yield _result(name, passed=True, text=f"{key}: nothing to check yet: {early.reason}")


def _verdicts(key: str, loaded: Loaded) -> Iterator[dg.AssetCheckResult]:
    facts, records, rows = loaded.facts, loaded.facts["records"], loaded.tally.rows
    status = loaded.job.status if loaded.job else loaded.row.state
    ended_well = status not in {"Failed", "Stopped", "Expired"}
    yield _result(
        JOB_LOADED,
        passed=ended_well,
        text=f"{key}: {status}{': ' + loaded.job.message if loaded.job and loaded.job.message else ''}; "
        f"{facts['embedded']} embedded, {facts['rejected']} rejected, {facts['waiting']} waiting"
        f"{'' if ended_well else '; ' + _cure(facts)}",
        numbers={name: facts[name] for name in ("embedded", "rejected", "waiting")},
    )
    pictures = facts["embedded"] + facts["rejected"] + facts["waiting"]
    accounted = sum(records[f"records_{name}"] for name in ("embedded", "refused", "changed", "known", "missing"))
    adds_up = pictures == facts["images"] and accounted == records["records"]
    yield _result(
        COUNTS_ADD_UP,
        passed=adds_up,
        text=f"{key}: {pictures} of {facts['images']} pictures and {accounted} of {records['records']} records "
        f"of the job are accounted for{'' if adds_up else _REPORT}",
        numbers={"pictures": pictures, "records": accounted},
        severity=dg.AssetCheckSeverity.ERROR,
    )
    distinct = min(pc.count_distinct(rows[name]).as_py() for name in ("record_id", "key"))
    yield _result(
        IDS_UNIQUE,
        passed=distinct == rows.num_rows,
        text=f"{key}: {distinct} distinct ids and keys in {rows.num_rows} rows"
        f"{'' if distinct == rows.num_rows else _REPORT}",
        numbers={"rows": rows.num_rows, "distinct": distinct},
        severity=dg.AssetCheckSeverity.ERROR,
    )
    yield _result(
        VECTORS_SOUND,
        passed=loaded.unsound_vectors == 0,
        text=f"{key}: {loaded.unsound_vectors} of {rows.num_rows} vectors are unsound"
        f"{'; they are NaN, infinite or zero, and cannot be found' + _REPORT if loaded.unsound_vectors else ''}",
        numbers={"vectors": rows.num_rows, "unsound": loaded.unsound_vectors},
        severity=dg.AssetCheckSeverity.ERROR,
    )


def _cure(facts: Mapping[str, Any]) -> str:
    if facts["last_job"].get("held"):
        return "mend the cause, then launch plan_and_submit by hand to send what is missing"
    if facts["remaining"]:
        return "what is missing is sent again by itself; batch_job says if it is held"
    return "nothing is missing"


def _result(
    name: str,
    *,
    passed: bool,
    text: str,
    numbers: Mapping[str, int] | None = None,
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.WARN,
) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=TABLE,
        check_name=name,
        passed=passed,
        severity=severity,
        description=text,
        metadata=counts(numbers or {}),
    )
