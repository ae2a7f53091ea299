"""The command `batch-assets`."""

import sys
from typing import NoReturn

import typer
from rich.console import Console

from batch_assets.cli import demo, dev, sandbox, search, settings_reference, status
from batch_assets.errors import BatchAssetsError

commands = typer.Typer(
    name="batch-assets",
    help="Pictures in S3, embedded in bulk by Amazon Bedrock, searchable in S3 Vectors.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
commands.command("demo")(demo.command)
commands.command("dev")(dev.command)
commands.command("sandbox")(sandbox.command)
commands.command("status")(status.command)
commands.command("search")(search.command)
commands.command("settings")(settings_reference.command)


def app() -> NoReturn:
    """Run a command; what the project refuses is one message and exit code 1, wrong usage exit code 2."""
    try:
        commands()
    except BatchAssetsError as error:
        Console(stderr=True, soft_wrap=True, highlight=False).print(f"[bold red]error:[/] {_escaped(str(error))}")
        sys.exit(1)
    sys.exit(0)


def _escaped(text: str) -> str:
    return text.replace("[", r"\[")
