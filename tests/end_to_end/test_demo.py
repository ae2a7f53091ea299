"""`batch-assets demo`, run as a user does."""

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.world import picture

PROGRAM = Path(sys.executable).with_name("batch-assets")
END_SECONDS = 280
_UNWANTED = ("AWS_", "BATCH_ASSETS_", "DAGSTER_", "COLUMNS")
MINIMUM = 100
"""Pictures in the smallest batch job."""
SUMMARY = {"partitions", "images", "embedded", "rejected", "indexed", "jobs", "seconds", "searches"}


@dataclass(frozen=True)
class Ended:
    """A demo that has ended, in the folder that it was started in."""

    folder: Path
    exit_code: int
    output: str
    errors: str
    left_running: list[str]
    left_in_temporary_folder: list[str]

    @property
    def summary(self) -> Any:
        """What `--json` printed."""
        return json.loads(self.output)


@dataclass(frozen=True)
class Demo:
    """The command in a folder of its own, as on a machine without any AWS settings."""

    folder: Path
    arguments: tuple[str, ...]
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    def start(self) -> subprocess.Popen[str]:
        """Start it; all that it starts inherits a variable that nothing else has."""
        self.temporary.mkdir()
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_UNWANTED)}
        return subprocess.Popen(
            [PROGRAM, "demo", *self.arguments],
            cwd=self.folder,
            env={**kept, "DEMO_MARK": self.mark, "TMPDIR": str(self.temporary)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self, process: subprocess.Popen[str]) -> Ended:
        """Wait for its end, and see what it leaves; a demo that hangs is killed with all that it started."""
        try:
            output, errors = process.communicate(timeout=END_SECONDS)
        finally:
            left = dict(_marked(f"DEMO_MARK={self.mark}"))
            for process_id in left:
                os.kill(process_id, signal.SIGKILL)
        files = [entry.name for entry in self.temporary.iterdir()]
        return Ended(self.folder, process.returncode, output, errors, list(left.values()), files)

    @property
    def temporary(self) -> Path:
        """Where its temporary files go."""
        return self.folder / "temporary"


def demo(folder: Path, *arguments: str) -> Ended:
    """Run it to its end."""
    command = Demo(folder, arguments)
    return command.end(command.start())


def _marked(mark: str) -> Iterator[tuple[int, str]]:
    """Process id and command line of the processes that inherited a mark in their environment."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (process / "environ").read_bytes().split(b"\0"):
                yield int(process.name), (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:  # it has ended meanwhile, or belongs to somebody else
            continue


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """The demo with the package's own pictures."""
    return demo(tmp_path_factory.mktemp("demo"), "--json")


@pytest.mark.slow
def test_it_ends_well_and_leaves_nothing_running(ended: Ended) -> None:
    """Exit code 0, no traceback, no process, no temporary files."""
    assert ended.exit_code == 0, ended.errors
    assert "Traceback" not in ended.errors
    assert "stands in for Nova" in ended.errors
    assert ended.left_running == []
    assert ended.left_in_temporary_folder == []


@pytest.mark.slow
def test_its_summary_accounts_for_every_picture(ended: Ended) -> None:
    """One JSON object on standard output, with exactly the promised keys; every sum is right."""
    summary = ended.summary
    assert set(summary) == SUMMARY
    assert summary["embedded"] + summary["rejected"] == summary["images"]
    assert summary["indexed"] == summary["embedded"] >= 600
    assert 0 < summary["seconds"] < 180
    for name in ("images", "embedded", "rejected", "indexed"):
        assert summary[name] == sum(row[name] for row in summary["partitions"])


@pytest.mark.slow
def test_each_partition_has_one_job(ended: Ended) -> None:
    """Five days with at least a batch job's minimum each, all of them at rest."""
    rows = ended.summary["partitions"]
    assert len(rows) == 5
    assert all(row["embedded"] >= MINIMUM for row in rows)
    assert [row["jobs"] for row in rows] == [[job] for job in ended.summary["jobs"]]
    assert {(row["state"], row["to_do"], row["in_flight"]) for row in rows} == {("loaded", 0, None)}


@pytest.mark.slow
def test_each_rejection_has_a_reason(ended: Ended) -> None:
    """The four spoilt files are told apart, each in words."""
    reasons = [reason for row in ended.summary["partitions"] for reason in row["reasons"]]
    assert sum(reason["images"] for reason in reasons) == ended.summary["rejected"] == 4
    assert {"empty", "unsupported_format"} < {reason["code"] for reason in reasons}
    assert all(" " in reason["message"] for reason in reasons)


@pytest.mark.slow
def test_its_searches_find_pictures(ended: Ended) -> None:
    """By words and by a picture, which is the nearest to itself; the contact sheet shows them."""
    by_words, by_picture = ended.summary["searches"]
    assert by_words["matches"]
    nearest = by_picture["matches"][0]
    assert by_picture["query"].endswith(nearest["key"])
    assert nearest["distance"] == pytest.approx(0, abs=1e-4)
    sheet = (ended.folder / "demo.html").read_text(encoding="utf-8")
    found = len(by_words["matches"]) + len(by_picture["matches"])
    assert sheet.count('<img src="data:image/jpeg;base64,') == found


@pytest.mark.slow
@pytest.mark.soak
def test_own_pictures_take_the_same_way(tmp_path: Path) -> None:
    """120 pictures in two folders, two of one name: all are embedded and found under their own keys."""
    pictures = tmp_path / "pictures"
    for number in range(120):
        file = pictures / ("left" if number % 2 else "right") / f"{number // 2:03d}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(picture(number))
    ended = demo(tmp_path, "--images", str(pictures))
    assert ended.exit_code == 0, ended.errors
    assert "120 pictures in 1 partition: 120 embedded, 0 rejected, 120 indexed by 1 batch job" in ended.output
    assert (tmp_path / "demo.html").exists()
    assert ended.left_running == []


@pytest.mark.slow
@pytest.mark.soak
def test_ctrl_c_ends_everything(tmp_path: Path) -> None:
    """While it works: the sandbox, Dagster and the temporary home are gone at once."""
    command = Demo(tmp_path, ())
    process = command.start()
    assert process.stdout is not None
    while "watch it" not in (line := process.stdout.readline()):
        assert line, "it has ended before"
    process.send_signal(signal.SIGINT)
    ended = command.end(process)
    assert (ended.exit_code, ended.errors) == (130, "")
    assert ended.left_running == []
    assert ended.left_in_temporary_folder == []


@pytest.mark.slow
@pytest.mark.soak
def test_a_handful_of_pictures_is_embedded_on_demand(tmp_path: Path) -> None:
    """A first look needs no hundred pictures."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number in range(7):
        (pictures / f"{number}.png").write_bytes(picture(number))
    ended = demo(tmp_path, "--images", str(pictures))
    assert ended.exit_code == 0, ended.errors
    assert "7 pictures in 1 partition: 7 embedded, 0 rejected, 7 indexed on demand" in ended.output


def test_a_folder_without_a_picture_is_refused_before_anything_starts(tmp_path: Path) -> None:
    """Wrong usage, with what is taken."""
    (tmp_path / "notes.txt").write_text("no picture", encoding="utf-8")
    ended = demo(tmp_path, "--images", str(tmp_path))
    assert (ended.exit_code, ended.output) == (2, "")
    assert "no picture was found" in ended.errors
    assert "Traceback" not in ended.errors
    assert ended.left_in_temporary_folder == []


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """Wrong usage, with the folder's name."""
    missing = tmp_path / "nowhere"
    ended = demo(tmp_path, "--images", str(missing))
    assert (ended.exit_code, ended.output) == (2, "")
    assert f"{missing} is not a folder" in ended.errors


def test_a_contact_sheet_that_cannot_be_written_is_refused_at_once(tmp_path: Path) -> None:
    """Not after the whole pipeline has run."""
    ended = demo(tmp_path, "--html", "nowhere/demo.html")
    assert (ended.exit_code, ended.output) == (2, "")
    assert "is not a folder" in ended.errors
