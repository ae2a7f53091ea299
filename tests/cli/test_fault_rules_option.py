"""`--faults FILE` of the commands that start a sandbox."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.cli.conftest import Command

PROGRAM = Path(sys.executable).with_name("batch-assets")


@pytest.mark.parametrize("name", ["sandbox", "dev"])
def test_wrong_rules_are_refused_before_anything_starts(command: Command, name: str, tmp_path: Path) -> None:
    """With the file, the rule, the field, and where to read on."""
    path = tmp_path / "rules.yaml"
    path.write_text("- service: s3\n  cut: never\n", encoding="utf-8")
    refusal = command.refused(name, "--faults", str(path), code=1)
    assert f"{path}: rule 1: cut: input should be 'before' or 'after', not 'never'" in refusal
    assert "docs/sandbox.md" in refusal


@pytest.mark.slow
def test_rules_of_a_file_are_in_force_from_the_start(tmp_path: Path) -> None:
    """They can be looked at, and forgotten."""
    path = tmp_path / "rules.json"
    path.write_text('[{"end_state": "Failed"}]', encoding="utf-8")
    with subprocess.Popen([PROGRAM, "sandbox", "--faults", path], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        with urllib.request.urlopen(f"{url}/_local/faults", timeout=30) as reply:  # noqa: S310 loopback
            assert json.load(reply) == [{"end_state": "Failed"}]
        process.terminate()
