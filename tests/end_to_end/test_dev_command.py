"""`batch-assets dev` ends as one, however and whenever it is told to."""

import os
import signal
from pathlib import Path

import pytest

from tests.conftest import wait_for
from tests.dev_command import END_SECONDS, START_SECONDS, DevCommand

pytestmark = pytest.mark.slow


@pytest.mark.soak
def test_polite_kill_ends_everything(tmp_path: Path) -> None:
    """What a service manager sends is as good as Ctrl-C: no process and no folder is left."""
    with DevCommand(tmp_path / "output.log") as command:
        command.wait_for_url()
        home = command.home()

        assert command.end(signal.SIGTERM) == 0, command.output()

        assert command.left_over() == {}
        assert not home.exists()


def test_ctrl_c_during_the_start_ends_everything(tmp_path: Path) -> None:
    """Who changes their mind while Dagster loads gets the terminal back, and nothing goes on behind it."""
    with DevCommand(tmp_path / "output.log") as command:
        wait_for(
            lambda: "Launching Dagster services" in command.output(),
            what="Dagster to start",
            deadline_seconds=START_SECONDS,
        )

        assert command.end(signal.SIGINT) != 0, "it was not ready"

        assert command.left_over() == {}
        assert "Traceback" not in command.output()


def test_end_of_dagster_is_told(tmp_path: Path) -> None:
    """When Dagster ends by itself the command does not look as if all were well, and leaves nothing either."""
    with DevCommand(tmp_path / "output.log") as command:
        command.wait_for_url()
        (dagster,) = [number for number, line in command.running().items() if "-m dagster dev" in line]

        os.kill(dagster, signal.SIGKILL)

        assert command.process.wait(END_SECONDS) == 1
        assert "dagster dev ended by itself" in command.output()
        assert command.left_over() == {}
