"""A run launcher for one machine: each run is a fork of a process that has the definitions imported.

For short runs the start is most of their cost. Where it cannot be done - code in another container or on another
machine, a system without a safe fork - runs are started as Dagster does by default.
"""

import json
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import dagster as dg
from dagster._core.launcher.base import LaunchRunContext
from dagster._core.launcher.default_run_launcher import DefaultRunLauncher
from dagster._core.remote_representation.code_location import GrpcServerCodeLocation
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import serialize_value
from dagster._serdes.config_class import ConfigurableClassData

SOCKET_TAG = ".batch_assets/fork_server"
"""Hidden tag of a run: the socket of the process that it was forked from."""

_ANSWER_SECONDS = 120
_BACKLOG = 128
_LOCAL_HOSTS = frozenset({None, "", "localhost", "127.0.0.1"})


class ForkServerError(dg.DagsterError):
    """The process that runs are forked from did not answer."""


@dataclass(frozen=True)
class ForkServerProcess:
    """A fork server that this process has started; it ends with this process, when its last run has ended."""

    socket_path: str
    process: subprocess.Popen[bytes]

    @classmethod
    def started(cls, execute_run_args: str) -> Self:
        """A new one; it answers when it has imported what a run with these arguments needs."""
        path = str(Path(tempfile.mkdtemp(prefix="batch-assets-runs-")) / "socket")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen(_BACKLOG)
            descriptor = listener.fileno()
            command = [sys.executable, "-m", "batch_assets.launching.fork_server", str(descriptor), execute_run_args]
            process = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[descriptor])  # noqa: S603 this interpreter and this module
        return cls(path, process)

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def retire(self) -> None:
        """Let it end when its last run has."""
        if self.process.stdin is not None:
            self.process.stdin.close()


def ask(socket_path: str, request: Mapping[str, Any]) -> Any:
    """The answer of the fork server at a socket. Raises `ForkServerError` if there is none."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_ANSWER_SECONDS)
            connection.connect(socket_path)
            connection.sendall(json.dumps(request).encode())
            connection.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    except OSError as error:
        raise ForkServerError(
            f"the process that runs are forked from does not answer at {socket_path}: {error}"
        ) from error
    if not answer:
        raise ForkServerError(f"the process that runs are forked from ended: see the daemon's output ({socket_path})")
    return json.loads(answer)


class ForkRunLauncher(DefaultRunLauncher):
    """Forks runs; `run_launcher: {module: batch_assets.launching.run_launcher, class: ForkRunLauncher}`."""

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(inst_data)
        self._servers: dict[str, tuple[str, ForkServerProcess]] = {}
        self._starting = threading.Lock()

    def launch_run(self, context: LaunchRunContext) -> None:
        """Fork a process for the run."""
        location = _location(context)
        if not can_be_forked(location, context.dagster_run):
            super().launch_run(context)
            return
        run_id, arguments = context.dagster_run.run_id, self._arguments(context)
        server = self._server(location, arguments)
        self._instance.add_run_tags(run_id, {SOCKET_TAG: server.socket_path})
        command = ["dagster", "api", "execute_run", arguments]
        ask(
            server.socket_path,
            {"run_id": run_id, "command": command, "report": ["batch_assets.launching.died", arguments]},
        )

    def terminate(self, run_id: str) -> bool:
        """Interrupt a run, from whichever process; False if it is over."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        if SOCKET_TAG not in run.tags:
            return bool(super().terminate(run_id))  # type: ignore[no-untyped-call]  # Dagster's own
        self._instance.report_run_canceling(run)
        return bool(ask(run.tags[SOCKET_TAG], {"terminate": run_id})["terminated"])

    def dispose(self) -> None:
        """Let the fork servers of this process end."""
        for _, server in self._servers.values():
            server.retire()
        super().dispose()

    def _arguments(self, context: LaunchRunContext) -> str:
        origin = context.job_code_origin
        if origin is None:
            raise ForkServerError(f"run {context.dagster_run.run_id} does not say where its code is")
        return serialize_value(ExecuteRunArgs(origin, context.dagster_run.run_id, self._instance.get_ref(), True))

    def _server(self, location: GrpcServerCodeLocation, arguments: str) -> ForkServerProcess:
        """The fork server of a code location as it is loaded now; a reload asks for a new one."""
        loaded = str(location.client.get_server_id())
        with self._starting:
            known = self._servers.get(location.name)
            if known is not None:
                if known[0] == loaded and known[1].alive:
                    return known[1]
                known[1].retire()
            server = ForkServerProcess.started(arguments)
            self._servers[location.name] = (loaded, server)
            return server


def can_be_forked(location: Any, run: dg.DagsterRun) -> bool:
    """Whether the code of a run is on this machine, under this interpreter, on a system where forking is safe."""
    if sys.platform != "linux" or not isinstance(location, GrpcServerCodeLocation):
        return False
    origin = run.job_code_origin
    here = location.client.socket is not None or location.client.host in _LOCAL_HOSTS
    return (
        here
        and origin is not None
        and origin.repository_origin.container_image is None
        and Path(origin.executable_path).absolute() == Path(sys.executable).absolute()
    )


def _location(context: LaunchRunContext) -> Any:
    origin = context.dagster_run.remote_job_origin
    if context.workspace is None or origin is None:
        return None
    return context.workspace.get_code_location(origin.repository_origin.code_location_origin.location_name)
