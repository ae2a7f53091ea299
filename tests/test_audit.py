"""The report on known holes never takes "could not ask" for "nothing known"."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

AUDIT = Path(__file__).parents[1] / ".ci" / "audit.py"
SOUND: dict[str, Any] = {"name": "orjson", "version": "3.11.0", "vulns": []}
HOLED: dict[str, Any] = {
    "name": "jinja2",
    "version": "3.1.2",
    "vulns": [{"id": "PYSEC-2024-1", "fix_versions": ["3.1.3"], "aliases": [], "description": "a hole"}],
}
SKIPPED: dict[str, Any] = {"name": "moto", "skip_reason": "Dependency not found on PyPI and could not be audited"}


def report(folder: Path, *, says: str, complains: str = "", code: int = 0) -> subprocess.CompletedProcess[str]:
    """What the report makes of a pip-audit that says this."""
    program = folder / "pip-audit"
    lines = ["import sys", f"sys.stdout.write({says!r})", f"sys.stderr.write({complains!r})", f"sys.exit({code})"]
    program.write_text("\n".join([f"#!{sys.executable}", *lines]), encoding="utf-8")
    program.chmod(0o755)
    return subprocess.run(
        [sys.executable, AUDIT, program, "constraints.txt"], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("packages", "code", "lines"),
    [
        ([SOUND], 0, ["audit: no known holes in 1 packages"]),
        ([SOUND, HOLED], 1, ["audit: jinja2 3.1.2 has PYSEC-2024-1, mended in 3.1.3"]),
        (
            [SOUND, SKIPPED],
            2,
            [
                "audit: 1 of 2 packages could not be looked up, so nothing is known of them:",
                "audit:   Dependency not found on PyPI and could not be audited",
            ],
        ),
    ],
    ids=["sound", "holed", "skipped"],
)
def test_what_was_found_is_said(tmp_path: Path, packages: list[dict[str, Any]], code: int, lines: list[str]) -> None:
    """Each hole with its cure, and what could not be looked up."""
    done = report(tmp_path, says=json.dumps({"dependencies": packages, "fixes": []}), code=int(code == 1))
    assert (done.returncode, done.stdout.splitlines()) == (code, lines)


def test_no_network_is_no_good_news(tmp_path: Path) -> None:
    """The last line of its complaint is the reason."""
    done = report(tmp_path, says="", complains="WARNING: x\nERROR: Could not connect to PyPI", code=1)
    assert done.returncode == 2
    assert done.stdout == "audit: NOT CHECKED, no package was looked up: ERROR: Could not connect to PyPI\n"
