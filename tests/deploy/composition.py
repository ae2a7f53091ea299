"""The services of `deploy/compose.yaml`, as processes of this machine."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # ships no types

DEPLOY = Path(__file__).parents[2] / "deploy"
SERVICES = ("code-server", "daemon", "webserver")
_ANYWHERE, _HERE = "0.0.0.0", "127.0.0.1"  # noqa: S104 - what a container listens on


def compose() -> Any:
    """The compose file as data, its anchors resolved, its variables left as they stand."""
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))


@dataclass
class Service:
    """One service of the compose file: the command of its container, on other ports.

    Attributes:
        name: Its name in the file.
        home: The folder that stands for the image's working directory.
        machine: The variables that it sees besides those of the compose file.
        addresses: What takes the place of variables of the compose file and the image.
        ports: What to listen on, by the port of the container.
    """

    name: str
    home: Path
    machine: Mapping[str, str]
    addresses: Mapping[str, str]
    ports: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @cached_property
    def _definition(self) -> Any:
        return compose()["services"][self.name]

    @property
    def environment(self) -> dict[str, str]:
        """All variables that it sees."""
        return {**self.machine, **self._definition["environment"], **self.addresses}

    def start(self) -> None:
        """Start it, in a group with all that it will start."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self._here(self._definition["command"]),
                cwd=self.home,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self) -> None:
        """End it as a container ends whose main process is killed: everything in it is gone at once."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def listening(self) -> bool:
        """Whether it takes connections on one of its ports."""
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text(encoding="utf-8", errors="replace")
        (port,) = (int(free) for port, free in self.ports.items() if port in self._definition["command"])
        with socket.socket() as probe:
            return probe.connect_ex((_HERE, port)) == 0

    def healthy(self) -> bool:
        """Whether its health check succeeds."""
        kind, *command = self._definition["healthcheck"]["test"]
        assert kind == "CMD"
        options: Any = {"cwd": self.home, "env": self.environment, "capture_output": True}
        return subprocess.run(self._here(command), check=False, timeout=60, **options).returncode == 0

    @property
    def log(self) -> Path:
        """What it has printed, in all its lives."""
        return self.home / f"{self.name}.log"

    def _here(self, command: Sequence[str]) -> list[str]:
        program, *arguments = command
        for port, free in {**self.ports, _ANYWHERE: _HERE}.items():
            arguments = [argument.replace(port, free) for argument in arguments]
        return [str(Path(sys.executable).with_name(program)), *arguments]


@dataclass
class Timeline:
    """What happened when, in seconds since the beginning."""

    begun: float = field(default_factory=time.time)
    entries: list[tuple[float, str]] = field(default_factory=list)

    def note(self, what: str, *, at: float | None = None) -> None:
        """Add something that has just happened, or has at a time in epoch seconds."""
        self.entries.append((round((at or time.time()) - self.begun, 1), what))

    def rows(self) -> list[dict[str, Any]]:
        """All of it, in order."""
        return [{"seconds": seconds, "what": what} for seconds, what in sorted(self.entries)]

    def markdown(self) -> str:
        """The table that `docs/deployment.md` shows."""
        rows = [f"| {row['seconds']:.1f} | {row['what']} |" for row in self.rows()]
        return "\n".join(["| seconds | what happened |", "|---|---|", *rows, ""])
