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
from rich.text import Text

from batch_assets.cli.clients import Clients
from batch_assets.cli.dagster_process import end_on_signals
from batch_assets.cli.files import in_existing_folder
from batch_assets.cli.gallery_server import GalleryServer
from batch_assets.cli.local_world import STAND_IN
from batch_assets.cli.sandbox import require_installed
from batch_assets.cli.search import printable
from batch_assets.cli.status import report
from batch_assets.cli.terminal import console
from batch_assets.errors import BatchAssetsError

if TYPE_CHECKING:
    from batch_assets.cli.demo_run import Summary
    from batch_assets.sandbox.demo_pictures import FoundPictures

SPEED = 600.0
DAYS = 5


def command(
    *,
    images: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Pictures of your own instead of the demo's.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")] = False,
    html: Annotated[
        Path,
        typer.Option(
            metavar="FILE", dir_okay=False, callback=in_existing_folder, help="Where to write the contact sheet."
        ),
    ] = Path("demo.html"),
    speed: Annotated[
        float, typer.Option(metavar="NUMBER", min=1, help="Seconds of a job's clock in one real second.")
    ] = SPEED,
    gallery: Annotated[
        bool, typer.Option("--gallery", help="Then serve the search page over the pictures, until Ctrl-C.")
    ] = False,
) -> None:
    """Run the whole pipeline on this machine.

    Pictures in S3, batch jobs, sensors, tables, index, search: with the sandbox and a Dagster instance of its own in a
    temporary home; both are gone afterwards. Exit code 0 means that every picture is accounted for.

    Example: batch-assets demo --images ~/Pictures
    """
    # Heavy, and only wanted here.
    from batch_assets.cli.demo_run import DemoRun  # noqa: PLC0415

    require_installed()
    found = _own_pictures(images) if images is not None else None
    terminal = console(stderr=as_json)
    end_on_signals()
    begun = time.monotonic()

    def tell(summary: "Summary", clients: Clients) -> None:
        if as_json:
            typer.echo(json.dumps(summary.as_dict(), indent=2))
        else:
            _show(terminal, summary, html)
        if gallery:
            _serve(terminal, clients)

    with _home(terminal) as home:
        run = DemoRun(home=home, speed=speed, days=DAYS, own=found, console=terminal, html=html, quiet=as_json)
        summary = run.execute(begun, tell)
    if not summary.complete:
        console(stderr=True).print("[bold red]Error:[/] not every picture is embedded and indexed, or rejected")
        sys.exit(1)


def _own_pictures(folder: Path) -> "FoundPictures":
    """The user's pictures, refused with exit code 2 before anything starts when there is none."""
    from batch_assets.sandbox.demo_pictures import TooFewPicturesError, days_for, find_pictures  # noqa: PLC0415

    try:
        found = find_pictures(folder)
        days_for(len(found.files))
    except (NotADirectoryError, TooFewPicturesError) as error:
        raise typer.BadParameter(str(error), param_hint="--images") from error
    return found


@contextlib.contextmanager
def _home(terminal: Console) -> Iterator[Path]:
    """A temporary folder, removed when all went well and kept for a look when not."""
    home = Path(tempfile.mkdtemp(prefix="batch-assets-demo-"))
    try:
        yield home
    except (BatchAssetsError, OSError):
        terminal.print(f"The Dagster home is kept: {home}", soft_wrap=True)
        raise
    except BaseException:
        shutil.rmtree(home, ignore_errors=True)
        raise
    shutil.rmtree(home, ignore_errors=True)


def _show(terminal: Console, summary: "Summary", html: Path) -> None:
    terminal.print()
    terminal.print(report(summary.partitions))
    how = f"by {_count(len(summary.jobs), 'batch job')}" if summary.jobs else "on demand"
    terminal.print(
        f"\n[bold]{summary.images} pictures in {_count(len(summary.partitions), 'partition')}: {summary.embedded} "
        f"embedded, {summary.rejected} rejected, {summary.indexed} indexed {how} "
        f"in {summary.seconds:.0f} seconds[/]"
    )
    if summary.jobs:
        terminal.print(f"jobs: {', '.join(summary.jobs)}")
    for search in summary.searches:
        terminal.print(Text(f"\nnearest to {search.query}"), soft_wrap=True)
        for match in search.matches[:5]:
            terminal.print(Text(f"  {match.distance:.4f}  {printable(match.key)}"), soft_wrap=True)
    terminal.print(Text(f"\ncontact sheet: {html}"), soft_wrap=True)
    terminal.print(STAND_IN)


def _serve(terminal: Console, clients: Clients) -> None:
    with GalleryServer.of(clients, port=0, note=STAND_IN) as server:
        terminal.print(f"\nsearch page: {server.url} until Ctrl-C", soft_wrap=True)
        server.run()


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
