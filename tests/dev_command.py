"""`batch-assets dev` as a child process, and a count of what it leaves behind."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from tests.conftest import wait_for

START_SECONDS = 180.0
END_SECONDS = 60.0
_KILL_SECONDS, _POLL_SECONDS = 5.0, 0.05
_PROCESSES = Path("/proc")
_URL = re.compile(r"^Dagster\s+(http://127\.0\.0\.1:\d+)/", re.MULTILINE)


@dataclass
class DevCommand:
    """The command with everything that it starts; whatever is left at the end of the block is killed.

    Everything that it starts inherits a variable that nothing else has: that is how a process that left the tree or the
    process group is found too.

    Attributes:
        log: Where its output goes.
        options: Further options of the command.
    """

    log: Path
    options: tuple[str, ...] = ()
    mark: str = field(default_factory=lambda: f"DEV_COMMAND_MARK={uuid.uuid4().hex}")

    def __enter__(self) -> Self:
        """Start it, in a session of its own as a terminal would."""
        if not _PROCESSES.is_dir():
            pytest.skip("needs /proc to see which processes are left")
        name, value = self.mark.split("=")
        command = [str(Path(sys.executable).with_name("batch-assets")), "dev", "--port", "0", *self.options]
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                command,
                env={**os.environ, name: value, "COLUMNS": "200"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Kill what is left, so that a failed test leaves nothing either."""
        for process_id in self.running():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process_id, signal.SIGKILL)
        self.process.wait()

    def output(self) -> str:
        """What it has printed so far, Dagster's log lines included."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait_for_url(self) -> str:
        """Address of the web UI, once the command has said all that it says when it is ready."""

        def announced() -> re.Match[str] | None:
            assert self.process.poll() is None, self.output()
            output = self.output()
            return _URL.search(output) if "Ctrl-C ends everything" in output else None

        found: re.Match[str] = wait_for(announced, what="the address of the web UI", deadline_seconds=START_SECONDS)
        return found[1]

    def home(self) -> Path:
        """The folder that holds its Dagster instance, as the command names it."""
        found = re.search(r"source (\S+)/environment", self.output())
        assert found, self.output()
        return Path(found[1])

    def end(self, number: signal.Signals) -> int:
        """Send a signal to the command alone, and give its exit code when it has ended."""
        self.process.send_signal(number)
        return self.process.wait(END_SECONDS)

    def running(self) -> dict[int, str]:
        """Command line by process id of everything that it started and that runs now."""
        found = {}
        for folder in _PROCESSES.glob("[0-9]*"):
            if self.mark.encode() in _read(folder / "environ").split(b"\0"):
                found[int(folder.name)] = _read(folder / "cmdline").replace(b"\0", b" ").decode(errors="replace")
        return found

    def left_over(self) -> dict[int, str]:
        """What still runs although the command has ended; a killed process has a moment to go."""
        deadline = time.monotonic() + _KILL_SECONDS
        while (found := self.running()) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        return found


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:  # the process has ended meanwhile, or belongs to somebody else
        return b""
