"""The process that runs are forked from: what it runs, whom it interrupts, what it reports, and when it ends."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from batch_assets.launching.run_launcher import ForkServerError, ForkServerProcess, ask
from tests.conftest import wait_for

pytestmark = pytest.mark.slow

MODULES = {
    "writes": "import os, sys\nopen(sys.argv[1], 'w').write(f'{os.getpid()} {sys.argv[2]} {__name__}')",
    "waits": "import sys, time\nopen(sys.argv[1], 'w').close()\n"
    "try:\n    time.sleep(600)\nexcept KeyboardInterrupt:\n    open(sys.argv[2], 'w').write('interrupted')",
    "leaves": "import sys\nsys.exit(int(sys.argv[1]))",
    "dies": "import os\nos.kill(os.getpid(), 9)",
    "reports": "import sys\nopen(sys.argv[1], 'w').write(' '.join(sys.argv[2:]))",
}


@pytest.fixture
def server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[ForkServerProcess]:
    """A fork server that has nothing of Dagster imported, and small modules to run."""
    for name, text in MODULES.items():
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    started = ForkServerProcess.started("no arguments of a run")
    yield started
    started.retire()
    assert started.process.wait(30) == 0
    capfd.readouterr()


def run(server: ForkServerProcess, run_id: str, *command: object, report: tuple[object, ...] = ("writes",)) -> int:
    answer = ask(
        server.socket_path,
        {"run_id": run_id, "command": [str(part) for part in command], "report": [str(part) for part in report]},
    )
    return int(answer["pid"])


def text_of(file: Path) -> str:
    found: str = wait_for(lambda: file.exists() and file.read_text(), what=f"{file.name} to be written")
    return found


def test_each_run_is_a_process_of_its_own(server: ForkServerProcess, tmp_path: Path) -> None:
    """It runs a module as the interpreter does, with the arguments that it was given."""
    pids = [run(server, str(number), "writes", tmp_path / f"file-{number}", "argument") for number in range(3)]
    assert len(set(pids)) == 3
    assert [text_of(tmp_path / f"file-{number}") for number in range(3)] == [f"{pid} argument __main__" for pid in pids]


def test_a_run_is_interrupted_by_its_id(server: ForkServerProcess, tmp_path: Path) -> None:
    """It can still say goodbye; a run that is over or unknown is not touched."""
    run(server, "mine", "waits", tmp_path / "begun", tmp_path / "goodbye")
    wait_for((tmp_path / "begun").exists, what="the run to begin")
    assert ask(server.socket_path, {"terminate": "another"}) == {"terminated": False}
    assert ask(server.socket_path, {"terminate": "mine"}) == {"terminated": True}
    assert text_of(tmp_path / "goodbye") == "interrupted"
    wait_for(lambda: not ask(server.socket_path, {"terminate": "mine"})["terminated"], what="the run to be over")


@pytest.mark.parametrize(("command", "code"), [(("leaves", 3), "3"), (("dies",), "-9")])
def test_a_run_that_died_is_reported(
    server: ForkServerProcess, tmp_path: Path, command: tuple[object, ...], code: str
) -> None:
    """Somebody has to tell Dagster, and the run itself cannot: a second process does, with the exit code."""
    run(server, "mine", *command, report=("reports", tmp_path / "report", "arguments"))
    assert text_of(tmp_path / "report") == f"arguments {code}"


def test_a_run_that_ended_well_is_not_reported(server: ForkServerProcess, tmp_path: Path) -> None:
    """There is nothing to tell."""
    run(server, "good", "leaves", 0, report=("reports", tmp_path / "report"))
    run(server, "bad", "leaves", 1, report=("reports", tmp_path / "other", "told"))
    assert text_of(tmp_path / "other") == "told 1"
    assert not (tmp_path / "report").exists()


def test_it_waits_for_its_runs_before_it_ends(server: ForkServerProcess, tmp_path: Path) -> None:
    """A daemon that is started anew interrupts no run."""
    run(server, "mine", "waits", tmp_path / "begun", tmp_path / "goodbye")
    wait_for((tmp_path / "begun").exists, what="the run to begin")
    server.retire()
    assert server.alive
    assert ask(server.socket_path, {"terminate": "mine"}) == {"terminated": True}
    wait_for(lambda: not server.alive, what="the fork server to end")
    with pytest.raises(ForkServerError, match="does not answer"):
        ask(server.socket_path, {"terminate": "mine"})
