"""Which partitions a search is narrowed to."""

import pytest
import typer

from batch_assets.cli.search import chosen_partitions
from batch_assets.settings import Settings


def settings(template: str, first: str) -> Settings:
    """Settings of a deployment with this template."""
    return Settings(
        _env_file=None,  # type: ignore[call-arg]  # of pydantic-settings, not a field
        source_bucket="pictures",
        prefix_template=template,
        first_partition=first,
        account_id="123456789012",
        role_arn="arn:aws:iam::123456789012:role/batch",
        vector_bucket="vectors",
    )


DAILY = settings("photos/%Y/%m/%d/", "2024/01/01")
HOURLY = settings("photos/%Y-%m-%d/%H/", "2024-01-01/00")
MONTHLY = settings("photos/%Y/%m/", "2024/01")


def test_nothing_given_narrows_nothing() -> None:
    """All partitions, also those that the settings no longer name."""
    assert chosen_partitions(DAILY, [], since=None, until=None) is None


@pytest.mark.parametrize(
    ("deployment", "since", "until", "expected"),
    [
        (DAILY, "2024/02/28", "2024-03-01", ("2024/02/28", "2024/02/29", "2024/03/01")),
        (DAILY, None, "2024/01/02", ("2024/01/01", "2024/01/02")),
        (
            HOURLY,
            "2024-01-02/22",
            "2024-01-03/01",
            ("2024-01-02/22", "2024-01-02/23", "2024-01-03/00", "2024-01-03/01"),
        ),
        (HOURLY, "2024-01-02T22:30", "2024-01-02", ("2024-01-02/22", "2024-01-02/23")),
        (MONTHLY, "2024-01-31", "2024-02-01", ("2024/01", "2024/02")),
        (MONTHLY, "2024-02-15", "2024/02", ("2024/02",)),
    ],
)
def test_both_ends_are_included(deployment: Settings, since: str | None, until: str, expected: tuple[str, ...]) -> None:
    """Also the last hours of a day, and a month of which only a day is named."""
    assert chosen_partitions(deployment, [], since=since, until=until) == expected


def test_a_whole_day_has_its_hours() -> None:
    """A date as both ends is the day."""
    keys = chosen_partitions(HOURLY, [], since="2024-01-02", until="2024-01-02")
    assert keys == tuple(f"2024-01-02/{hour:02d}" for hour in range(24))


def test_an_end_far_ahead_is_today() -> None:
    """There are no pictures of the future to be asked for."""
    keys = chosen_partitions(MONTHLY, [], since="2024/01", until="9999-12-31")
    assert keys is not None
    assert 1 < len(keys) < 12 * 100
    assert chosen_partitions(MONTHLY, [], since="9999/01", until="9999/12") == ()


def test_dates_name_partitions_too() -> None:
    """And each is asked for once."""
    assert chosen_partitions(DAILY, ["2024-01-02", "2024/01/02"], since=None, until=None) == ("2024/01/02",)


@pytest.mark.parametrize("text", ["", "0001-01-01", "20", "2024/1/2", "2024-13-01", "today"])
def test_what_is_no_date_is_wrong_usage(text: str) -> None:
    """The message shows a key and a date."""
    with pytest.raises(typer.BadParameter, match="is no partition key like 2024/01/01 and no date like 2026-11-01"):
        chosen_partitions(DAILY, [text], since=None, until=None)
