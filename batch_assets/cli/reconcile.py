"""`batch-assets reconcile`: what differs between tables, live index and source bucket, and mending the index."""

import json
from collections.abc import Iterator
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from batch_assets.cli.clients import Clients
from batch_assets.cli.completion import partition_keys
from batch_assets.cli.progress import shown_progress
from batch_assets.cli.terminal import console
from batch_assets.reconciliation.reconciler import Reconciler
from batch_assets.reconciliation.report import Report
from batch_assets.settings import load_settings
from batch_assets.vectors.differences import MEANINGS, MENDED_BY_PLAN, MENDED_HERE, Kind

DIFFERENCES_REMAIN = 3
"""Exit code."""


def command(
    *,
    repair: Annotated[bool, typer.Option("--repair", help="Mend the index and its tables from parquet.")] = False,
    partition: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY", autocompletion=partition_keys, help="Only this partition; may be given again."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: counts and examples by kind.")] = False,
) -> None:
    """Compare all tables with the live index and the source bucket.

    Costs no call of the model, with --repair neither. Exit code 0 when nothing differs or all is repaired, 3 when
    differences remain.

    Example: batch-assets reconcile --repair
    """
    settings = load_settings()
    clients = Clients(settings)
    with shown_progress(quiet=as_json) as progress:
        reconciler = Reconciler(settings, clients.s3, clients.s3vectors_unrepeated, clients.tables, progress=progress)
        report = reconciler.run(partitions=partition, repair=repair)
    if as_json:
        typer.echo(json.dumps(report.as_json(), indent=2))
    else:
        console().print(shown(report, repair=repair))
    if not report.settled:
        raise typer.Exit(DIFFERENCES_REMAIN)


def shown(report: Report, *, repair: bool) -> RenderableType:
    """The report for a terminal: what was compared, a row a kind that was found, and what to do next."""
    compared = f"{report.rows:,} rows of {report.partitions:,} partitions were compared with "
    live = f"{report.vectors:,} vectors" if report.index_exists else "no index: it does not exist"
    parts: list[RenderableType] = [Text(f"{compared}{live}.")]
    if report.found:
        parts += ["", _kinds(report)]
    notes = [*(f"{left.partition}: {left.reason}" for left in report.left_alone), *_advice(report, repair=repair)]
    return Group(*parts, *([""] if notes else []), *(Text(note) for note in notes))


def _kinds(report: Report) -> Table:
    table = Table(box=None, header_style="bold", padding=(0, 1, 0, 0), pad_edge=False)
    for name in ("kind", "found", "repaired", "what it is", "for example"):
        table.add_column(name, justify="right" if name in {"found", "repaired"} else "left", overflow="fold")
    for kind in Kind:
        if report.found[kind]:
            numbers = (f"{report.found[kind]:,}", f"{report.repaired[kind]:,}")
            table.add_row(kind.replace("_", " "), *numbers, MEANINGS[kind], Text(report.examples[kind][0]))
    return table


def _advice(report: Report, *, repair: bool) -> Iterator[str]:
    if not report.found and not report.left_alone:
        yield "Nothing differs."
    if not repair and any(report.found[kind] for kind in MENDED_HERE):
        yield "Add --repair to mend the index from the tables; it calls no model."
    if any(report.found[kind] for kind in MENDED_BY_PLAN):
        yield "Pictures that were deleted or overwritten are mended by the next plan: launch plan_and_submit."
    if report.found[Kind.FOREIGN]:
        yield "Foreign vectors are left as they are."
