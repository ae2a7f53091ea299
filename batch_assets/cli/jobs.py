"""`batch-assets jobs`: live batch jobs, stopping those of this deployment, and giving up one whose output is lost."""

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from batch_assets.bedrock.jobs import BatchJob, stop_job
from batch_assets.cli.clients import Clients
from batch_assets.cli.completion import partition_keys
from batch_assets.cli.live_jobs import Live, OwnJob, look
from batch_assets.cli.lost_job import LostJob
from batch_assets.cli.terminal import console
from batch_assets.errors import JobError
from batch_assets.settings import load_settings

commands = typer.Typer(
    help="Show the live batch jobs, stop some, or give up a lost one.",
    epilog="Example: batch-assets jobs",
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode=None,
)


@commands.callback()
def show(
    context: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: own jobs, and how many others live.")] = False,
) -> None:
    """Show the live batch jobs, stop some, or give up a lost one.

    Jobs of others in the account count against the same quota, and are shown as a number alone.
    """
    if context.invoked_subcommand is not None:
        return
    live = look(Clients(load_settings()))
    if as_json:
        typer.echo(json.dumps({"jobs": [_as_json(own) for own in live.own], "others": len(live.others)}, indent=2))
        return
    if live.own:
        console().print(as_table(live.own))
    typer.echo(_summary(live))


@commands.command(epilog="Example: batch-assets jobs stop 2026/11/18")
def stop(
    names: Annotated[
        list[str],
        typer.Argument(metavar="NAME_OR_PARTITION", autocompletion=partition_keys, help="Jobs, by name or partition."),
    ],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: the jobs that are stopping.")] = False,
) -> None:
    """Stop live batch jobs of this deployment, never those of others.

    What was processed is billed, and is loaded when the job has stopped. The rest of the partition is then held until
    a person materialises batch_job.
    """
    clients = Clients(load_settings())
    chosen = chosen_jobs(look(clients), names)
    for own in chosen:
        typer.echo(
            f"{own.job.name} ({own.partition}) is {own.job.status}: {_progress(own)}, which are billed", err=as_json
        )
    if not yes:
        _confirm(f"Stop {len(chosen)} batch job{'s' if len(chosen) > 1 else ''}?", unless="stopped", err=as_json)
    for own in chosen:
        stop_job(clients.bedrock, own.job.arn)
        if not as_json:
            typer.echo(f"{own.job.name} is stopping: then what was processed is loaded, and the rest is held")
    if as_json:
        typer.echo(json.dumps([_as_json(own) for own in chosen], indent=2))


@commands.command(name="write-off", epilog="Example: batch-assets jobs write-off 2026/11/18")
def write_off_job(
    partition: Annotated[
        str, typer.Argument(metavar="PARTITION", autocompletion=partition_keys, help="Partition of the job.")
    ],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: the job, and what is lost.")] = False,
) -> None:
    """Give up an ended job whose output is gone for good, so that its pictures are sent, and paid for, again.

    Refused while there is output to be loaded. What the job has cost stays in the accounts and budgets.
    """
    lost = LostJob.of(Clients(load_settings()), partition)
    typer.echo(
        f"{lost.name} ({partition}) cannot be loaded: {lost.loss}; it has processed {lost.processed_records:,} records "
        f"for {lost.cost_usd:,.4f} USD, which are lost",
        err=as_json,
    )
    if not yes:
        _confirm("Write this job off?", unless="written off", err=as_json)
    lost.write_off()
    if as_json:
        told = {"records": lost.processed_records, "cost_usd": float(lost.cost_usd)}
        typer.echo(json.dumps({"partition": partition, "name": lost.name, **told}, indent=2))
    else:
        typer.echo(f"{lost.name} is written off: materialise embedding_table of {partition}, or launch its job `load`")


def chosen_jobs(live: Live, names: Sequence[str]) -> list[OwnJob]:
    """The jobs that are meant, each once. Raises `JobError`, for all at once, if one is not live or not ours."""
    chosen: dict[str, OwnJob] = {}
    problems: list[str] = []
    for name in names:
        meant = [own for own in live.own if name in {own.job.name, own.partition}]
        chosen.update({own.job.arn: own for own in meant})
        if any(name in {other.name, other.arn} for other in live.others):
            problems.append(f"{name} is not a job of this deployment")
        elif not meant:
            problems.append(f"no live job of this deployment is called {name} or embeds the partition {name}")
        problems += [f"{own.job.name} is stopping already" for own in meant if own.job.status == "Stopping"]
    if problems:
        raise JobError(f"{'; '.join(problems)}: nothing was stopped, see `batch-assets jobs`")
    return list(chosen.values())


def as_table(jobs: Sequence[OwnJob]) -> Table:
    """A row a job."""
    table = Table(box=None, header_style="bold", padding=(0, 1, 0, 0), pad_edge=False)
    for name in ("partition", "state", "records", "processed", "errors", "age", "name"):
        justify = "right" if name in {"records", "processed", "errors", "age"} else "left"
        table.add_column(name, justify=justify, overflow="fold")  # type: ignore[arg-type]  # rich wants the literal
    for own in jobs:
        job = own.job
        counts = (f"{number:,}" for number in (own.records, job.processed_records, job.error_records))
        table.add_row(own.partition, job.status, *counts, _span(_age(job)), Text(job.name))
    return table


def _as_json(own: OwnJob) -> dict[str, Any]:
    job = own.job
    return {
        "partition": own.partition,
        "name": job.name,
        "arn": job.arn,
        "state": job.status,
        "records": own.records,
        "processed": job.processed_records,
        "succeeded": job.success_records,
        "errors": job.error_records,
        "submitted_at": job.submitted_at.astimezone(UTC).isoformat(),
        "age_seconds": int(_age(job).total_seconds()),
    }


def _summary(live: Live) -> str:
    own = "No batch job of this deployment is live" if not live.own else f"{len(live.own)} live"
    return f"{own}; {len(live.others)} of others in the account count against the same quota."


def _progress(own: OwnJob) -> str:
    return f"{own.job.processed_records:,} of {own.records:,} records are processed"


def _age(job: BatchJob) -> timedelta:
    # A sandbox's clock may be ahead.
    return max(datetime.now(UTC) - job.submitted_at, timedelta(0))


def _span(age: timedelta) -> str:
    minutes = int(age.total_seconds()) // 60
    return f"{minutes // 60}:{minutes % 60:02d} h"


def _confirm(question: str, *, unless: str, err: bool) -> None:
    if not sys.stdin.isatty():
        raise typer.BadParameter("there is no terminal to ask on: add --yes", param_hint="--yes")
    if not typer.confirm(question, err=err):
        typer.echo(f"Nothing was {unless}.", err=err)
        raise typer.Exit(1)
