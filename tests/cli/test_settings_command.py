"""`batch-assets settings`, and the help of every command."""

import json

import pytest

from batch_assets.settings import ENVIRONMENT_PREFIX, Settings
from tests.cli.conftest import Command

COMMANDS = (
    "demo",
    "dev",
    "sandbox",
    "init",
    "doctor",
    "status",
    "search",
    "gallery",
    "reconcile",
    "retry",
    "estimate",
    "adopt",
    "settings",
    "iam",
    "columns",
    "jobs",
)


def test_every_setting_is_a_row(command: Command) -> None:
    """Variable, default and meaning, as a Markdown table; no settings are needed to print it."""
    ended = command("settings")
    head, rule, *rows = ended.lines
    assert (ended.code, head, rule) == (0, "| variable | default | meaning |", "|---|---|---|")
    assert [row.split("`")[1] for row in rows] == [
        f"{ENVIRONMENT_PREFIX}{name.upper()}" for name in Settings.model_fields
    ]
    assert all(row.count("|") == 4 and not row.endswith("|  |") for row in rows)
    assert "| `BATCH_ASSETS_SOURCE_BUCKET` | (needed) | Bucket in which the pictures land |" in rows
    assert "| `BATCH_ASSETS_DIMENSION` | `1024` | Length of a vector, one that the model offers |" in rows


def test_without_arguments_the_commands_are_listed(command: Command) -> None:
    """Each with a whole sentence, also in a terminal of 80 columns."""
    output = command.columns(80)("--help").output
    rows = dict(line.split(maxsplit=1) for line in output.partition("Commands:\n")[2].splitlines()[: len(COMMANDS)])
    assert tuple(rows) == COMMANDS
    assert all(text.endswith(".") and not text.endswith("...") for text in rows.values())
    assert command.columns(80)().output in {output, ""}


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_the_help_has_an_example(command: Command, option: str) -> None:
    """Those of the commands: see test_command_rules.py."""
    ended = command.columns(80)(option)
    assert ended.code == 0
    assert ended.lines[-1].strip() == "Example: batch-assets demo"
    assert max(map(len, ended.lines)) <= 80


@pytest.mark.parametrize("arguments", [["no-such-command"], ["status", "--no-such-option"], ["settings", "extra"]])
def test_what_is_not_there_is_wrong_usage(command: Command, arguments: list[str]) -> None:
    """Named, with a hint at the help."""
    refusal = command.refused(*arguments, code=2)
    assert arguments[-1] in refusal
    assert "-h" in refusal


def test_the_settings_as_json(command: Command) -> None:
    """An object a setting; one without a default has to be given."""
    told = {row["variable"]: row for row in json.loads(command("settings", "--json").output)}
    assert len(told) == len(Settings.model_fields)
    assert told["BATCH_ASSETS_DIMENSION"]["default"] == "1024"
    assert told["BATCH_ASSETS_SOURCE_BUCKET"]["default"] is None
