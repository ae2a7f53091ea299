"""A run in a process of its own, which kills itself at one of its calls: `python -m tests.crashes.process <job> <key>`.

Settings and services come from the environment, the Dagster instance from DAGSTER_HOME.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import dagster as dg

from batch_assets.settings import ENVIRONMENT_PREFIX
from tests.crashes.lifetime import Kill, Lifetime
from tests.world import World

_ROOT = Path(__file__).parents[2]
_CALL, _WHEN = "CRASH_CALL", "CRASH_WHEN"


def run_until(world: World, home: Path, job: str, key: str, kill: Kill) -> int:
    """Run a job in a process that dies; gives its exit code, -9 for SIGKILL."""
    chosen = {
        f"{ENVIRONMENT_PREFIX}{name.upper()}": str(value)
        for name, value in world.settings.model_dump(exclude_defaults=True).items()
    }
    environment = os.environ | chosen | {"DAGSTER_HOME": str(home), _CALL: str(kill.call), _WHEN: kill.when}
    command = [sys.executable, "-m", "tests.crashes.process", job, key]
    return subprocess.run(command, cwd=_ROOT, env=environment, check=False, stderr=subprocess.DEVNULL).returncode


def _die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("SIGKILL was survived")


def main(job: str, key: str) -> None:
    """Run a job of the environment's deployment for a partition."""
    from batch_assets.definitions import defs  # noqa: PLC0415 - made from the environment when it is imported

    kill = Kill(int(os.environ[_CALL]), "before" if os.environ[_WHEN] == "before" else "after")
    with dg.DagsterInstance.get() as instance, Lifetime(kill, _die).running():
        defs.resolve_job_def(job).execute_in_process(partition_key=key, instance=instance)


if __name__ == "__main__":
    main(*sys.argv[1:])
