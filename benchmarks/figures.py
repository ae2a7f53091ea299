"""Medians of repetitions, ratios between contenders, and growth."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.measuring import Sample
from benchmarks.model import Measure, Role
from benchmarks.rounds import StageRun

Figures = Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class ContenderFigures:
    """What one contender came to: medians of its repetitions, by the name of the figure."""

    name: str
    role: Role
    rounds: int
    pool: bool
    medians: Figures


@dataclass(frozen=True, kw_only=True)
class StageFigures:
    """What a stage came to: contenders at the size where all ran, and ours by size."""

    size: int
    contenders: Sequence[ContenderFigures]
    larger: Mapping[int, Sequence[ContenderFigures]]

    def ours(self, size: int | None = None) -> Sequence[ContenderFigures]:
        """Return the figures of our own contenders, at a larger size if one is given."""
        contenders = self.contenders if size is None or size == self.size else self.larger[size]
        return [figures for figures in contenders if figures.role is Role.OURS]

    def best_of_ours(self, measure: Measure) -> ContenderFigures:
        """Return that of ours which needs least."""
        return min(self.ours(), key=lambda figures: figures.medians.get(measure, float("inf")))

    def named(self, name: str) -> ContenderFigures:
        """Return one contender's figures."""
        return next(figures for figures in self.contenders if figures.name == name)


def stage_figures(run: StageRun) -> StageFigures:
    """Bring the samples of a stage down to medians."""
    roles = {contender.name: contender.role for contender in run.stage.contenders}
    return StageFigures(
        size=run.size,
        contenders=_figures(run.samples, roles),
        larger={size: _figures(samples, roles) for size, samples in run.larger.items()},
    )


def ratios(figures: StageFigures) -> Mapping[str, Figures]:
    """Return, for each contender that is not ours and each measure, how many times as much as ours it needs."""
    return {
        other.name: {
            measure.value: other.medians[measure] / ours
            for measure in Measure
            if measure in other.medians and (ours := figures.best_of_ours(measure).medians.get(measure))
        }
        for other in figures.contenders
        if other.role is not Role.OURS
    }


def medians(samples: Sequence[Sample]) -> Figures:
    """Return the median of every figure that all repetitions have."""
    each = [_sample_figures(sample) for sample in samples]
    common = set.intersection(*(set(figures) for figures in each))
    return {name: median(figures[name] for figures in each) for name in sorted(common)}


def _sample_figures(sample: Sample) -> dict[str, float]:
    own = {name: value for name, value in sample.outcome.items() if _is_number(value)}
    measured = {
        Measure.WALL.value: sample.wall_seconds,
        Measure.CPU.value: sample.cpu_seconds,
        Measure.MEMORY.value: float(sample.peak_bytes),
        "ready_bytes": float(sample.ready_bytes),
        "cores": sample.cpu_seconds / sample.wall_seconds,
    }
    return own | measured


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _figures(samples: Mapping[str, Iterable[Sample]], roles: Mapping[str, Role]) -> Sequence[ContenderFigures]:
    return [
        ContenderFigures(
            name=name,
            role=roles[name],
            rounds=len(taken := list(each)),
            pool=any(sample.worker_cpu_seconds > 0 for sample in taken),
            medians=medians(taken),
        )
        for name, each in samples.items()
    ]
