"""Running stages: turns, sizes, time, and the refusal of wrong results."""

import itertools
from pathlib import Path
from typing import Any

import pytest

from benchmarks.errors import BenchmarkError, WrongResultError
from benchmarks.measuring import Sample
from benchmarks.model import Contender, Role, Stage, Workload
from benchmarks.rounds import Effort, run_stage

FULL = Effort(quick=False, most_rounds=2, fewest_rounds=2, stage_seconds=60)
QUICK = Effort(quick=True, most_rounds=3, fewest_rounds=1, stage_seconds=60)


class Recorder:
    """Stands for the process of a contender: notes who ran and answers with given digests."""

    def __init__(self, sample: Any, digests: dict[str, Any] | None = None) -> None:
        """Take the digests by contender; who has none answers as all others."""
        self.ran: list[tuple[str, int]] = []
        self._sample, self._digests = sample, digests or {}

    def __call__(self, _stage: Stage, contender: Contender, workload: Workload) -> Sample:
        """Note the run."""
        assert list(workload.folder.iterdir()) == [workload.folder / "input"]
        self.ran.append((contender.name, workload.size))
        taken: Sample = self._sample(digest=self._digests.get(contender.name, "same"))
        return taken


def prepare(folder: Path, size: int) -> None:
    """Write an input."""
    (folder / "input").write_text(f"{size}", encoding="utf-8")


def test_contenders_take_turns_and_ours_also_runs_at_larger_sizes(sample: Any, stage: Any) -> None:
    """A B C A B C at N, then ours once at each of the others."""
    recorder = Recorder(sample)
    run_stage(stage(prepare=prepare), FULL, run=recorder, say=lambda _: None)
    everybody = [("ours", 10), ("script", 10), ("limit", 10)]
    assert recorder.ran == [*everybody, *everybody, ("ours", 40), ("ours", 160)]


def test_a_quick_run_has_only_the_quick_size(sample: Any, stage: Any) -> None:
    """Three rounds of it."""
    recorder = Recorder(sample)
    run = run_stage(stage(prepare=prepare), QUICK, run=recorder, say=lambda _: None)
    assert {size for _, size in recorder.ran} == {5}
    assert (run.size, len(run.samples["ours"]), run.larger) == (5, 3, {})


def test_no_round_begins_after_the_time_of_a_stage(sample: Any, stage: Any) -> None:
    """With 25 seconds between looks at the clock, the third round is too late for 60."""
    clock = itertools.count(step=25)
    effort = Effort(quick=True, most_rounds=9, fewest_rounds=1, stage_seconds=60)
    run = run_stage(
        stage(prepare=prepare), effort, run=Recorder(sample), say=lambda _: None, monotonic=lambda: next(clock)
    )
    assert len(run.samples["ours"]) == 3


def test_different_results_stop_the_stage_and_name_the_contenders(sample: Any, stage: Any) -> None:
    """No figure of a stage is worth anything if somebody is wrong."""
    recorder = Recorder(sample, {"script": "other"})
    with pytest.raises(WrongResultError, match="same: ours; other: script"):
        run_stage(stage(prepare=prepare), QUICK, run=recorder, say=lambda _: None)


def test_a_limit_needs_no_result_but_everybody_else_does(sample: Any, stage: Any) -> None:
    """A limit does not do the work; who does has to show it."""
    run_stage(stage(prepare=prepare), QUICK, run=Recorder(sample, {"limit": None}), say=lambda _: None)
    with pytest.raises(BenchmarkError, match="script gives no digest"):
        run_stage(stage(prepare=prepare), QUICK, run=Recorder(sample, {"script": None}), say=lambda _: None)


def test_services_run_while_contenders_do(sample: Any, stage: Any) -> None:
    """Their addresses are in the workload, and they end afterwards."""
    events: list[str] = []

    class Service:
        def __enter__(self) -> dict[str, str]:
            events.append("begins")
            return {"s3": "here"}

        def __exit__(self, *_: object) -> None:
            events.append("ends")

    def run(_stage: Stage, _contender: Contender, workload: Workload) -> Sample:
        events.append(workload.services["s3"])
        taken: Sample = sample()
        return taken

    served = stage({"ours": Role.OURS}, services=lambda _folder, _size: Service())
    effort = Effort(quick=True, most_rounds=1, fewest_rounds=1, stage_seconds=1)
    run_stage(served, effort, run=run, say=lambda _: None)
    assert events == ["begins", "here", "ends"]
