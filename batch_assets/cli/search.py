"""`batch-assets search`: by words or by a picture."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from botocore.exceptions import ClientError
from rich.console import Console
from rich.table import Table

from batch_assets.bedrock.on_demand import Vector, embed_image, embed_text
from batch_assets.cli.clients import Clients
from batch_assets.cli.contact_sheet import Tile, contact_sheet
from batch_assets.errors import PartitionError, SearchError
from batch_assets.settings import Settings, load_settings
from batch_assets.storage.objects import S3Address, explained
from batch_assets.vectors.search import Criteria, Match
from batch_assets.vectors.search import search as query

_THREADS = 8


def command(
    *,
    text: Annotated[str | None, typer.Option(help="Words to search with.")] = None,
    image: Annotated[str | None, typer.Option(help="Picture to search with: a file or an s3:// URI.")] = None,
    top_k: Annotated[int, typer.Option(min=1, max=10_000, help="How many results.")] = 10,
    partition: Annotated[list[str] | None, typer.Option(help="Only this partition; may be given again.")] = None,
    since: Annotated[str | None, typer.Option(help="Only partitions from this key or date on.")] = None,
    until: Annotated[str | None, typer.Option(help="Only partitions up to this key or date, included.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: a list of matches.")] = False,
    html: Annotated[Path | None, typer.Option(help="Also write a contact sheet with the pictures.")] = None,
) -> None:
    """Find the nearest pictures by words or by a picture.

    Example: batch-assets search --text "red flower" --top-k 20 --since 2026/11/01 --html found.html
    """
    if (text is None) == (image is None):
        raise typer.BadParameter("give either --text or --image")
    settings = load_settings()
    clients = Clients(settings)
    criteria = Criteria(partitions=chosen_partitions(settings, partition or [], since=since, until=until))
    vector = _text_vector(clients, text) if text is not None else image_vector(clients, str(image))
    matches = find(clients, vector, top_k=top_k, criteria=criteria)
    if html is not None:
        html.write_text(sheet(clients, text or str(image), matches), encoding="utf-8")
    if as_json:
        typer.echo(json.dumps([asdict(match) for match in matches], indent=2))
        return
    console = Console()
    console.print(as_table(matches) if matches else "Nothing was found.")
    if html is not None:
        console.print(f"Contact sheet: {html}", soft_wrap=True)


def find(clients: Clients, vector: Vector, *, top_k: int, criteria: Criteria | None = None) -> list[Match]:
    """The nearest pictures of the deployment's index."""
    settings = clients.settings
    return query(
        clients.s3vectors,
        bucket=settings.vector_bucket,
        index=settings.index_name,
        vector=vector,
        top_k=top_k,
        criteria=criteria,
    )


def _text_vector(clients: Clients, text: str) -> Vector:
    return embed_text(clients.bedrock_runtime, clients.settings.space, text)


def image_vector(clients: Clients, where: str) -> Vector:
    """The query vector of a file or an S3 object."""
    if where.startswith("s3://"):
        address = S3Address.parse(where)
        with explained(where):
            data = clients.s3.get_object(Bucket=address.bucket, Key=address.key)["Body"].read()
    else:
        try:
            data = Path(where).read_bytes()
        except OSError as error:
            raise SearchError(f"{where} cannot be read: {error.strerror}") from error
    return embed_image(clients.bedrock_runtime, clients.settings.space, name=where, data=data)


def chosen_partitions(
    settings: Settings, partitions: Sequence[str], *, since: str | None, until: str | None
) -> tuple[str, ...] | None:
    """The partition keys that a search is narrowed to, or None for all. Raises `SearchError` for keys that are none."""
    for key in partitions:
        _moment(settings, key)
    if since is None and until is None:
        return tuple(partitions) or None
    first = _moment(settings, since or settings.first_partition)
    last = _moment(settings, until) if until else datetime.now().astimezone().replace(tzinfo=None)
    keys: dict[str, None] = {}
    moment = first
    while moment <= last:
        keys[moment.strftime(settings.template.key_format)] = None
        moment += timedelta(hours=1) if settings.template.granularity == "hourly" else timedelta(days=1)
    return tuple(key for key in keys if not partitions or key in partitions)


def _moment(settings: Settings, text: str) -> datetime:
    try:
        return settings.template.moment(text)
    except PartitionError:
        try:
            return datetime.fromisoformat(text).replace(tzinfo=None)
        except ValueError as error:
            form = settings.template.key_format
            raise SearchError(f"{text!r} is no partition key of the form {form} and no date like 2026-11-01") from error


def as_table(matches: Sequence[Match]) -> Table:
    """Matches as a table for a terminal, nearest first."""
    table = Table(box=None, header_style="bold")
    for name, justify in (("#", "right"), ("distance", "right"), ("partition", "left"), ("picture", "left")):
        table.add_column(name, justify=justify, overflow="fold")  # type: ignore[arg-type]  # rich wants the literal
    for number, match in enumerate(matches, start=1):
        key = match.key.encode("unicode_escape").decode("ascii") if not match.key.isprintable() else match.key
        table.add_row(
            str(number), f"{match.distance:.4f}", str(match.metadata.get("partition", "")), key.replace("[", r"\[")
        )
    return table


def sheet(clients: Clients, title: str, matches: Sequence[Match]) -> str:
    """A contact sheet of the matches with their pictures."""
    with ThreadPoolExecutor(_THREADS) as pool:
        pictures = pool.map(lambda match: _picture(clients.s3, match), matches)
        tiles = [
            Tile(match.key, data, match.distance, note=str(match.metadata.get("partition", "")))
            for match, data in zip(matches, pictures, strict=True)
        ]
    return contact_sheet(title, tiles, note=f"{clients.settings.index_name} in {clients.settings.vector_bucket}")


def _picture(s3: Any, match: Match) -> bytes | None:
    address = S3Address.parse(str(match.metadata["s3_uri"]))
    try:
        body = s3.get_object(Bucket=address.bucket, Key=address.key)["Body"]
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:  # noqa: PLR2004 deleted since it was indexed
            return None
        raise
    data: bytes = body.read()
    return data
