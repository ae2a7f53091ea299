"""Memory of a process with all that it has started, looked at many times a second (Linux)."""

import time
from collections.abc import Iterator
from pathlib import Path

_PAUSE_SECONDS = 0.1


class PeakMemory:
    """The most memory that a tree of processes had at one time; pages that they share count once."""

    def __init__(self, process_id: int) -> None:
        self._process_id = process_id
        self.bytes = 0
        self.bytes_of_one = 0

    def watch(self) -> None:
        """Look until the process has ended."""
        while self.look():
            time.sleep(_PAUSE_SECONDS)

    def look(self) -> bool:
        """Look once; whether the process is still there."""
        sizes = [size for size in map(_proportional_bytes, tree(self._process_id)) if size]
        self.bytes = max(self.bytes, sum(sizes))
        self.bytes_of_one = max(self.bytes_of_one, *sizes, 0)
        return bool(sizes)


def tree(process_id: int) -> Iterator[int]:
    """A process and its descendants."""
    yield process_id
    try:
        tasks = list(Path(f"/proc/{process_id}/task").iterdir())
        children = [child for task in tasks for child in (task / "children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return
    for child in children:
        yield from tree(int(child))


def _proportional_bytes(process_id: int) -> int:
    try:
        rollup = Path(f"/proc/{process_id}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return 0
    return next(int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith("Pss:"))
