"""The option with which a sandbox is told what is to go wrong."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from batch_assets.errors import BatchAssetsError

FaultsOption = Annotated[
    Path | None,
    typer.Option("--faults", metavar="FILE", help="Rules for calls and jobs that fail; see docs/sandbox.md."),
]


def checked_rules(path: Path | None) -> Sequence[Mapping[str, Any]]:
    """Return the rules of a file, none without one, before anything starts.

    Raises:
        BatchAssetsError: A sandbox would not take them; the message names the file, the rule and the field.
    """
    from batch_assets.sandbox.faults.parsing import FaultRuleError, read_rules  # noqa: PLC0415 needed by few commands

    try:
        return read_rules(path) if path is not None else ()
    except FaultRuleError as error:
        raise BatchAssetsError(f"--faults {error}; docs/sandbox.md lists the fields") from error
