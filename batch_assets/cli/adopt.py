"""`batch-assets adopt`: refill a Dagster instance from the tables."""

import json
import os
from typing import Annotated

import typer

from batch_assets.errors import BatchAssetsError


def command(
    *, as_json: Annotated[bool, typer.Option("--json", help="Print JSON: what was reported, by asset.")] = False
) -> None:
    """Tell the Dagster instance what the tables in S3 hold.

    For an instance that is new or has lost its storage: its sensors then know which jobs are in flight and what is
    loaded, and nothing is paid again. Adopting twice does no harm. Needs DAGSTER_HOME.

    Example: batch-assets adopt
    """
    if not os.environ.get("DAGSTER_HOME"):
        raise BatchAssetsError("DAGSTER_HOME is not set: name the folder of the instance that is to be refilled")
    # Heavy, and only wanted here.
    import dagster as dg  # noqa: PLC0415

    from batch_assets.automation.adoption import Adoption  # noqa: PLC0415
    from batch_assets.cli.clients import Clients  # noqa: PLC0415
    from batch_assets.cli.progress import shown_progress  # noqa: PLC0415
    from batch_assets.cli.terminal import console  # noqa: PLC0415
    from batch_assets.settings import load_settings  # noqa: PLC0415

    settings = load_settings()
    with dg.DagsterInstance.get() as instance, shown_progress(quiet=as_json) as progress:
        reported = Adoption(settings, instance, Clients(settings).tables, progress).adopt()
    if as_json:
        typer.echo(json.dumps(reported, indent=2))
        return
    for asset, number in reported.items():
        console().print(f"{asset}: {number} materialisations reported")
