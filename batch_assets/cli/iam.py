"""`batch-assets iam`: the permissions that are needed, and the service role."""

import json
import sys
from enum import StrEnum
from typing import Annotated

import typer
from rich.text import Text

from batch_assets.cli.terminal import console
from batch_assets.iam.calls import Purpose
from batch_assets.iam.policy import Document, permissions, trust
from batch_assets.iam.service_role import ServiceRole, require_account
from batch_assets.iam.templates import cloudformation, terraform
from batch_assets.settings import Settings, load_settings

commands = typer.Typer(
    help="Print the permissions that are needed, or set up the role.",
    epilog="Example: batch-assets iam policy --for pipeline",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)
_STYLES = {"+": "green", "-": "red"}


class Format(StrEnum):
    """How documents are printed."""

    JSON = "json"
    CLOUDFORMATION = "cloudformation"
    TERRAFORM = "terraform"


class Template(StrEnum):
    """What is more than a document."""

    CLOUDFORMATION = "cloudformation"
    TERRAFORM = "terraform"


@commands.callback()
def show() -> None:
    """Print the permissions that are needed, or set up the role."""


@commands.command(epilog="Example: batch-assets iam policy --for search --format terraform")
def policy(
    *,
    purpose: Annotated[Purpose, typer.Option("--for", help="Whose permissions.")],
    output: Annotated[Format, typer.Option("--format", help="The documents alone, or a template.")] = Format.JSON,
) -> None:
    """Print what a purpose needs with the settings at hand, and nothing more.

    pipeline: Dagster and the commands. bedrock-role: the role that Bedrock assumes, with its trust policy. search: the
    searches. Speaks to no service.
    """
    typer.echo(json.dumps(_document(purpose, output, load_settings()), indent=2))


@commands.command(epilog="Example: batch-assets iam events --format terraform")
def events(
    *,
    output: Annotated[Template, typer.Option("--format", help="The kind of template.")] = Template.CLOUDFORMATION,
) -> None:
    """Print the rule and the queue that bring Bedrock's job events to the sensor.

    Speaks to no service.
    """
    from batch_assets.iam import events as resources  # noqa: PLC0415 its name is the command's

    document = resources.terraform() if output is Template.TERRAFORM else resources.cloudformation()
    typer.echo(json.dumps(document, indent=2))


@commands.command(epilog="Example: batch-assets iam apply --yes")
def apply(
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: the ARN, and whether it was changed.")] = False,
) -> None:
    """Create the service role of the settings, or bring it up to date.

    Shows the difference first, on standard error, and prints the role's ARN. Needs permissions that the pipeline does
    not: iam:GetRole, GetRolePolicy, CreateRole, UpdateAssumeRolePolicy and PutRolePolicy on the role.
    """
    from batch_assets.cli.clients import Clients  # noqa: PLC0415 printing a policy needs no clients

    settings = load_settings()
    clients = Clients(settings)
    require_account(clients.client("sts"), settings)
    role = ServiceRole(clients.client("iam"), settings)
    standing = role.read()
    difference = list(standing.difference(role.wanted))
    _show(difference)
    if difference and (yes or _confirmed(exists=standing.trust is not None)):
        role.write(standing)
    if as_json:
        typer.echo(json.dumps({"role_arn": settings.role_arn, "changed": bool(difference)}, indent=2))
    else:
        typer.echo(settings.role_arn)


def _show(difference: list[str]) -> None:
    told = console(stderr=True)
    for line in difference:
        told.print(Text(line, style=_STYLES.get(line[:1], "")), soft_wrap=True)
    if not difference:
        told.print("The role is as it should be: nothing was changed.")


def _document(purpose: Purpose, output: Format, settings: Settings) -> Document:
    if output is Format.CLOUDFORMATION:
        return cloudformation(purpose, settings)
    if output is Format.TERRAFORM:
        return terraform(purpose, settings)
    allowed = permissions(purpose, settings)
    return {"trust": trust(settings), "permissions": allowed} if purpose is Purpose.BEDROCK_ROLE else allowed


def _confirmed(*, exists: bool) -> bool:
    """Ask a person; without a yes the command ends here with exit code 1, and without anybody to ask with 2."""
    if not sys.stdin.isatty():
        raise typer.BadParameter("there is no terminal to ask on: add --yes", param_hint="--yes")
    # Not typer.confirm: it writes a blank to standard output, which is for the ARN alone.
    typer.echo(f"{'Update' if exists else 'Create'} the role? [y/N]: ", nl=False, err=True)
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        typer.echo("Nothing was changed.", err=True)
        raise typer.Exit(1)
    return True
