"""Medians, ratios, and what was reached."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.errors import BenchmarkError
from benchmarks.figures import StageFigures, medians, ratios, stage_figures
from benchmarks.model import Bound, Measure, Role, Target
from benchmarks.rounds import StageRun
from benchmarks.targets import verdicts


@pytest.fixture
def figures(sample: Any, stage: Any) -> StageFigures:
    """Give ours alone and in a pool against a script, with ours alone at a larger size too."""
    roles = {"alone": Role.OURS, "pool": Role.OURS, "script": Role.PLAIN}
    samples = {
        "alone": [sample(wall=2.0, cpu=2.0, calls=3)],
        "pool": [sample(wall=1.0, cpu=2.5, pool=2.0, calls=4)],
        "script": [sample(wall=20.0, cpu=10.0, peak=400)],
    }
    larger = {40: {"alone": [sample(peak=130, calls=5)], "pool": [sample(calls=5)]}}
    return stage_figures(StageRun(stage=stage(roles), size=10, samples=samples, larger=larger))


def test_a_median_is_of_every_figure_that_all_repetitions_have(sample: Any) -> None:
    """An outlier does not count, text and truth are no figures, and cores come from CPU and wall clock."""
    found = medians([sample(wall=2.0, cpu=cpu, calls=7, label="x", right=True) for cpu in (1.0, 1.2, 90.0)])
    assert (found["cpu_seconds"], found["wall_seconds"], found["calls"]) == (1.2, 2.0, 7)
    assert found["cores"] == pytest.approx(0.6)
    assert not {"digest", "label", "right"} & set(found)


def test_ratios_are_against_the_best_of_ours_in_each_measure(figures: StageFigures) -> None:
    """The pool is best by the clock, the single process by CPU."""
    assert ratios(figures) == {"script": {"wall_seconds": 20.0, "cpu_seconds": 5.0, "peak_bytes": 4.0}}


def test_a_pool_is_recognised_by_the_time_of_its_workers(figures: StageFigures) -> None:
    """So that the report can say whose peak it is."""
    assert [contender.pool for contender in figures.contenders] == [False, True, False]


def test_targets_say_whether_and_by_how_much(stage: Any, figures: StageFigures) -> None:
    """20 x where 16 are wanted is a quarter to spare; 5 x where 10 are wanted is half short."""
    wanted = stage(
        targets=(
            Target("script", Measure.WALL, at_least=16),
            Target("script", Measure.CPU, at_least=10),
            Target("script", Measure.MEMORY, at_most=0.5),
        )
    )
    found = verdicts(wanted, figures)
    assert [(verdict.value, verdict.reached) for verdict in found] == [(20, True), (5, False), (0.25, True)]
    assert [verdict.margin for verdict in found] == pytest.approx([0.25, -0.5, 0.5])
    assert [verdict.contender for verdict in found] == ["pool", "alone", "alone"]


def test_a_bound_counts_the_worst_of_ours(stage: Any, figures: StageFigures) -> None:
    """At N, or at every size."""
    bounds = (Bound("calls", at_most=4), Bound("calls", at_least=3, at_most=4, at_every_size=True))
    found = verdicts(stage(bounds=bounds), figures)
    assert [(verdict.value, verdict.reached, verdict.wanted) for verdict in found] == [
        (4, True, "at most 4"),
        (5, False, "3 to 4"),
    ]


def test_a_bound_of_zero_is_reached_by_zero_alone(stage: Any, figures: StageFigures) -> None:
    """Three calls too many are three short of nothing."""
    [found] = verdicts(stage(bounds=(Bound("calls", at_most=0),)), figures)
    assert (found.reached, found.margin) == (False, -4.0)


@pytest.mark.parametrize(
    "members",
    [
        {"targets": (Target("nobody", Measure.CPU, at_least=1),)},
        {"targets": (Target("script", Measure.OUTPUT, at_most=1),)},
        {"targets": (Target("script", Measure.CPU),)},
        {"bounds": (Bound("unheard_of", at_most=1),)},
    ],
)
def test_a_target_that_nobody_can_judge_is_refused(stage: Any, figures: StageFigures, members: Any) -> None:
    """A misspelt name is no target reached."""
    with pytest.raises(BenchmarkError):
        verdicts(stage(**members), figures)


@given(st.floats(0.01, 1e6), st.floats(0.01, 1e6), st.floats(0.01, 1e3))
def test_a_target_holds_exactly_if_its_margin_is_not_negative(other: float, ours: float, wanted: float) -> None:
    """Whatever the figures."""
    from benchmarks.figures import ContenderFigures  # noqa: PLC0415 - only here
    from benchmarks.model import Stage  # noqa: PLC0415

    def contender(name: str, role: Role, value: float) -> ContenderFigures:
        return ContenderFigures(name=name, role=role, rounds=1, pool=False, medians={"cpu_seconds": value})

    figures = StageFigures(
        size=1, contenders=[contender("a", Role.OURS, ours), contender("b", Role.PEER, other)], larger={}
    )
    stage = Stage(
        name="s",
        title="",
        unit="",
        sizes=(1, 4, 16),
        quick_size=1,
        prepare=lambda *_: None,
        contenders=(),
        targets=(Target("b", Measure.CPU, at_least=wanted),),
    )
    [verdict] = verdicts(stage, figures)
    assert verdict.reached == (verdict.margin >= 0) == (other / ours >= wanted)
