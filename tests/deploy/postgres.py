"""A real PostgreSQL server for a test, from the system's packages."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from batch_assets.cli.dagster_process import free_port

HOST, NAME, PASSWORD = "127.0.0.1", "dagster", "only for / this @ test"
_SYSTEM_USER = "postgres"
_START_SECONDS = 60


def programs() -> Path | None:
    """The folder of the newest installed server's programs: Debian's, or that of the one in PATH."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda file: float(file.parts[-3]))
    found = installed[-1] if installed else shutil.which("initdb")
    return Path(found).parent if found else None


@dataclass(frozen=True)
class Postgres:
    """A running server with an empty database."""

    port: int

    @property
    def environment(self) -> Mapping[str, str]:
        """Where it is, in the variables of `deploy/dagster.yaml`."""
        return {
            "DAGSTER_POSTGRES_HOST": HOST,
            "DAGSTER_POSTGRES_PORT": str(self.port),
            "DAGSTER_POSTGRES_DB": NAME,
            "DAGSTER_POSTGRES_USER": NAME,
            "DAGSTER_POSTGRES_PASSWORD": PASSWORD,
        }


@contextmanager
def running_postgres(binaries: Path) -> Iterator[Postgres]:
    """Start a server that asks for a password and listens on loopback alone; it is gone at the end of the block."""
    # It refuses to run as root, and cannot enter a folder that only root may.
    user = _SYSTEM_USER if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        password = folder / "password"
        password.write_text(PASSWORD, encoding="utf-8")
        if user:
            shutil.chown(folder, user)
            shutil.chown(password, user)
        _run(binaries, user, *_initdb(folder, password))
        server = Postgres(free_port())
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [binaries / "postgres", "-D", folder / "data", *_options(folder, server.port)],
                user=user,
                cwd=folder,
                stdout=log,
                stderr=log,
            )
        try:
            _create_database(binaries, server)
            yield server
        finally:
            process.send_signal(signal.SIGINT)  # its fast shutdown: clients are sent away
            process.wait(_START_SECONDS)


def _initdb(folder: Path, password: Path) -> list[str | Path]:
    access = [f"--username={NAME}", f"--pwfile={password}", "--auth=scram-sha-256"]
    return ["initdb", "--pgdata", folder / "data", *access, "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]


def _options(folder: Path, port: int) -> list[str]:
    values = {"listen_addresses": HOST, "port": port, "unix_socket_directories": folder, "fsync": "off"}
    return [part for name, value in values.items() for part in ("-c", f"{name}={value}")]


def _create_database(binaries: Path, server: Postgres) -> None:
    """Create it, as soon as the server takes connections."""
    reached = ["--host", HOST, "--port", str(server.port)]
    _run(binaries, None, "pg_isready", *reached, f"--timeout={_START_SECONDS}", attempts=_START_SECONDS * 10)
    _run(binaries, None, "createdb", *reached, "--username", NAME, NAME)


def _run(binaries: Path, user: str | None, program: str | Path, *arguments: str | Path, attempts: int = 1) -> None:
    command = [binaries / program, *arguments]
    for _ in range(attempts):
        done = subprocess.run(
            command,
            user=user,
            cwd="/",
            env={**os.environ, "PGPASSWORD": PASSWORD},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == 0:
            return
    raise RuntimeError(f"{program} ended with {done.returncode}: {done.stderr}")
