"""The command `batch-assets`."""

import sys
from typing import NoReturn

import typer
from rich.text import Text

from batch_assets.cli import (
    adopt,
    demo,
    dev,
    estimate,
    jobs,
    reconcile,
    retry,
    sandbox,
    search,
    settings_reference,
    status,
)
from batch_assets.cli.refusals import FORESEEN, explanation
from batch_assets.cli.terminal import console
from batch_assets.errors import BatchAssetsError

commands = typer.Typer(
    name="batch-assets",
    help="Pictures in S3, embedded in bulk by Amazon Bedrock, searchable in S3 Vectors.",
    epilog="Example: batch-assets demo",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    # Frames would break messages and examples in the middle of a line.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
commands.command("demo")(demo.command)
commands.command("dev")(dev.command)
commands.command("sandbox")(sandbox.command)
commands.command("status")(status.command)
commands.command("search")(search.command)
commands.command("reconcile")(reconcile.command)
commands.command("retry")(retry.command)
commands.command("estimate")(estimate.command)
commands.add_typer(jobs.commands, name="jobs")
commands.command("adopt")(adopt.command)
commands.command("settings")(settings_reference.command)


def app() -> NoReturn:
    """Run a command; what the project or AWS refuses is one message and exit code 1, wrong usage exit code 2."""
    try:
        commands()
    except (BatchAssetsError, *FORESEEN) as error:
        console(stderr=True).print(Text.assemble(("Error:", "bold red"), f" {explanation(error)}"), soft_wrap=True)
        sys.exit(1)
    sys.exit(0)
