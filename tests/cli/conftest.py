"""The command as a person calls it, in this process, against a deployment in the sandbox."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from batch_assets.cli.main import app
from batch_assets.settings import ENVIRONMENT_PREFIX, Settings
from tests.conftest import Aws
from tests.world import World, new_world, still_sandbox

_TOLD = ("source_bucket", "first_partition", "account_id", "role_arn", "vector_bucket", "dimension", "prefix_template")


@dataclass(frozen=True)
class Ended:
    """What a command has left: exit code, standard output and standard error."""

    code: int
    output: str
    errors: str

    @property
    def lines(self) -> list[str]:
        """Lines of standard output, without the blanks at their ends."""
        return [line.rstrip() for line in self.output.splitlines()]


@dataclass(frozen=True)
class Command:
    """`batch-assets` with the arguments that it is called with."""

    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def use(self, settings: Settings) -> "Command":
        """Set the variables of a deployment."""
        for name in _TOLD:
            self.monkeypatch.setenv(f"{ENVIRONMENT_PREFIX}{name.upper()}", str(getattr(settings, name)))
        return self

    def columns(self, number: int) -> "Command":
        """Make the terminal so wide."""
        self.monkeypatch.setenv("COLUMNS", str(number))
        return self

    def __call__(self, *arguments: str) -> Ended:
        """Run it to its end. What a command does not foresee is raised here."""
        self.capsys.readouterr()
        self.monkeypatch.setattr(sys, "argv", ["batch-assets", *arguments])
        with pytest.raises(SystemExit) as exit_:
            app()
        output, errors = self.capsys.readouterr()
        code = exit_.value.code
        return Ended(code if isinstance(code, int) else int(code is not None), output, errors)

    def refused(self, *arguments: str, code: int) -> str:
        """Run what is refused with an exit code, and give what is said, in one line."""
        ended = self(*arguments)
        assert (ended.code, ended.output) == (code, "")
        assert "Traceback" not in ended.errors
        return " ".join(ended.errors.split())


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    """The command in an empty folder, without settings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    # It would keep the credentials of an earlier test.
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    return Command(monkeypatch, capsys)


@pytest.fixture(scope="module")
def still(aws: Aws) -> Iterator[Aws]:
    """The sandbox, with its clock stopped and this process pointed at it."""
    with still_sandbox(aws):
        yield aws


@pytest.fixture
def world(still: Aws) -> Iterator[World]:
    """A deployment that no other test knows."""
    with new_world(still) as fresh:
        yield fresh
