"""`batch-assets gallery`: the search page."""

import re
from typing import Annotated

import typer

from batch_assets.cli.clients import Clients
from batch_assets.cli.dagster_process import end_on_signals
from batch_assets.cli.gallery_server import GalleryServer
from batch_assets.settings import load_settings

PORT = 8000
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def _dagster_address(value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"https?://[^/\s?#]+(/[^\s?#]*)?", value):
        raise typer.BadParameter("write the address of Dagster's web UI, such as http://127.0.0.1:3000")
    return value.rstrip("/") if value else None


def command(
    *,
    port: Annotated[
        int, typer.Option(metavar="NUMBER", min=0, max=65535, help="Port of the page; 0 picks a free one.")
    ] = PORT,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Address to listen on; others than loopback let everybody search.")
    ] = _LOOPBACK[0],
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A name that the page is reached by; may be given again."),
    ] = None,
    dagster_url: Annotated[
        str | None,
        typer.Option(metavar="URL", callback=_dagster_address, help="Dagster's web UI, to link pictures to."),
    ] = None,
    note: Annotated[str | None, typer.Option(metavar="TEXT", help="A line that the page shows.")] = None,
) -> None:
    """Serve the search page.

    Search by words, by a picture of yours, or by any picture that is shown; near-duplicates, and a map of everything.
    The page only reads, and shows thumbnails of the deployment's pictures. It runs until Ctrl-C.

    Example: batch-assets gallery --port 8000 --dagster-url http://127.0.0.1:3000
    """
    end_on_signals()
    server = GalleryServer.of(
        Clients(load_settings()), port=port, host=host, names=allow_host or [], dagster_url=dagster_url, note=note
    )
    with server:
        typer.echo(server.url)
        if host not in _LOOPBACK:
            typer.echo(
                f"{host} is no loopback address: whoever reaches it can search, at your account's cost", err=True
            )
        server.run()
