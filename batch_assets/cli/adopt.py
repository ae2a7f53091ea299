"""`batch-assets adopt`: refill a Dagster instance from the tables."""

import os

from batch_assets.errors import BatchAssetsError


def command() -> None:
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
    from batch_assets.cli.terminal import console  # noqa: PLC0415
    from batch_assets.settings import load_settings  # noqa: PLC0415

    settings = load_settings()
    with dg.DagsterInstance.get() as instance:
        reported = Adoption(settings, instance, Clients(settings).tables).adopt()
    for asset, number in reported.items():
        console().print(f"{asset}: {number} materialisations reported")
