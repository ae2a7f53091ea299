"""How rows, objects and amounts are shown in the web UI.

Assets hand their metadata to `context.add_asset_metadata`: what stands in a `MaterializeResult` is stored twice, with
the step's output and with the materialisation.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import dagster as dg
import pyarrow as pa

PREVIEW_ROWS = 8
_PREVIEW_LETTERS = 120
_ERROR = dg.AssetCheckSeverity.ERROR


def columns(schema: pa.Schema) -> dict[str, dg.TableSchema]:
    """Metadata of an asset's definition: its columns, as the web UI shows them, with their descriptions."""
    return {"dagster/column_schema": _column_schema(schema)}


def _column_schema(schema: pa.Schema) -> dg.TableSchema:
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=field.name,
                type=str(field.type),
                description=(field.metadata or {}).get(b"description", b"").decode() or None,
                constraints=dg.TableColumnConstraints(nullable=field.nullable),
            )
            for field in schema
        ]
    )


def preview(table: pa.Table, columns: Sequence[str] | None = None) -> dg.TableMetadataValue:
    """The first rows of a table, without vectors or as the named columns; long texts are cut."""
    names = columns or [field.name for field in table.schema if not pa.types.is_fixed_size_list(field.type)]
    chosen = table.select(names)
    rows = chosen.slice(0, PREVIEW_ROWS).to_pylist()
    records = [dg.TableRecord({name: _cell(value) for name, value in row.items()}) for row in rows]
    # What a column means stands once, in the asset's own column schema, and not in each partition's event.
    schema = dg.TableSchema([dg.TableColumn(field.name, str(field.type)) for field in chosen.schema])
    return dg.MetadataValue.table(records=records, schema=schema)


def usd(amount: Decimal | float) -> dg.FloatMetadataValue:
    """An amount of US dollars; a number, so that it plots over partitions."""
    return dg.MetadataValue.float(round(float(amount), 8))


def s3_link(uri: str, region: str) -> dg.UrlMetadataValue:
    """A link to an object or a folder in the S3 console."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    page = "buckets" if key.endswith("/") or not key else "object"
    return dg.MetadataValue.url(
        f"https://s3.console.aws.amazon.com/s3/{page}/{bucket}?region={region}&prefix={quote(key)}"
    )


def counts(values: Mapping[str, int]) -> dict[str, dg.IntMetadataValue]:
    """Counts as numbers, so that they plot over partitions."""
    return {name: dg.MetadataValue.int(value) for name, value in values.items()}


def failed_checks(results: Iterable[dg.AssetCheckResult]) -> dict[str, list[str]]:
    """The names of checks that failed as errors, for the materialisation: a check itself forgets other partitions."""
    failed = [str(result.check_name) for result in results if not result.passed and result.severity == _ERROR]
    return {"failed_checks": failed} if failed else {}


def _cell(value: Any) -> str | int | float | bool | None:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    text = str(value)
    return text if len(text) <= _PREVIEW_LETTERS else text[: _PREVIEW_LETTERS - 1] + "…"
