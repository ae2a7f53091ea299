"""`batch-assets estimate`: what is still to be embedded, and what that would cost."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from batch_assets.cli.clients import Clients
from batch_assets.cli.completion import partition_keys
from batch_assets.cli.partition_estimate import Estimate, estimates, total
from batch_assets.cli.progress import shown_progress
from batch_assets.cli.search import chosen_partitions
from batch_assets.cli.terminal import console
from batch_assets.settings import load_settings


def command(
    *,
    partition: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY", autocompletion=partition_keys, help="Only this partition; may be given again."),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="KEY_OR_DATE", autocompletion=partition_keys, help="Only partitions from this key or date on."
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            metavar="KEY_OR_DATE",
            autocompletion=partition_keys,
            help="Only partitions up to this key or date, included.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: partitions, and the total.")] = False,
) -> None:
    """Show what it would cost to embed what is missing.

    Lists the pictures as they lie in S3 now, from the first partition to the present one, and submits and writes
    nothing. Partitions without pictures are left out.

    Example: batch-assets estimate --since 2026-11-01
    """
    settings = load_settings()
    named = chosen_partitions(settings, partition or [], since=since, until=until)
    keys = named if named is not None else chosen_partitions(settings, [], since=settings.first_partition, until=None)
    with shown_progress(quiet=as_json) as progress:
        estimated = estimates(Clients(settings), keys or (), progress)
    found = [one for one in estimated if one.pictures or partition]
    if as_json:
        typer.echo(json.dumps({"partitions": [asdict(one) for one in found], "total": _as_total(found)}, indent=2))
    elif found:
        console().print(as_table(found))
    else:
        typer.echo(f"There are no pictures in the {len(keys or ())} partitions that were looked at.")


def as_table(found: Sequence[Estimate]) -> Table:
    """A row a partition and the total, costs in US dollars."""
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0), pad_edge=False)
    for name in ("partition", "pictures", "to embed", "jobs", "cost USD", "all on demand USD"):
        table.add_column(name, justify="left" if name == "partition" else "right", overflow="fold")
    for one in [*found, total(found)]:
        counts = (f"{number:,}" for number in (one.pictures, one.records, one.jobs))
        table.add_row(one.partition, *counts, f"{one.cost_usd:,.4f}", f"{one.on_demand_cost_usd:,.4f}")
    return table


def _as_total(found: Sequence[Estimate]) -> dict[str, float]:
    return {name: value for name, value in asdict(total(found)).items() if name != "partition"}
