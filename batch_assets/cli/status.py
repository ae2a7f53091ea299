"""`batch-assets status`: a row a partition."""

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from batch_assets.cli.clients import Clients
from batch_assets.cli.partition_status import PartitionStatus, Reason, collect
from batch_assets.cli.progress import shown_progress
from batch_assets.cli.terminal import console
from batch_assets.settings import load_settings


def command(
    *, as_json: Annotated[bool, typer.Option("--json", help="Print JSON: a list with an object a partition.")] = False
) -> None:
    """Show where each partition stands.

    A row a partition: pictures, to do, in flight, embedded, rejected, indexed, US dollars paid for loaded jobs; below,
    their total, what is waited for, and why pictures were rejected.

    Example: batch-assets status --json
    """
    with shown_progress(quiet=as_json) as progress:
        rows = collect(Clients(load_settings()), progress)
    if as_json:
        typer.echo(json.dumps([asdict(row) for row in rows], indent=2))
    elif rows:
        console().print(report(rows))
    else:
        typer.echo("No partition has been listed yet: launch the job plan_and_submit for one in Dagster.")


def report(rows: Sequence[PartitionStatus]) -> RenderableType:
    """The rows as a table for a terminal, and below it what they wait for and why pictures were rejected."""
    notes = [*_notes(rows), *_rejections(row.reasons for row in rows)]
    return Group(_table(rows), "", _paid(rows), *notes)


_COLUMNS = ("partition", "images", "to do", "in flight", "embedded", "rejected", "indexed", "USD", "state")


def _table(rows: Sequence[PartitionStatus]) -> Table:
    table = Table(box=None, header_style="bold", padding=(0, 1, 0, 0), pad_edge=False)
    for name in _COLUMNS:
        justify = "left" if name in {"partition", "state"} else "right"
        table.add_column(name, justify=justify, overflow="fold")  # type: ignore[arg-type]  # rich wants the literal
    for row in rows:
        flying = row.in_flight.pictures if row.in_flight else 0
        numbers = (row.images, row.to_do, flying, row.embedded, row.rejected, row.indexed)
        table.add_row(row.partition, *(f"{number:,}" for number in numbers), f"{row.cost_usd:,.4f}", _state(row))
    return table


def _paid(rows: Sequence[PartitionStatus]) -> str:
    """What all partitions together have cost."""
    return f"paid for loaded jobs: {math.fsum(row.cost_usd for row in rows):,.4f} USD"


def _state(row: PartitionStatus) -> str:
    return row.in_flight.status if row.in_flight else row.state.replace("_", " ")


def _notes(rows: Sequence[PartitionStatus]) -> Iterator[RenderableType]:
    """What partitions wait for, neighbours with one note together."""
    for note, group in groupby(rows, _note):
        keys = [row.partition for row in group]
        if note:
            span = keys[0] if len(keys) == 1 else f"{keys[0]} to {keys[-1]} ({len(keys)})"
            yield _hanging(f"{span}:", note)


def _note(row: PartitionStatus) -> str:
    flight = row.in_flight
    if flight is None:
        return f"{row.state}: {row.note}" if row.note else ""
    return f"job {flight.job} is {flight.status}, {flight.processed:,} of {flight.records:,} records processed"


def _rejections(found: Iterable[Sequence[Reason]]) -> Iterator[RenderableType]:
    """One line a reason over all partitions, the most frequent first."""
    total: dict[str, Reason] = {}
    for reason in (reason for reasons in found for reason in reasons):
        before = total.get(reason.code)
        total[reason.code] = reason.and_more(before.images) if before else reason
    for reason in sorted(total.values(), key=lambda reason: (-reason.images, reason.code)):
        yield _hanging(f"rejected {reason.images:,}:", f"{reason.message} ({reason.code})")


def _hanging(head: str, text: str) -> Table:
    """A line whose continuation stands below its text, not below its head."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(Text(head), Text(text))
    return grid
