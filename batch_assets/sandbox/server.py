"""Serving a sandbox on this machine: in this process, or in one of its own."""

import contextlib
import os
import resource
import signal
import socket
import sys
import threading
from typing import Any

from batch_assets.sandbox.config import SandboxConfig
from batch_assets.sandbox.process import RunningSandbox, environment_of, start

__all__ = ["HOST", "RunningSandbox", "create_app", "environment_of", "serve", "start"]

HOST = "127.0.0.1"
_BACKLOG = 512
_END_SECONDS = 8.0
# Longer than a client pauses between two calls: a call on a connection that is just being closed would fail.
_KEEP_ALIVE_SECONDS = 120


def create_app(config: SandboxConfig | None = None) -> Any:
    """Build the ASGI application of a fresh world."""
    # Imported here: moto alone takes a second, and a client process needs none of it.
    from batch_assets.sandbox.application import Sandbox  # noqa: PLC0415
    from batch_assets.sandbox.world import World  # noqa: PLC0415

    return Sandbox(World(config or SandboxConfig()))


def serve(
    port: int = 0,
    *,
    config: SandboxConfig | None = None,
    app: Any = None,
    announce: Any = None,
    until_stdin_ends: bool = False,
) -> None:
    """Serve until interrupted.

    Args:
        port: Loopback port; 0 picks a free one.
        config: How a fresh world behaves.
        app: The application of a world that is there already.
        announce: Called with the port once requests to it are queued.
        until_stdin_ends: End also when standard input does, as it does when a parent goes away.

    Raises:
        OSError: The port is taken.
    """
    import uvicorn  # noqa: PLC0415 - see create_app

    from batch_assets.sandbox.connection import BreakableProtocol  # noqa: PLC0415 - it needs uvicorn

    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, port))
    listener.listen(_BACKLOG)
    _raise_open_file_limit()
    application = app or create_app(config)
    server = uvicorn.Server(
        uvicorn.Config(
            application,
            http=BreakableProtocol,
            log_level="warning",
            access_log=False,
            lifespan="on",
            timeout_graceful_shutdown=2,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            date_header=False,  # the application gives the time of its own clock
        )
    )
    _end_on_signals(server)
    if announce is not None:
        announce(listener.getsockname()[1])
    if until_stdin_ends:
        threading.Thread(target=_end_with_stdin, args=(server,), daemon=True).start()
    with listener, contextlib.closing(application):
        server.run(sockets=[listener])


def _end_on_signals(server: Any) -> None:
    """Let a signal between the announcement and the start of the event loop end the server as a later one does.

    As an exception it could arrive anywhere in the start of an event loop, which then waits for its own threads.
    """

    def end(_number: int, _frame: Any) -> None:
        server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)


def _raise_open_file_limit() -> None:
    """Allow what the system allows: every large object of moto's S3 is an open file."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _end_with_stdin(server: Any) -> None:
    sys.stdin.buffer.read()
    server.should_exit = True
    # The process is gone before then, unless the server cannot end by itself.
    threading.Event().wait(_END_SECONDS)
    os._exit(1)
