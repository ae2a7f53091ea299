"""`batch-assets columns`: the tables and their columns."""

import json
from collections.abc import Mapping
from typing import Annotated, Any

import pyarrow as pa
import typer

from batch_assets.bedrock.budget import SPENDING
from batch_assets.spaces import NOVA_MULTIMODAL
from batch_assets.table_schemas import table_schemas


def command(
    *, as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead: the columns by table.")] = False
) -> None:
    """Print the reference of all table columns as Markdown tables.

    Example: batch-assets columns > columns.md
    """
    typer.echo(json.dumps(_as_json(), indent=2) + "\n" if as_json else reference(), nl=False)


def reference() -> str:
    """A section for each table: its columns, their Arrow types, whether they may be null, and what they mean."""
    return "\n".join(f"## {name}\n\n{_table(schema)}" for name, schema in _tables().items())


def _tables() -> Mapping[str, pa.Schema]:
    return {**table_schemas(NOVA_MULTIMODAL.dimensions[0]), "spending": SPENDING}


def _as_json() -> dict[str, list[dict[str, Any]]]:
    return {
        name: [
            {"column": field.name, "type": _type(field.type), "null": field.nullable, "meaning": _meaning(field)}
            for field in schema
        ]
        for name, schema in _tables().items()
    }


def _table(schema: pa.Schema) -> str:
    rows = ["| column | type | null | meaning |", "|---|---|---|---|"]
    rows += [
        f"| `{field.name}` | `{_type(field.type)}` | {'yes' if field.nullable else 'no'} | {_meaning(field)} |"
        for field in schema
    ]
    return "\n".join(rows) + "\n"


def _type(column: pa.DataType) -> str:
    """The Arrow type; the length of vectors is a setting."""
    if pa.types.is_fixed_size_list(column):
        return f"fixed_size_list<{column.value_type}>[dimension]"
    return str(column)


def _meaning(field: pa.Field) -> str:
    description: bytes = (field.metadata or {}).get(b"description", b"")
    return description.decode()
