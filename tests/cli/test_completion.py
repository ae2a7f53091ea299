"""What a shell completes, asked as its completion script asks."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from batch_assets.cli import completion
from batch_assets.cli.commands_on_demand import COMMANDS
from tests.cli.conftest import Command
from tests.test_imports import imported_by
from tests.test_loading import SETTINGS


@pytest.fixture
def words(command: Command) -> "Bash":
    """Bash, which asks for the last of these words."""
    return Bash(command)


class Bash:
    """The completion of bash, in this process."""

    def __init__(self, command: Command) -> None:
        self.command = command

    def __call__(self, *typed: str) -> list[str]:
        self.command.monkeypatch.setenv("_BATCH_ASSETS_COMPLETE", "complete_bash")
        self.command.monkeypatch.setenv("COMP_WORDS", " ".join(["batch-assets", *typed]))
        self.command.monkeypatch.setenv("COMP_CWORD", str(len(typed)))
        ended = self.command()
        assert (ended.code, ended.errors) == (0, "")
        return [line for line in ended.lines if line]


def test_commands_are_completed(words: Bash) -> None:
    """All of them, or those that begin so; those of a group too."""
    assert words("") == list(COMMANDS)
    assert words("se") == ["search", "settings"]
    assert words("jobs", "") == ["stop", "write-off"]


def test_options_are_completed(words: Bash) -> None:
    """Of the command that is typed."""
    assert set(words("doctor", "--")) == {"--check", "--json", "--help"}
    assert "--top-k" in words("search", "--t")


def test_values_are_completed_where_no_service_is_asked(words: Bash, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of checks; partition keys, the present one first, if the settings are right."""
    assert words("doctor", "--check", "re") == ["results_bucket", "region"]
    assert words("status", "--partition", "") == []
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    now = datetime.now(UTC)
    assert completion.partition_keys(f"{now:%Y}")[0] == f"{now:%Y/%m/%d}"
    assert completion.partition_keys("9") == []
    assert words("estimate", "--since", f"{now:%Y/%m/%d}") == [f"{now:%Y/%m/%d}"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell_is_printed_and_installed(shell: str, tmp_path: Path) -> None:
    """For the name of the command."""
    environment = {**os.environ, "HOME": str(tmp_path), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    for action in ("--show-completion", "--install-completion"):
        code = "import sys; from batch_assets.cli.main import app; sys.argv[0] = 'batch-assets'; app()"
        done = subprocess.run(
            [sys.executable, "-c", code, action, shell], env=environment, capture_output=True, text=True, check=True
        )
        assert ("_BATCH_ASSETS_COMPLETE" if "show" in action else f"{shell} completion installed") in done.stdout
    assert [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.slow
def test_completing_a_name_imports_no_command() -> None:
    """A person who presses the key is answered at once."""
    asked = "os.environ.update(_BATCH_ASSETS_COMPLETE='complete_bash', COMP_WORDS='batch-assets s', COMP_CWORD='1')"
    ask = f"import os, sys; {asked}; sys.argv = ['batch-assets']"
    run = (
        "import contextlib, io\nwith contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()): app()"
    )
    assert imported_by(f"{ask}\nfrom batch_assets.cli.main import app\n{run}") == set()
