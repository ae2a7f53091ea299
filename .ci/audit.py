"""Asks for known holes in the pinned packages, and says plainly when nothing could be asked.

Usage: audit.py PIP_AUDIT CONSTRAINTS. Exit code 0: each package was looked up and has no known hole; 1: there are
holes; 2: not every package could be looked up, which pip-audit itself calls "no known vulnerabilities", with code 0.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

SECONDS = 100
_OPTIONS = ("--disable-pip", "--no-deps", "--progress-spinner", "off", "--timeout", "5", "--format", "json")


def main(program: str, constraints: str) -> int:
    """Ask, report, and give the exit code."""
    command = [program, "--requirement", constraints, *_OPTIONS]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)  # noqa: S603 ours
        packages = json.loads(done.stdout)["dependencies"]
    except subprocess.TimeoutExpired:
        return _not_asked(f"no answer within {SECONDS} s")
    except (ValueError, KeyError):
        return _not_asked(done.stderr.strip().rpartition("\n")[2] or f"pip-audit ended with {done.returncode}")
    return _report(packages)


def _report(packages: Sequence[dict[str, Any]]) -> int:
    skipped = [package for package in packages if "skip_reason" in package]
    holes = [(package, hole) for package in packages for hole in package.get("vulns", [])]
    for package, hole in holes:
        fixed = ", ".join(hole["fix_versions"]) or "no version yet"
        _say(f"{package['name']} {package['version']} has {hole['id']}, mended in {fixed}")
    if skipped:
        _say(f"{len(skipped)} of {len(packages)} packages could not be looked up, so nothing is known of them:")
        _say(f"  {skipped[0]['skip_reason']}")
    if holes:
        return 1
    if not skipped:
        _say(f"no known holes in {len(packages)} packages")
    return 2 if skipped else 0


def _not_asked(why: str) -> int:
    _say(f"NOT CHECKED, no package was looked up: {why}")
    return 2


def _say(line: str) -> None:
    sys.stdout.write(f"audit: {line}\n")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
