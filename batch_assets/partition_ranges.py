"""Moments that people name by a partition key or by a date."""

from datetime import datetime, time

from batch_assets.errors import PartitionError
from batch_assets.settings import Settings

_FIRST_YEAR = 1000
"""Earlier ones have no four digits."""


def first_moment(settings: Settings, text: str) -> datetime:
    """The first moment of the partition that a key or a date names. Raises `PartitionError` for anything else."""
    try:
        return settings.template.moment(text)
    except PartitionError:
        key = _date(settings, text).strftime(settings.template.key_format)
        return settings.template.moment(key)


def last_moment(settings: Settings, text: str) -> datetime:
    """A moment in the last partition that a key or a date names: a whole day has 24 hours. Raises `PartitionError`."""
    try:
        return settings.template.moment(text)
    except PartitionError:
        moment = _date(settings, text)
        return moment if moment.time() != time.min else datetime.combine(moment.date(), time.max)


def _date(settings: Settings, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        moment = datetime.min  # noqa: DTZ901 stands for no date at all
    if moment.year < _FIRST_YEAR:
        example = settings.first_partition
        raise PartitionError(f"{text!r} is no partition key like {example} and no date like 2026-11-01")
    return moment
