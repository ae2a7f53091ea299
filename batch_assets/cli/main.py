"""The command `batch-assets`."""

import sys
from typing import NoReturn

import typer

from batch_assets.cli.commands_on_demand import CommandsOnDemand

commands = typer.Typer(
    cls=CommandsOnDemand,
    name="batch-assets",
    epilog="Example: batch-assets demo",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    # Frames would break messages and examples in the middle of a line.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@commands.callback()
def batch_assets() -> None:
    """Pictures in S3, embedded in bulk by Amazon Bedrock, searchable in S3 Vectors."""


def app() -> NoReturn:
    """Run a command; what the project or AWS refuses is one message and exit code 1, wrong usage exit code 2."""
    try:
        commands()
    except Exception as error:
        # Wanted only here, and takes botocore.
        from batch_assets.refusals import FORESEEN  # noqa: PLC0415

        if not isinstance(error, FORESEEN):
            raise
        _explain(error)
        sys.exit(1)
    sys.exit(0)


def _explain(error: Exception) -> None:
    from rich.text import Text  # noqa: PLC0415 wanted only here

    from batch_assets.cli.terminal import console  # noqa: PLC0415
    from batch_assets.refusals import explanation  # noqa: PLC0415

    console(stderr=True).print(Text.assemble(("Error:", "bold red"), f" {explanation(error)}"), soft_wrap=True)
