"""`batch-assets sandbox`: what it prints, where it listens, and that it ends."""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import Command

PROGRAM = Path(sys.executable).with_name("batch-assets")
END_SECONDS = 20


@contextmanager
def serving(*options: str) -> Iterator[subprocess.Popen[str]]:
    """The command in a process of its own, which a failed test does not leave behind."""
    process = subprocess.Popen(
        [PROGRAM, "sandbox", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def first_line(process: subprocess.Popen[str]) -> str:
    """What it prints once requests are queued."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def wait_until_healthy(url: str) -> None:
    """One request: it is queued until the server answers."""
    with urllib.request.urlopen(f"{url}/_local/health", timeout=30) as reply:  # noqa: S310 loopback
        assert json.load(reply) == {"status": "ok"}


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_its_address_and_ends_on_a_signal(number: signal.Signals) -> None:
    """Ctrl-C and a polite kill leave no process, and nothing on standard error."""
    with serving() as process:
        url = first_line(process)
        assert url.startswith("http://127.0.0.1:")
        wait_until_healthy(url)
        process.send_signal(number)
        assert process.wait(END_SECONDS) in {0, -number}
        assert process.stderr is not None
        assert process.stderr.read() == ""


@pytest.mark.slow
def test_its_exports_are_for_a_shell() -> None:
    """`bash` takes them as they are; they send clients to it, and unset what would send them elsewhere."""
    with serving("--env", "--speed", "0") as process:
        assert process.stdout is not None
        lines = [first_line(process)]
        while not lines[-1].startswith("export AWS_EC2_METADATA_DISABLED="):
            lines.append(process.stdout.readline().strip())
        script = "\n".join([*lines, f"exec {shlex.quote(sys.executable)} -c {shlex.quote(SHOW_ENVIRONMENT)}"])
        told = subprocess.run(
            ["bash", "-euc", script],
            env={**os.environ, "AWS_PROFILE": "production", "AWS_BEARER_TOKEN_BEDROCK": "secret"},
            capture_output=True,
            text=True,
            check=True,
        )
        environment = json.loads(told.stdout)
        assert not {"AWS_PROFILE", "AWS_BEARER_TOKEN_BEDROCK"} & environment.keys()
        assert environment["AWS_ACCESS_KEY_ID"] == "sandbox"
        wait_until_healthy(environment["AWS_ENDPOINT_URL_S3"])


SHOW_ENVIRONMENT = "import json, os; print(json.dumps(dict(os.environ)))"


@pytest.mark.slow
def test_it_listens_on_loopback_alone() -> None:
    """Its port is closed on every other address."""
    with serving() as process:
        url = first_line(process)
        wait_until_healthy(url)
        port = int(url.rpartition(":")[2])
        with socket.socket() as other, pytest.raises(OSError, match="refused"):
            other.connect(("127.0.0.2", port))
        listening = Path("/proc/net/tcp").read_text(encoding="ascii") + Path("/proc/net/tcp6").read_text("ascii")
        local = {line.split()[1] for line in listening.splitlines() if f":{port:04X} " in line and " 0A " in line}
        assert local == {f"0100007F:{port:04X}"}


@pytest.mark.parametrize("arguments", [["sandbox", "--port"], ["dev", "--port"], ["dev", "--sandbox-port"]])
def test_a_port_that_is_taken_is_refused(command: Command, arguments: list[str]) -> None:
    """Wrong usage, with the port and what to choose."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refusal = command.refused(*arguments, str(port), code=2)
    assert f"{arguments[1]}: port {port} cannot be used: Address already in use. Choose another" in refusal


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_a_port_that_is_none_is_refused(command: Command, port: str) -> None:
    """Wrong usage."""
    assert "--port" in command.refused("sandbox", "--port", port, code=2)


@pytest.mark.parametrize("name", ["sandbox", "dev", "demo"])
def test_without_its_packages_it_says_what_to_install(
    command: Command, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """An installation for an account has no sandbox."""
    monkeypatch.setattr("batch_assets.cli.sandbox.find_spec", lambda module: None if module == "moto" else module)
    refusal = command.refused(name, code=1)
    assert refusal.startswith("Error: the sandbox needs packages that are not installed (moto)")
    assert "batch_assets[sandbox]" in refusal
