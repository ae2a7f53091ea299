"""CPU seconds of everything that a process has started, by what each part is for; read from /proc."""

import os
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PARTS = (
    ("runs that go on", "multiprocessing"),
    ("daemon", "dagster._daemon"),
    ("web server", "dagster_webserver"),
    ("code server and the runs it started", "api grpc"),
    ("code server and the runs it started", "code-server"),
    ("sandbox", "batch_assets.sandbox"),
)


def cpu_seconds(*sessions: int) -> Mapping[str, float]:
    """CPU seconds so far by part, of all live processes of these sessions and of their children that have ended."""
    found: defaultdict[str, float] = defaultdict(float)
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it has ended meanwhile
            continue
        if int(fields[3]) in sessions:
            # Own user and system time, and those of children that were waited for.
            found[_part(command)] += sum(map(int, fields[11:15])) / _TICKS
    return found


def difference(after: Mapping[str, float], before: Mapping[str, float]) -> dict[str, float]:
    """CPU seconds between two looks."""
    return {part: round(after[part] - before.get(part, 0.0), 2) for part in sorted(after)}


def _part(command: str) -> str:
    return next((part for part, mark in _PARTS if mark in command), "other")
