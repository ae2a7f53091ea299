"""`batch-assets status`: a row a partition."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from batch_assets.cli.clients import Clients
from batch_assets.cli.partition_status import InFlight, PartitionStatus, collect
from batch_assets.settings import load_settings


def command(
    *, as_json: Annotated[bool, typer.Option("--json", help="Print JSON: a list with an object a partition.")] = False
) -> None:
    """Show where each partition stands: pictures, to do, in flight, embedded, rejected, indexed.

    Example: batch-assets status --json
    """
    rows = collect(Clients(load_settings()))
    if as_json:
        typer.echo(json.dumps([asdict(row) for row in rows], indent=2))
    elif rows:
        Console().print(as_table(rows))
    else:
        Console().print("No partition has been listed yet: materialise image_inventory, or run plan_and_submit.")


def as_table(rows: Sequence[PartitionStatus]) -> Table:
    """The rows as a table for a terminal."""
    table = Table(box=None, header_style="bold")
    for name, justify in _COLUMNS:
        table.add_column(name, justify=justify)  # type: ignore[arg-type]  # rich wants the literal
    for row in rows:
        numbers = (row.images, row.to_do, row.embedded, row.rejected, row.indexed)
        table.add_row(row.partition, *(f"{number:,}" for number in numbers), _flight(row.in_flight), _note(row))
    return table


_COLUMNS = (
    ("partition", "left"),
    ("images", "right"),
    ("to do", "right"),
    ("embedded", "right"),
    ("rejected", "right"),
    ("indexed", "right"),
    ("in flight", "left"),
    ("state", "left"),
)


def _flight(flight: InFlight | None) -> str:
    return f"{flight.job} {flight.status} {flight.processed:,}/{flight.records:,}" if flight else ""


def _note(row: PartitionStatus) -> str:
    return f"{row.state}: {row.note}" if row.state in {"held", "refused", "queued", "listed"} else row.state
