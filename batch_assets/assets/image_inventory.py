"""image_inventory: every object under the partition's prefix, and whether it can be embedded."""

from collections.abc import Iterator

import dagster as dg
import pyarrow.compute as pc
from dagster_aws.s3 import S3Resource

from batch_assets.assets.metadata import counts, preview, s3_link
from batch_assets.assets.node import node
from batch_assets.assets.pictures import Album, shown
from batch_assets.settings import Settings
from batch_assets.storage.listing import INVENTORY, foreign_manifests, list_prefix, listing_version
from batch_assets.storage.objects import S3Address
from batch_assets.storage.tables import TableOutput

CHECK = "prefix_has_pictures"


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
    )
    def image_inventory(
        context: dg.AssetExecutionContext, s3: S3Resource
    ) -> Iterator[dg.MaterializeResult[TableOutput]]:
        key = context.partition_key
        model = settings.space.model
        prefix = S3Address(settings.source_bucket, settings.template.prefix(key))
        client = s3.get_client()
        inventory = list_prefix(client, prefix, formats=model.formats, max_image_bytes=model.max_image_bytes)
        eligible = inventory.filter(inventory["eligible"])
        foreign, version = foreign_manifests(inventory), listing_version(inventory)
        sheet = Album(settings, client, key).contact_sheet(inventory)
        yield dg.MaterializeResult(
            value=TableOutput(
                inventory,
                {
                    "eligible": eligible.num_rows,
                    "foreign_manifests": foreign,
                    "listing_version": version,
                },
            ),
            data_version=dg.DataVersion(version),
            metadata={
                **shown(context, "image_inventory", sheet),
                **counts(
                    {
                        "images": inventory.num_rows,
                        "eligible": eligible.num_rows,
                        "ineligible": inventory.num_rows - eligible.num_rows,
                        "image_bytes": pc.sum(eligible["size"]).as_py() or 0,
                        "dagster/row_count": inventory.num_rows,
                    }
                ),
                "prefix": dg.MetadataValue.path(prefix.uri),
                "s3": s3_link(prefix.uri, settings.region),
                "preview": preview(inventory),
            },
            check_results=[
                dg.AssetCheckResult(
                    check_name=CHECK,
                    passed=eligible.num_rows > 0,
                    severity=dg.AssetCheckSeverity.WARN,
                    description=_verdict(key, prefix.uri, eligible.num_rows, inventory.num_rows, foreign),
                )
            ],
        )

    return image_inventory


def _verdict(key: str, uri: str, eligible: int, objects: int, foreign: list[str]) -> str:
    text = f"{key}: {eligible} of {objects} objects under {uri} can be embedded"
    if not objects:
        text += "; if pictures should be here, check BATCH_ASSETS_PREFIX_TEMPLATE and the upload"
    if foreign:
        text += (
            f"; {len(foreign)} foreign .jsonl files keep this folder from being submitted, the first is {foreign[0]!r}"
        )
    return text
