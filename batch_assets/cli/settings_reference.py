"""`batch-assets settings`: every setting with its default."""

import json
from typing import Annotated, Any

import typer

from batch_assets.settings import ENVIRONMENT_PREFIX, Settings


def command(
    *, as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead: an object a setting.")] = False
) -> None:
    """Print the reference of all settings as a Markdown table.

    Example: batch-assets settings > settings.md
    """
    typer.echo(json.dumps(_as_json(), indent=2) + "\n" if as_json else reference(), nl=False)


def reference() -> str:
    """The settings as a Markdown table: variable, default, meaning."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "(needed)" if field.is_required() else f"`{field.default}`" if field.default != "" else ""
        lines.append(f"| `{ENVIRONMENT_PREFIX}{name.upper()}` | {default} | {field.description} |")
    return "\n".join(lines) + "\n"


def _as_json() -> list[dict[str, Any]]:
    return [
        {
            "variable": f"{ENVIRONMENT_PREFIX}{name.upper()}",
            "default": None if field.is_required() else str(field.default),
            "meaning": field.description,
        }
        for name, field in Settings.model_fields.items()
    ]
