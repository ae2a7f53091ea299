"""`batch-assets gallery`: where it serves, and what it refuses before it does."""

import socket
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.world import World


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--port", "65536"], "--port"),
        (["--dagster-url", "localhost:3000"], "such as http://127.0.0.1:3000"),
        (["--dagster-url", "javascript:alert(1)"], "such as http://127.0.0.1:3000"),
        (["--host", "300.1.1.1", "--port", "0"], "300.1.1.1 port 0 cannot be used"),
        (["--host", "192.0.2.1", "--port", "0"], "192.0.2.1 port 0 cannot be used: Cannot assign requested address"),
        (["red"], "unexpected extra argument"),
    ],
)
def test_wrong_usage_is_told(command: Command, world: World, arguments: list[str], said: str) -> None:
    """One clear message, and exit code 2."""
    assert said in command.use(world.settings).refused("gallery", *arguments, code=2)


def test_a_port_that_is_taken_is_refused(command: Command, world: World) -> None:
    """With what to do."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        refusal = command.use(world.settings).refused("gallery", "--port", port, code=2)
    assert f"127.0.0.1 port {port} cannot be used: Address already in use. Choose another, or 0" in refusal


def test_missing_settings_are_told(command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Before anything listens."""
    monkeypatch.chdir(tmp_path)
    assert "BATCH_ASSETS_SOURCE_BUCKET is not set" in command.refused("gallery", "--port", "0", code=1)
