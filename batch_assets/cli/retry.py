"""`batch-assets retry`: send refused pictures again, and lift holds."""

import json
from typing import Annotated

import typer

from batch_assets.cli.completion import partition_keys
from batch_assets.errors import BatchAssetsError


def command(
    *,
    partition: Annotated[
        list[str],
        typer.Option(metavar="KEY", autocompletion=partition_keys, help="Partition; may be given again."),
    ],
    key: Annotated[
        list[str] | None, typer.Option(metavar="S3_KEY", help="Only this picture; may be given again.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: what is to be sent again.")] = False,
) -> None:
    """Let refused pictures be sent again, and lift a hold.

    The request is taken up by the next plan of the partition. Without --key it stands for all pictures that the model
    refused, and for a hold after a job that was stopped or failed.

    Example: batch-assets retry --partition 2026/11/18
    """
    # Heavy, and only wanted here.
    from batch_assets.cli.clients import Clients  # noqa: PLC0415
    from batch_assets.cli.terminal import console  # noqa: PLC0415
    from batch_assets.settings import load_settings  # noqa: PLC0415
    from batch_assets.storage.requests import request_retry  # noqa: PLC0415

    tables = Clients(load_settings()).tables
    for name in partition:
        rejected = tables.partition("rejected_images", name).read(["key", "attempts"])
        refused = {row["key"] for row in rejected.to_pylist() if row["attempts"]} if rejected is not None else set()
        unknown = sorted(set(key or ()) - refused)
        if rejected is None or unknown:
            what = f"has no refused picture {unknown[0]!r}" if unknown else "was not loaded yet"
            raise BatchAssetsError(f"partition {name} {what}: see `batch-assets status` and the table rejected_images")
    for name in partition:
        request_retry(tables, name, key)
        if as_json:
            continue
        what = f"{len(key)} pictures" if key else "all refused pictures, and a hold if there is one"
        console().print(f"{name}: {what}: launch plan_and_submit, or wait for the schedule")
    if as_json:
        typer.echo(json.dumps([{"partition": name, "keys": key or "all"} for name in partition], indent=2))
