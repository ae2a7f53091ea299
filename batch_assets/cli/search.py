"""`batch-assets search`: by words or by a picture."""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from botocore.exceptions import ClientError
from rich.table import Table
from rich.text import Text

from batch_assets.bedrock.on_demand import Vector, embed_image, embed_text
from batch_assets.cli.clients import Clients
from batch_assets.cli.completion import partition_keys
from batch_assets.cli.files import in_existing_folder
from batch_assets.cli.terminal import console
from batch_assets.errors import PartitionError
from batch_assets.partition_ranges import first_moment, last_moment
from batch_assets.pictures.contact_sheet import Tile, contact_sheet
from batch_assets.settings import Settings, load_settings
from batch_assets.storage.objects import S3Address, explained
from batch_assets.vectors.all_indexes import search_deployment
from batch_assets.vectors.search import MAX_TOP_K, Criteria, Match

_THREADS = 8


def command(
    *,
    text: Annotated[str | None, typer.Option(metavar="WORDS", help="Words to search with.")] = None,
    image: Annotated[
        str | None, typer.Option(metavar="FILE_OR_S3_URI", help="Picture to search with: a file or an s3:// URI.")
    ] = None,
    top_k: Annotated[int, typer.Option(metavar="NUMBER", min=1, max=MAX_TOP_K, help="How many results.")] = 10,
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
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: a list of matches.")] = False,
    html: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            dir_okay=False,
            callback=in_existing_folder,
            help="Also write a contact sheet with the pictures.",
        ),
    ] = None,
) -> None:
    """Find the nearest pictures by words or by a picture.

    Distances are cosine distances: 0 is the same direction, 2 the opposite.

    Example: batch-assets search --text "red flower" --since 2026-11-01
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
    console().print(as_table(matches) if matches else "Nothing was found.")
    if html is not None:
        typer.echo(f"\ncontact sheet: {html}")


def find(clients: Clients, vector: Vector, *, top_k: int, criteria: Criteria | None = None) -> list[Match]:
    """The nearest pictures of the deployment's indexes."""
    return list(search_deployment(clients.s3vectors, clients.settings, vector=vector, top_k=top_k, criteria=criteria))


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
            raise typer.BadParameter(f"{where} cannot be read: {error.strerror}", param_hint="--image") from error
    return embed_image(clients.bedrock_runtime, clients.settings.space, name=where, data=data)


def chosen_partitions(
    settings: Settings, partitions: Sequence[str], *, since: str | None, until: str | None
) -> tuple[str, ...] | None:
    """The partition keys that a search is narrowed to, or None for all.

    Raises:
        typer.BadParameter: What was given is no key and no date, or the range is empty.
    """
    key_format = settings.template.key_format
    with _named_by("--partition"):
        named = dict.fromkeys(first_moment(settings, key).strftime(key_format) for key in partitions)
    if since is None and until is None:
        return tuple(named) or None
    now = datetime.now(ZoneInfo(settings.timezone)).replace(tzinfo=None)
    with _named_by("--since"):
        first = first_moment(settings, since or settings.first_partition)
    with _named_by("--until"):
        last = last_moment(settings, until) if until else now
    if until and last < first:
        raise typer.BadParameter(f"{since or settings.first_partition} is after {until}", param_hint="--since")
    step = timedelta(hours=1) if settings.template.granularity == "hourly" else timedelta(days=1)
    moments = (first + number * step for number in range((min(last, now) - first) // step + 1))
    keys = dict.fromkeys(moment.strftime(key_format) for moment in moments)
    return tuple(key for key in keys if not named or key in named)


@contextmanager
def _named_by(option: str) -> Iterator[None]:
    """Tell what is no key and no date as wrong usage of an option."""
    try:
        yield
    except PartitionError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error


def as_table(matches: Sequence[Match]) -> Table:
    """Matches as a table for a terminal, nearest first."""
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0), pad_edge=False)
    for name, justify in (("#", "right"), ("distance", "right"), ("picture", "left")):
        table.add_column(name, justify=justify, overflow="fold")  # type: ignore[arg-type]  # rich wants the literal
    for number, match in enumerate(matches, start=1):
        table.add_row(str(number), f"{match.distance:.4f}", Text(printable(match.key)))
    return table


def printable(key: str) -> str:
    """A key as it is, or, with control characters in it, escaped as in Python."""
    return key if key.isprintable() else key.encode("unicode_escape").decode("ascii")


def sheet(clients: Clients, title: str, matches: Sequence[Match], *, note: str = "") -> str:
    """A contact sheet of the matches with their pictures."""
    with ThreadPoolExecutor(_THREADS) as pool:
        pictures = pool.map(lambda match: _picture(clients.s3, match), matches)
        tiles = [
            Tile(match.key, data, match.distance, note=str(match.metadata.get("partition", "")))
            for match, data in zip(matches, pictures, strict=True)
        ]
    where = f"{clients.settings.index_name} in {clients.settings.vector_bucket}"
    return contact_sheet(title, tiles, note=f"{where}. {note}" if note else where)


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
