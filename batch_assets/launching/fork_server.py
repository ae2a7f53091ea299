"""A process that has the definitions imported and forks itself for each run.

Importing Dagster and the definitions is most of what a short run costs; a fork has them at once, and shares their
memory. The run itself is Dagster's own command `dagster api execute_run`, as other launchers start it in a container.

It listens on a socket that it is given, answers one JSON object a connection, and ends when its standard input ends
and no run is left. It keeps to one thread and opens nothing that a child could inherit in use.
"""

import contextlib
import gc
import json
import os
import runpy
import selectors
import signal
import socket
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

_WAKE_SECONDS = 0.25
_MAX_REQUEST_BYTES = 16 * 1024**2
# What a run of Dagster imports beside the definitions, most of it only when it needs it.
_RUN_MODULES = (
    "dagster._cli.api",
    "dagster._core.execution.plan.execute_plan",
    "dagster._core.storage.event_log.sqlite",
    "dagster._core.storage.runs.sqlite",
    "dagster._core.storage.schedules.sqlite",
    "sqlalchemy.dialects.sqlite",
    "pandas",
)


@dataclass
class ForkServer:
    """Runs by run id, and the process that each of them is."""

    listener: socket.socket
    processes: dict[int, Any] = field(default_factory=dict)

    def serve(self) -> None:
        """Answer until standard input ends, then wait for the runs."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.listener, selectors.EVENT_READ)
            selector.register(sys.stdin.fileno(), selectors.EVENT_READ)
            parent_lives = True
            while parent_lives or self.processes:
                for key, _ in selector.select(_WAKE_SECONDS):
                    if key.fileobj is self.listener:
                        self._answer()
                    elif not os.read(sys.stdin.fileno(), 1):
                        selector.unregister(sys.stdin.fileno())
                        parent_lives = False
                self._reap()

    def _answer(self) -> None:
        connection, _ = self.listener.accept()
        with connection, contextlib.suppress(ConnectionError):
            request = json.loads(_received(connection))
            connection.sendall(json.dumps(self._outcome(request)).encode())
            # A child that was just forked holds the connection too, so closing it here would not end it.
            connection.shutdown(socket.SHUT_RDWR)

    def _outcome(self, request: Mapping[str, Any]) -> dict[str, Any]:
        if "terminate" in request:
            return {"terminated": self._terminate(request["terminate"])}
        pid = self._fork(request["command"])
        self.processes[pid] = request
        return {"pid": pid}

    def _terminate(self, run_id: str) -> bool:
        """Interrupt a run as Dagster does: it reports itself as cancelled."""
        for pid, request in self.processes.items():
            if request["run_id"] == run_id:
                # It is a child that was not waited for, so the number is still its own.
                os.kill(pid, signal.SIGINT)
                return True
        return False

    def _reap(self) -> None:
        for pid in list(self.processes):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                request = self.processes.pop(pid)
                code = os.waitstatus_to_exitcode(status)
                if code and "command" in request:
                    reporter = self._fork([*request["report"], str(code)])
                    self.processes[reporter] = {"run_id": ""}

    def _fork(self, command: list[str]) -> int:
        """The id of a child that runs `python -m <command>` in a copy of this process."""
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid:
            return pid
        self.listener.close()
        code = 1
        try:
            code = _run_module(command)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)


def _run_module(command: list[str]) -> int:
    """Run a module as the interpreter would, and give its exit code."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.close(sys.stdin.fileno())
    os.open(os.devnull, os.O_RDONLY)
    try:
        sys.argv = list(command)
        runpy.run_module(command[0], run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001 the process ends here, and says why
        traceback.print_exc()
        return 1
    return 0


def _received(connection: socket.socket) -> bytes:
    parts: list[bytes] = []
    while part := connection.recv(65_536):
        parts.append(part)
        if sum(map(len, parts)) > _MAX_REQUEST_BYTES:
            raise ConnectionError("a request of this size is none of the launcher's")
    return b"".join(parts)


def preload(execute_run_args: str) -> None:
    """Import what the run of these arguments will need: the definitions, and the storage of its instance."""
    from dagster._grpc.types import ExecuteRunArgs  # noqa: PLC0415 a part of what is preloaded
    from dagster._serdes import deserialize_value  # noqa: PLC0415

    for name in _RUN_MODULES:
        import_module(name)
    args = deserialize_value(execute_run_args, ExecuteRunArgs)
    if args.instance_ref is not None and args.instance_ref.storage_data is not None:
        import_module(args.instance_ref.storage_data.module_name)
    args.job_origin.repository_origin.code_pointer.load_target()


def main(listener_descriptor: int, execute_run_args: str) -> None:
    """Preload and serve; what cannot be imported is told by the first run that needs it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        preload(execute_run_args)
    except Exception:  # noqa: BLE001 the run fails with the same error, where people look for it
        traceback.print_exc()
    # A collection in a child would copy the pages that it shares with this process.
    gc.collect()
    gc.freeze()
    with socket.socket(fileno=listener_descriptor) as listener:
        ForkServer(listener).serve()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
