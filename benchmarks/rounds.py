"""Running a stage: contenders take turns, round after round, while its time lasts."""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contender_process import Run, run_in_process
from benchmarks.correctness import check_digests
from benchmarks.measuring import Sample
from benchmarks.model import Contender, Role, Stage, Workload


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How much is measured.

    Attributes:
        quick: The quick size alone, instead of N with ours at 4 N and 16 N too.
        most_rounds: Repetitions of each contender.
        fewest_rounds: So many in any case.
        stage_seconds: After these no further round of a stage is begun.
    """

    quick: bool
    most_rounds: int
    fewest_rounds: int
    stage_seconds: float


@dataclass(frozen=True, kw_only=True)
class StageRun:
    """What was measured of a stage: samples by contender at the size where all ran, and of ours at larger ones."""

    stage: Stage
    size: int
    samples: Mapping[str, Sequence[Sample]]
    larger: Mapping[int, Mapping[str, Sequence[Sample]]]


@dataclass(frozen=True, kw_only=True)
class _Means:
    run: Run
    say: Callable[[str], object]
    monotonic: Callable[[], float]


def run_stage(
    stage: Stage,
    effort: Effort,
    *,
    run: Run = run_in_process,
    say: Callable[[str], object] = print,
    monotonic: Callable[[], float] = time.monotonic,
) -> StageRun:
    """Measure a stage.

    Raises:
        BenchmarkError: If a contender fails, or results differ.
    """
    size = stage.quick_size if effort.quick else stage.sizes[0]
    means = _Means(run=run, say=say, monotonic=monotonic)
    samples = _run_size(stage, stage.contenders, size, effort, means)
    ours = tuple(contender for contender in stage.contenders if contender.role is Role.OURS)
    once = Effort(quick=effort.quick, most_rounds=1, fewest_rounds=1, stage_seconds=0)
    larger_sizes = () if effort.quick else stage.sizes[1:]
    larger = {larger_size: _run_size(stage, ours, larger_size, once, means) for larger_size in larger_sizes}
    return StageRun(stage=stage, size=size, samples=samples, larger=larger)


def _run_size(
    stage: Stage,
    contenders: Sequence[Contender],
    size: int,
    effort: Effort,
    means: _Means,
) -> Mapping[str, Sequence[Sample]]:
    with tempfile.TemporaryDirectory(prefix=f"benchmark-{stage.name}-") as name:
        folder = Path(name)
        stage.prepare(folder, size)
        with stage.services(folder, size) if stage.services else nullcontext({}) as services:
            workload = Workload(folder, size, services)
            samples: dict[str, list[Sample]] = {contender.name: [] for contender in contenders}
            for contender, sample in _taking_turns(stage, contenders, workload, effort, means):
                samples[contender.name].append(sample)
    check_digests(stage.name, contenders, samples)
    return samples


def _taking_turns(
    stage: Stage, contenders: Sequence[Contender], workload: Workload, effort: Effort, means: _Means
) -> Iterator[tuple[Contender, Sample]]:
    """Yield a sample of each contender, round after round."""
    ends_at = means.monotonic() + effort.stage_seconds
    for number in range(1, effort.most_rounds + 1):
        if number > effort.fewest_rounds and means.monotonic() >= ends_at:
            return
        for contender in contenders:
            sample = means.run(stage, contender, workload)
            means.say(
                f"{stage.name} {workload.size:,} round {number} {contender.name}: "
                f"{sample.wall_seconds:.3f} s, CPU {sample.cpu_seconds:.3f} s, {sample.peak_bytes / 1e6:,.0f} MB"
            )
            yield contender, sample
