"""image_inventory: every object under the partition's prefix, and whether it can be embedded."""

from collections.abc import Iterator

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc
from dagster_aws.s3 import S3Resource

from batch_assets.assets.metadata import counts, preview, s3_link
from batch_assets.assets.node import node
from batch_assets.assets.picture_source import PictureSource
from batch_assets.assets.pictures import Album, shown
from batch_assets.settings import Settings
from batch_assets.storage.io_manager import TablesResource
from batch_assets.storage.listing import INVENTORY
from batch_assets.storage.objects import S3Address
from batch_assets.storage.tables import TableOutput

CHECK = "prefix_has_pictures"
REPORT_POOL = "inventory_report"
"""One run at a time: the first divides a new report, the others find it divided."""


def build(settings: Settings) -> dg.AssetsDefinition:
    """The asset for one deployment's settings."""

    @node(
        settings,
        name="image_inventory",
        description="Every object under the date prefix: key, size, ETag, format, and whether it can be embedded.",
        check_specs=[dg.AssetCheckSpec(CHECK, asset="image_inventory", description="The prefix holds pictures.")],
        kinds={"s3", "parquet"},
        code_version="1",
        schema=INVENTORY,
        pool=REPORT_POOL if settings.inventory_report else None,
    )
    def image_inventory(
        context: dg.AssetExecutionContext, s3: S3Resource, tables: TablesResource
    ) -> Iterator[dg.MaterializeResult[TableOutput]]:
        key = context.partition_key
        prefix = S3Address(settings.source_bucket, settings.template.prefix(key))
        client = s3.get_client()
        taken = PictureSource(settings, client, tables.store()).take(key)
        inventory, facts = taken.rows, taken.facts
        eligible = inventory.filter(inventory["eligible"])
        sheet = Album(settings, client, key).contact_sheet(inventory)
        context.add_asset_metadata(
            {
                **shown(sheet),
                **counts(
                    {
                        "images": inventory.num_rows,
                        "eligible": eligible.num_rows,
                        "ineligible": inventory.num_rows - eligible.num_rows,
                        "image_bytes": pc.sum(eligible["size"]).as_py() or 0,
                        "dagster/row_count": inventory.num_rows,
                    }
                ),
                "origin": taken.origin,
                "prefix": dg.MetadataValue.path(prefix.uri),
                "s3": s3_link(prefix.uri, settings.region),
                "preview": preview(inventory),
            }
        )
        yield dg.MaterializeResult(
            value=TableOutput(inventory, {"eligible": eligible.num_rows, **facts}),
            data_version=dg.DataVersion(facts["listing_version"]),
            check_results=[
                dg.AssetCheckResult(
                    check_name=CHECK,
                    passed=eligible.num_rows > 0,
                    severity=dg.AssetCheckSeverity.WARN,
                    description=_verdict(key, prefix.uri, inventory, facts["foreign_manifests"]),
                )
            ],
        )

    return image_inventory


def _verdict(key: str, uri: str, inventory: pa.Table, foreign: list[str]) -> str:
    eligible = pc.sum(inventory["eligible"]).as_py() or 0
    text = f"{key}: {eligible} of {inventory.num_rows} objects under {uri} can be embedded"
    if not inventory.num_rows:
        text += "; if pictures should be here, check BATCH_ASSETS_PREFIX_TEMPLATE and the upload"
    elif not eligible:
        reasons = pc.value_counts(inventory["reason"].combine_chunks()).to_pylist()
        told = ", ".join(f"{reason['counts']} {reason['values']}" for reason in reasons)
        text += (
            f"; the reasons are {told}: see rejected_images after the load, and upload pictures that the model takes"
        )
    if foreign:
        text += (
            f"; {len(foreign)} foreign .jsonl files keep this folder from being submitted, the first is "
            f"{foreign[0]!r}: move them elsewhere, then launch plan_and_submit again"
        )
    return text
