"""Which partitions of a table are meant: all of them, named ones, or those of a range of dates."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from batch_assets.errors import PartitionError
from batch_assets.partition_ranges import first_moment, last_moment
from batch_assets.partitions import PrefixTemplate
from batch_assets.settings import Settings

Moment = str | date
"""A partition key, a date in ISO form, or a `date` or `datetime`."""


@dataclass(frozen=True)
class Selection:
    """Partitions by name, or between two moments, both included; None leaves it open."""

    keys: tuple[str, ...] | None = None
    since: datetime | None = None
    until: datetime | None = None

    @classmethod
    def named(cls, settings: Settings, moments: Iterable[Moment]) -> "Selection":
        """The partitions of these moments. Raises `PartitionError` for what is no key and no date, and for none."""
        key_format = settings.template.key_format
        keys = tuple(dict.fromkeys(first_moment(settings, _text(moment)).strftime(key_format) for moment in moments))
        if not keys:
            raise PartitionError(f"name at least one partition, such as {settings.first_partition}")
        return cls(keys=keys)

    @classmethod
    def between(cls, settings: Settings, since: Moment | None, until: Moment | None) -> "Selection":
        """From one moment to another: a whole day has all of its hours. Raises `PartitionError`."""
        first = None if since is None else first_moment(settings, _text(since))
        last = None if until is None else last_moment(settings, _text(until))
        if first and last and last < first:
            raise PartitionError(f"{since} is after {until}: exchange the two")
        return cls(since=first, until=last)

    def of(self, template: PrefixTemplate, existing: Iterable[str]) -> list[str]:
        """Those of the existing partitions that are meant, in the order of time; none of an earlier template."""
        moments = {key: moment for key in existing if (moment := _moment(template, key)) is not None}
        return sorted((key for key, moment in moments.items() if self._means(key, moment)), key=moments.__getitem__)

    def _means(self, key: str, moment: datetime) -> bool:
        if self.keys is not None:
            return key in self.keys
        return (self.since is None or moment >= self.since) and (self.until is None or moment <= self.until)

    def __str__(self) -> str:
        if self.keys is not None:
            return ", ".join(self.keys)
        begin = f"from {self.since}" if self.since else ""
        end = f"until {self.until}" if self.until else ""
        return " ".join(part for part in (begin, end) if part) or "all partitions"


EVERYTHING = Selection()


def _text(moment: Moment) -> str:
    return moment if isinstance(moment, str) else moment.isoformat()


def _moment(template: PrefixTemplate, key: str) -> datetime | None:
    """Begin of the partition with this key, or None if it is none of the template."""
    try:
        return template.moment(key)
    except PartitionError:
        return None
