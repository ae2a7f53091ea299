"""What every command promises: walked from the list of commands, so that a new one is held to it too."""

import io
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from batch_assets.cli.commands_on_demand import COMMANDS
from batch_assets.cli.main import commands as top
from batch_assets.cli.progress import shown_progress
from tests.cli.conftest import Command
from tests.conftest import ADMINISTRATOR
from tests.world import KEY, World

# Until Ctrl-C it prints what Dagster prints; the group does nothing by itself; its documents are JSON anyway.
WITHOUT_DATA = {("dev",), ("gallery",), ("iam",), ("iam", "policy"), ("iam", "events")}
_COLOUR = re.compile(r"\x1b\[[0-9;]*(?:3[0-9]|4[0-9]|9[0-7])m")


def walk(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that does something, with the words that call it."""
    context = command.make_context("batch-assets", [], resilient_parsing=True) if hasattr(command, "commands") else None
    if context is None:
        yield words, command
        return
    if words:
        yield words, command
    for name in command.list_commands(context):
        yield from walk(command.get_command(context, name), (*words, name))


EVERY = dict(walk(typer.main.get_command(top)))
NAMES = [" ".join(words) for words in EVERY]


def test_all_commands_are_walked() -> None:
    """Those of groups too."""
    assert {words[0] for words in EVERY} == set(COMMANDS)
    assert ("jobs", "stop") in EVERY


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_every_help_has_an_example_on_one_line(command: Command, name: str, option: str) -> None:
    """That can be copied from a terminal of 80 columns."""
    ended = command.columns(80)(*name.split(), option)
    assert ended.code == 0
    (example,) = [line for line in ended.lines if "Example: " in line]
    assert example.strip().startswith(f"Example: batch-assets {name}")
    assert max(map(len, ended.lines)) <= 80


@pytest.mark.parametrize("name", [name for name in NAMES if tuple(name.split()) not in WITHOUT_DATA])
def test_every_command_that_prints_data_prints_json(name: str) -> None:
    """With one and the same option."""
    options = {text: option for option in EVERY[tuple(name.split())].params for text in option.opts}
    assert "--json" in options
    assert options["--json"].is_flag


@pytest.mark.parametrize("name", NAMES)
def test_every_option_says_what_it_is(name: str) -> None:
    """In a sentence."""
    for option in EVERY[tuple(name.split())].params:
        assert str(option.help).endswith("."), option.opts


@pytest.mark.parametrize("name", NAMES)
def test_wrong_usage_is_exit_code_2(command: Command, name: str) -> None:
    """Named, with a hint at the help."""
    refusal = command.refused(*name.split(), "--no-such-option", code=2)
    assert "--no-such-option" in refusal
    assert "-h" in refusal


@pytest.mark.parametrize(
    "name", ["status", "search --text red", "reconcile", "estimate", "jobs", "retry --partition x"]
)
def test_what_is_refused_is_exit_code_1(command: Command, name: str) -> None:
    """Without settings each says so on standard error, and prints no data."""
    command.monkeypatch.delenv("BATCH_ASSETS_SOURCE_BUCKET", raising=False)
    assert command.refused(*name.split(), code=1).startswith("Error: these settings are wrong")
    assert command.refused(*name.split(), "--json", code=1).startswith("Error: these settings are wrong")


@pytest.mark.parametrize(("variable", "coloured"), [("FORCE_COLOR", True), ("NO_COLOR", False)])
def test_colour_respects_no_color(command: Command, world: World, variable: str, coloured: bool) -> None:
    """Also where colour was asked for."""
    command.use(world.settings)
    command.monkeypatch.setenv("AWS_ACCESS_KEY_ID", ADMINISTRATOR)
    command.monkeypatch.setenv("FORCE_COLOR", "1")
    command.monkeypatch.setenv("TERM", "xterm-256color")
    command.monkeypatch.setenv(variable, "1")
    shown = command("doctor").output + command("retry", "--partition", "x").errors
    assert (_COLOUR.search(shown) is not None) is coloured


class Terminal(io.StringIO):
    """A terminal that remembers what it was shown."""

    def isatty(self) -> bool:
        """Somebody looks."""
        return True


@pytest.mark.parametrize(("quiet", "seen"), [(False, True), (True, False)])
def test_progress_shows_rate_and_time_left_to_who_looks(
    monkeypatch: pytest.MonkeyPatch,
    quiet: bool,
    seen: bool,
) -> None:
    """On standard error alone, and not where JSON is asked for."""
    terminal, output = Terminal(), io.StringIO()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setattr("sys.stdout", output)
    monkeypatch.setenv("TERM", "xterm")
    with shown_progress(quiet=quiet) as progress:
        progress("partitions read", 1, 4)
        progress("partitions read", 3, 4)
        print("data")  # noqa: T201 what a command prints
    assert output.getvalue() == "data\n"
    text = terminal.getvalue()
    assert ("partitions read" in text, "3/4" in text, "/s" in text) == (seen, seen, seen)


def test_progress_is_quiet_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    """In a pipe or a file."""
    with shown_progress() as progress:
        progress("partitions read", 1, 4)
    assert capsys.readouterr() == ("", "")


def test_long_work_tells_how_far_it_is(command: Command, world: World) -> None:
    """Status, estimate and reconcile, on a terminal."""
    world.put({"a.png": b"x"})
    world.plan()
    command.use(world.settings).monkeypatch.setenv("TERM", "xterm")
    stages = {
        "status": "partitions read",
        "estimate": "partitions estimated",
        f"reconcile --partition {KEY}": "partitions compared",
    }
    for name, stage in stages.items():
        terminal = Terminal()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.stderr", terminal)
            ended = command(*name.split())
            assert stage in terminal.getvalue(), name
            assert stage not in ended.output
            terminal.truncate(0)
            json.loads(command(*name.split(), "--json").output)
            assert stage not in terminal.getvalue()
