"""`batch-assets settings`: every setting with its default."""

import typer

from batch_assets.settings import ENVIRONMENT_PREFIX, Settings


def command() -> None:
    """Print the reference of all settings as a Markdown table.

    Example: batch-assets settings > settings.md
    """
    typer.echo(reference(), nl=False)


def reference() -> str:
    """The settings as a Markdown table: variable, default, meaning."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "(needed)" if field.is_required() else f"`{field.default}`" if field.default != "" else ""
        lines.append(f"| `{ENVIRONMENT_PREFIX}{name.upper()}` | {default} | {field.description} |")
    return "\n".join(lines) + "\n"
