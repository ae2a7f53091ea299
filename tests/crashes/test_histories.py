"""Whatever happens to pictures, jobs and processes, in whatever order: nothing is lost or paid for twice."""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.conftest import Aws
from tests.crashes.history import Bill, History

_STEPS = 8


@pytest.mark.filterwarnings("ignore:Implicitly cleaning up:ResourceWarning")  # a dead process cleans nothing up
@pytest.mark.parametrize(
    "examples",
    [
        pytest.param(3, marks=pytest.mark.timeout(900)),
        pytest.param(25, marks=[pytest.mark.soak, pytest.mark.timeout(900)]),
        pytest.param(500, marks=[pytest.mark.soak, pytest.mark.timeout(3 * 3600)]),
    ],
)
def test_a_deployment_that_has_come_to_rest_is_right_whatever_its_history(
    aws: Aws, examples: int, record_property: Callable[[str, object], None]
) -> None:
    """Table = pictures - refused - held, index = table, and each picture is paid for once."""
    profile = settings(
        max_examples=examples,
        stateful_step_count=_STEPS,
        deadline=None,
        derandomize=examples < 100,  # the short run always tells the same; the long one finds something new
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    bill = Bill()
    machine: Any = partial(History, aws, bill)  # it asks for a class, and calls it
    run_state_machine_as_test(machine, settings=profile)
    for name, number in asdict(bill).items():
        record_property(name, number)
