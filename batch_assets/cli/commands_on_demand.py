"""The commands by name; one is imported when it is called, so that none waits for what another needs."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup


@dataclass(frozen=True)
class Command:
    """A command: its module below `batch_assets.cli`, and the first sentence of its own help."""

    module: str
    summary: str

    def load(self) -> typer.Typer:
        """The command, or the group of commands, of the module."""
        module = import_module(f"batch_assets.cli.{self.module}")
        if hasattr(module, "commands"):
            group: typer.Typer = module.commands
            return group
        single = typer.Typer(add_completion=False, rich_markup_mode=None)
        single.command()(module.command)
        return single


COMMANDS = {
    "demo": Command("demo", "Run the whole pipeline on this machine."),
    "dev": Command("dev", "Start Dagster's web UI against a sandbox with pictures."),
    "sandbox": Command("sandbox", "Serve stand-ins for the AWS services on this machine."),
    "init": Command("init", "Ask for the settings and write them to .env."),
    "doctor": Command("doctor", "Check everything that a deployment needs."),
    "status": Command("status", "Show where each partition stands."),
    "search": Command("search", "Find the nearest pictures by words or by a picture."),
    "gallery": Command("gallery", "Serve the search page."),
    "reconcile": Command("reconcile", "Compare all tables with the live index and the source bucket."),
    "retry": Command("retry", "Let refused pictures be sent again, and lift a hold."),
    "estimate": Command("estimate", "Show what it would cost to embed what is missing."),
    "adopt": Command("adopt", "Tell the Dagster instance what the tables in S3 hold."),
    "settings": Command("settings_reference", "Print the reference of all settings as a Markdown table."),
    "iam": Command("iam", "Print the permissions that are needed, or set up the role."),
    "columns": Command("columns_reference", "Print the reference of all table columns as Markdown tables."),
    "jobs": Command("jobs", "Show the live batch jobs, stop some, or give up a lost one."),
}


class CommandsOnDemand(TyperGroup):
    """The group that `batch-assets --help` and a shell's completion list without importing any of its commands."""

    _only_names = False

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 typer's signature
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 typer's signature
        if cmd_name not in COMMANDS:
            return None
        if self._only_names:
            return TyperCommand(cmd_name, callback=None, help=COMMANDS[cmd_name].summary)
        loaded = typer.main.get_command(COMMANDS[cmd_name].load())
        loaded.name = cmd_name
        return loaded

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """What can follow `batch-assets`: names and options."""
        self._only_names = True
        try:
            return super().shell_complete(ctx, incomplete)
        finally:
            self._only_names = False

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 typer's signature
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.summary) for name, command in COMMANDS.items()])
