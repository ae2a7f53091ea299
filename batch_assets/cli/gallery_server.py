"""The search page on a port, in the foreground or behind another command."""

import signal
import socket
import threading
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self

import typer

from batch_assets.cli.clients import Clients
from batch_assets.refusals import explanation

_BACKLOG = 128
_END_SECONDS = 5


class GalleryServer:
    """Listens from the start of its block, serves with `run` or `start`, and ends with the block."""

    def __init__(self, app: Any, listener: socket.socket, host: str) -> None:
        """Take over an application and a socket that is bound."""
        import uvicorn  # noqa: PLC0415 only who serves needs it

        self._listener, self._host = listener, host
        self._thread: threading.Thread | None = None
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                http="h11",
                ws="none",
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_END_SECONDS,
            )
        )

    @classmethod
    def of(
        cls,
        clients: Clients,
        *,
        port: int,
        host: str = "127.0.0.1",
        names: Iterable[str] = (),
        dagster_url: str | None = None,
        note: str | None = None,
    ) -> Self:
        """The page of a deployment. Raises `typer.BadParameter` if the address cannot be bound."""
        from batch_assets.gallery.application import create_app  # noqa: PLC0415 Pillow and Starlette, only wanted here
        from batch_assets.gallery.deployment import Deployment  # noqa: PLC0415

        deployment = Deployment(
            settings=clients.settings,
            s3=clients.s3,
            s3vectors=clients.s3vectors,
            bedrock_runtime=clients.bedrock_runtime,
            tables=clients.tables,
            dagster_url=dagster_url,
            note=note,
        )
        app = create_app(deployment, host=host, names=names, explain=explanation)
        return cls(app, _bound(host, port), host)

    @property
    def url(self) -> str:
        """Address of the page."""
        port = self._listener.getsockname()[1]
        return f"http://[{self._host}]:{port}/" if ":" in self._host else f"http://{self._host}:{port}/"

    def run(self) -> None:
        """Serve until interrupted."""

        def end(_number: int, _frame: Any) -> None:
            self._server.should_exit = True

        # As an exception a signal could arrive anywhere in the start of the event loop.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, end)
        self._server.run(sockets=[self._listener])

    def start(self) -> None:
        """Serve in a thread."""
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._listener]}, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the thread, and close the socket."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(2 * _END_SECONDS)
        self._listener.close()


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        message = f"{host} port {port} cannot be used: {error.strerror}. Choose another, or 0 for a free port"
        raise typer.BadParameter(message, param_hint="--port or --host") from error
    listener.listen(_BACKLOG)
    return listener
