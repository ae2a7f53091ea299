"""The schedule: the newest complete partitions, and a few before them for late pictures."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import dagster as dg
import pytest

from tests.conftest import Aws
from tests.world import definitions_of, deployment_settings

SCHEDULE = "plan_newest_partitions"


def _keys(aws: Aws, at: datetime, **settings: Any) -> list[str | None]:
    """Partitions that the schedule plans at a moment."""
    return [request.partition_key for request in _evaluate(aws, at, **settings).run_requests or []]


def _evaluate(aws: Aws, at: datetime, **settings: Any) -> Any:
    chosen = deployment_settings(aws, **{"first_partition": "2026/11/18", **settings})
    repository = definitions_of(chosen).get_repository_def()
    context = dg.build_schedule_context(scheduled_execution_time=at, repository_def=repository)
    return repository.get_schedule_def(SCHEDULE).evaluate_tick(context)


def test_the_newest_complete_partition_and_those_before_it_are_planned(aws: Aws) -> None:
    """A quarter past midnight the day before is complete; look back as far as is set."""
    at = datetime(2026, 11, 23, 0, 15, tzinfo=UTC)
    assert _keys(aws, at, look_back_partitions=2) == ["2026/11/21", "2026/11/22"]


def test_there_is_nothing_before_the_first_partition(aws: Aws) -> None:
    """The look-back ends where the pictures begin."""
    assert _keys(aws, datetime(2026, 11, 19, 0, 15, tzinfo=UTC)) == ["2026/11/18"]


def test_without_a_complete_partition_it_says_so(aws: Aws) -> None:
    """The first day is not over."""
    result = _evaluate(aws, datetime(2026, 11, 18, 12, tzinfo=UTC))
    assert result.run_requests == []
    assert "no partition is complete yet: the first is 2026/11/18" in result.skip_message


def test_a_day_ends_in_the_time_zone_that_is_set(aws: Aws) -> None:
    """In Shanghai the 22nd is over while it still lasts in UTC."""
    at = datetime(2026, 11, 23, 0, 15, tzinfo=timezone(timedelta(hours=8)))
    assert _keys(aws, at, look_back_partitions=1, timezone="Asia/Shanghai") == ["2026/11/22"]


@pytest.mark.parametrize(
    ("template", "first", "cron", "keys"),
    [
        ("photos/%Y/%m/", "2026/01", "15 0 1 * *", ["2026/09", "2026/10"]),
        ("photos/%Y/%m/%d/", "2026/01/01", "15 0 * * *", ["2026/11/21", "2026/11/22"]),
        ("photos/%Y/%m/%d/%H/", "2026/01/01/00", "15 * * * *", ["2026/11/22/22", "2026/11/22/23"]),
    ],
)
def test_it_comes_once_a_partition(aws: Aws, template: str, first: str, cron: str, keys: list[str]) -> None:
    """Monthly, daily or hourly, the set minutes after the end of a partition."""
    settings: dict[str, Any] = {"prefix_template": template, "first_partition": first, "look_back_partitions": 2}
    definitions = definitions_of(deployment_settings(aws, **settings))
    assert definitions.resolve_schedule_def(SCHEDULE).cron_schedule == cron
    assert _keys(aws, datetime(2026, 11, 23, 0, 15, tzinfo=UTC), **settings) == keys


def test_it_is_off_until_a_person_switches_it_on(aws: Aws) -> None:
    """The sensors only finish what was begun and run from the start; the schedule begins something."""
    definitions = definitions_of(deployment_settings(aws))
    assert definitions.resolve_schedule_def(SCHEDULE).default_status == dg.DefaultScheduleStatus.STOPPED
    for name in ("completion_sensor", "submission_sensor"):
        assert definitions.resolve_sensor_def(name).default_status == dg.DefaultSensorStatus.RUNNING
