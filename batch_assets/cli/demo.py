"""`batch-assets demo`: the whole pipeline on this machine, for real, from pictures in S3 to search results."""

import contextlib
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from batch_assets.cli.dagster_process import end_on_signals
from batch_assets.cli.demo_run import DemoRun, Summary
from batch_assets.cli.local_world import STAND_IN
from batch_assets.cli.status import as_table
from batch_assets.errors import BatchAssetsError

if TYPE_CHECKING:
    from batch_assets.sandbox.demo_pictures import FoundPictures

SPEED = 600.0
DAYS = 5


def command(
    *,
    images: Annotated[Path | None, typer.Option(help="A folder with at least 100 pictures of your own.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")] = False,
    html: Annotated[Path, typer.Option(help="Where to write the contact sheet.")] = Path("demo.html"),
    speed: Annotated[float, typer.Option(min=1, help="Seconds of a job's clock in one real second.")] = SPEED,
) -> None:
    """Run the whole pipeline on this machine: pictures in S3, batch jobs, sensors, tables, index, search.

    Starts the sandbox and a Dagster instance of its own in a temporary home; both are gone afterwards. Exit code 0
    means that every picture is accounted for.

    Example: batch-assets demo --images ~/Pictures
    """
    console = Console(stderr=as_json, highlight=False)
    end_on_signals()
    begun = time.monotonic()
    found = _own_pictures(images) if images is not None else None
    with _home(console) as home:
        run = DemoRun(home=home, speed=speed, days=DAYS, own=found, console=console, html=html)
        summary = run.execute(begun)
    if as_json:
        typer.echo(json.dumps(summary.as_dict(), indent=2))
    else:
        _show(console, summary, html)
    if not summary.complete:
        Console(stderr=True).print("[bold red]Not every picture is accounted for.[/]")
        sys.exit(1)


def _own_pictures(folder: Path) -> "FoundPictures":
    """The user's pictures, refused with exit code 2 before anything starts when they are too few."""
    from batch_assets.sandbox.demo_pictures import TooFewPicturesError, days_for, find_pictures  # noqa: PLC0415

    try:
        found = find_pictures(folder)
        days_for(len(found.files))
    except (NotADirectoryError, TooFewPicturesError) as error:
        raise typer.BadParameter(str(error), param_hint="--images") from error
    return found


@contextlib.contextmanager
def _home(console: Console) -> Iterator[Path]:
    """A temporary folder, removed when all went well and kept for a look when not."""
    home = Path(tempfile.mkdtemp(prefix="batch-assets-demo-"))
    try:
        yield home
    except (BatchAssetsError, OSError):
        console.print(f"The Dagster home is kept: {home}", soft_wrap=True)
        raise
    except BaseException:
        shutil.rmtree(home, ignore_errors=True)
        raise
    shutil.rmtree(home, ignore_errors=True)


def _show(console: Console, summary: Summary, html: Path) -> None:
    console.print()
    console.print(as_table(summary.partitions))
    for reason, number in sorted(summary.reasons.items()):
        console.print(f"  rejected {number:>3}  {reason}")
    console.print(
        f"\n[bold]{summary.images} pictures in {len(summary.partitions)} partitions: {summary.embedded} embedded, "
        f"{summary.rejected} rejected, {summary.indexed} indexed by {len(summary.jobs)} batch jobs in "
        f"{summary.seconds:.0f} seconds[/]"
    )
    console.print(f"jobs: {', '.join(summary.jobs)}")
    for search in summary.searches:
        console.print(f"\nnearest to {search.query}")
        for match in search.matches[:5]:
            console.print(f"  {match.distance:.4f}  {match.key}")
    console.print(f"\ncontact sheet: {html}\n{STAND_IN}", soft_wrap=True)
