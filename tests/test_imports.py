"""What importing the project brings along: every run, every command and every sensor waits for it."""

import json
import subprocess
import sys
from importlib import import_module

import pytest

from batch_assets.cli.commands_on_demand import COMMANDS
from tests.test_loading import SETTINGS

HEAVY = {"dagster", "dagster_aws", "pandas", "PIL", "moto", "boto3", "pyarrow", "numpy"}


def imported_by(statement: str) -> set[str]:
    """Those of the heavy packages that a fresh interpreter has after a statement."""
    told = subprocess.run(
        [sys.executable, "-c", f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"],
        env={**SETTINGS, "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return HEAVY & set(json.loads(told.stdout))


@pytest.mark.slow
def test_the_definitions_need_no_pandas() -> None:
    """Loading them is part of every run's start."""
    assert imported_by("import batch_assets.definitions") == {"dagster", "dagster_aws", "boto3", "pyarrow", "numpy"}


@pytest.mark.slow
@pytest.mark.parametrize("module", ["batch_assets.cli.main", "batch_assets"])
def test_the_package_and_the_list_of_commands_need_none_of_them(module: str) -> None:
    """A person who asks for help is answered at once, and every run imports the package."""
    assert imported_by(f"import {module}") == set()


@pytest.mark.slow
def test_a_notebook_needs_no_dagster_and_no_pandas() -> None:
    """The tables are read without either; pandas comes with the first frame."""
    found = imported_by("from batch_assets import EmbeddingDataset")
    assert found == {"PIL", "boto3", "pyarrow", "numpy"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["status", "search", "estimate", "retry", "jobs", "dev", "demo", "sandbox", "gallery", "init", "doctor"]
)
def test_commands_come_without_dagster(name: str) -> None:
    """They speak to the tables and the services; what starts Dagster starts it as a process of its own."""
    found = imported_by(f"from batch_assets.cli.commands_on_demand import COMMANDS\nCOMMANDS[{name!r}].load()")
    assert "dagster" not in found
    assert "moto" not in found


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_what_a_commands_own_help_says_first(name: str) -> None:
    """The list is made without importing the command, so its sentence stands twice."""
    module = import_module(f"batch_assets.cli.{COMMANDS[name].module}")
    function = getattr(module, "command", None) or module.show
    assert str(function.__doc__).splitlines()[0] == COMMANDS[name].summary
