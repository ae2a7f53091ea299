"""Measuring: clocks, memory, children, and processes of their own."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.contender_process import run_in_process
from benchmarks.discovery import find_stage, stage_names
from benchmarks.errors import BenchmarkError
from benchmarks.measuring import measure
from benchmarks.model import Contender, Outcome, Role, Workload

_MEGABYTE = 1_000_000


def test_memory_that_was_held_only_for_a_while_is_in_the_peak() -> None:
    """100 MB more than before, though nothing is left of it."""

    def work() -> Outcome:
        return {"digest": len(bytearray(100 * _MEGABYTE))}

    taken = measure(work)
    assert taken.outcome == {"digest": 100 * _MEGABYTE}
    assert taken.peak_bytes - taken.ready_bytes >= 95 * _MEGABYTE


def test_a_child_counts_for_cpu_and_peak() -> None:
    """A child that burns CPU and holds 300 MB is seen once it has ended."""
    program = "import time; held = bytearray(300_000_000); [time.process_time() for _ in range(200_000)]"

    def work() -> Outcome:
        return {"digest": subprocess.run([sys.executable, "-c", program], check=True).returncode}

    taken = measure(work)
    assert 0 < taken.worker_cpu_seconds <= taken.cpu_seconds
    assert taken.peak_bytes >= 300 * _MEGABYTE


def test_a_costly_digest_is_made_after_the_measurement() -> None:
    """What it allocates is not in the peak."""
    taken = measure(lambda: {"digest": lambda: len(bytearray(200 * _MEGABYTE))})
    assert taken.outcome["digest"] == 200 * _MEGABYTE
    assert taken.peak_bytes - taken.ready_bytes < 100 * _MEGABYTE


def test_a_contender_has_exactly_one_beginning(tmp_path: Path) -> None:
    """`load` for work on a workload, or `set_up` for what needs the inputs before the clocks run."""
    workload = Workload(tmp_path, 3)
    assert Contender("a", Role.OURS, load=lambda: lambda given: {"digest": given.size}).ready(workload)() == {
        "digest": 3
    }
    assert Contender("b", Role.OURS, set_up=lambda given: lambda: {"digest": given.size}).ready(workload)() == {
        "digest": 3
    }
    with pytest.raises(ValueError, match="either load or set_up"):
        Contender("c", Role.OURS).ready(workload)


@pytest.mark.slow
def test_every_stage_is_sound() -> None:
    """It is found by its name, has one of ours, and its targets name its contenders."""
    for name in stage_names():
        stage = find_stage(name)
        names = [contender.name for contender in stage.contenders]
        assert len(set(names)) == len(names)
        assert any(contender.role is Role.OURS for contender in stage.contenders)
        assert {target.against for target in stage.targets} <= set(names)
        assert stage.quick_size <= stage.sizes[0] < stage.sizes[1] < stage.sizes[2]


def test_an_unknown_stage_is_refused_with_those_there_are() -> None:
    """So that a misspelt name is seen at once."""
    with pytest.raises(BenchmarkError, match=r"no stage 'sarch'.*search"):
        find_stage("sarch")


@pytest.mark.slow
def test_contenders_agree_in_processes_of_their_own(tmp_path: Path) -> None:
    """A small search: a real process each, equal digests, time and memory measured."""
    stage = find_stage("search")
    stage.prepare(tmp_path, 500)
    workload = Workload(tmp_path, 500)
    contenders = [contender for contender in stage.contenders if contender.role in {Role.OURS, Role.PLAIN}]
    samples = [run_in_process(stage, contender, workload) for contender in contenders]
    assert len({sample.outcome["digest"] for sample in samples}) == 1
    assert all(sample.wall_seconds > 0 and sample.peak_bytes > _MEGABYTE for sample in samples)


@pytest.mark.slow
def test_a_contender_that_fails_says_why(tmp_path: Path) -> None:
    """The last lines of its process are in the message."""
    stage = find_stage("search")
    with pytest.raises(BenchmarkError, match=r"stage search, contender ours: sandbox, size 5(.|\n)*rows\.npy"):
        run_in_process(stage, stage.contenders[0], Workload(tmp_path, 5))
