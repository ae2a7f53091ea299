"""Loopback ports that a person asks for."""

import socket

import typer

_HOST = "127.0.0.1"


def require_free(port: int, *, option: str) -> None:
    """Refuse a port, as wrong usage of its option, that another program listens on; 0 is always free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            message = f"port {port} cannot be used: {error.strerror}. Choose another, or 0 for a free one"
            raise typer.BadParameter(message, param_hint=option) from error
