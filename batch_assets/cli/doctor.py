"""`batch-assets doctor`: what is right with a deployment, what is wrong, and how to mend it."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from batch_assets.aws_clients import FOR_A_PERSON, aws_client
from batch_assets.cli.terminal import console
from batch_assets.doctor.examination import CHECKS, examine
from batch_assets.doctor.finding import Finding, Level

_STYLES = {Level.OK: "green", Level.WARNING: "yellow", Level.WRONG: "bold red", Level.SKIPPED: "dim"}
_LEVEL_WIDTH, _NAME_WIDTH = max(map(len, Level)), max(map(len, CHECKS))


def _known(names: list[str] | None) -> list[str]:
    unknown = sorted(set(names or ()) - set(CHECKS))
    if unknown:
        raise typer.BadParameter(f"there is no check {unknown[0]!r}: choose of {', '.join(CHECKS)}")
    return list(names or ())


def _check_names() -> list[str]:
    return list(CHECKS)


def command(
    *,
    check: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            callback=_known,
            autocompletion=_check_names,
            help="Only this check and what it needs; may be given again.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: what each check found.")] = False,
) -> None:
    """Check everything that a deployment needs.

    Settings, credentials, buckets, role, model, index, quota and keys: says of each what is right, or wrong and how to
    mend it. It only reads: nothing is changed and no model is called.
    Exit code 0 when nothing is wrong, 1 otherwise; warnings do not count.

    Example: batch-assets doctor
    """
    findings: list[Finding] = []
    for finding in examine(
        lambda settings, service: aws_client(service, settings.region, FOR_A_PERSON), names=check or ()
    ):
        findings.append(finding)
        if not as_json:
            console().print(_line(finding))
    if as_json:
        typer.echo(json.dumps({"ok": not _wrong(findings), "findings": [asdict(one) for one in findings]}, indent=2))
    else:
        console().print(f"\n{_summary(findings)}")
    if _wrong(findings):
        raise typer.Exit(1)


def _line(finding: Finding) -> Table:
    """Level, name and message, and the cure below the message."""
    line = Table.grid(padding=(0, 2, 0, 0))
    line.add_column(width=_LEVEL_WIDTH)
    line.add_column(width=_NAME_WIDTH)
    line.add_column(overflow="fold")
    text = Text(finding.message)
    if finding.cure:
        text.append(f"\n→ {finding.cure}", style="italic")
    line.add_row(Text(finding.level, style=_STYLES[finding.level]), finding.check, text)
    return line


def _summary(findings: Sequence[Finding]) -> str:
    counts = Counter(finding.level for finding in findings)
    return ", ".join(f"{counts[level]} {level}" for level in Level if counts[level])


def _wrong(findings: Sequence[Finding]) -> bool:
    return any(finding.level is Level.WRONG for finding in findings)
