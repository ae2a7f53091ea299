"""Prefix templates that keys suggest: `photos/2024/01/02/x.jpg` lies under `photos/%Y/%m/%d/`.

A date is a year followed by month, day and hour as far as they go, each of a fixed width, written together or apart,
in one folder or in several. Other orders are possible in a template but are not proposed.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from batch_assets.partitions import PrefixTemplate, template_problem

# Not `\d`, which also takes the digits of other scripts.
_DIGITS = re.compile("[0-9]+")
_FIELDS = "YmdH"
_WIDTHS = {"Y": 4, "m": 2, "d": 2, "H": 2}
_MONTHLY = 2
_FIRST_YEAR, _LAST_YEAR = 1970, 2099


@dataclass(frozen=True)
class Proposal:
    """A prefix template that some keys suggest.

    Attributes:
        template: In strftime form.
        keys: Keys that lie under one of its prefixes.
        share: Their share of all keys that were looked at.
        first_partition: The earliest of their partition keys.
        last_partition: The latest of them.
        example: One of the keys.
    """

    template: str
    keys: int
    share: float
    first_partition: str
    last_partition: str
    example: str


@dataclass(frozen=True)
class _Dated:
    """A key, and the date that its folders name under some template."""

    moment: datetime
    key: str


def proposals(keys: Iterable[str]) -> list[Proposal]:
    """The templates that object keys suggest: those of most keys first, of as many the one with the finest date."""
    found: defaultdict[str, list[_Dated]] = defaultdict(list)
    total = 0
    for key in keys:
        total += 1
        for template, moment in _templates(key.rpartition("/")[0]):
            found[template].append(_Dated(moment, key))
    made = [_proposal(template, dated, total) for template, dated in found.items() if not template_problem(template)]
    return sorted(made, key=lambda one: (-one.keys, -one.template.count("%"), one.template))


def _proposal(template: str, dated: list[_Dated], total: int) -> Proposal:
    dated.sort(key=lambda one: (one.moment, one.key))
    key_format = PrefixTemplate(template).key_format
    first, last = (one.moment.strftime(key_format) for one in (dated[0], dated[-1]))
    return Proposal(template, len(dated), len(dated) / total, first, last, dated[-1].key)


def _templates(folder: str) -> Iterator[tuple[str, datetime]]:
    """Each template that a folder, without the slash at its end, suggests, with the date that it names."""
    if "%" in folder:
        return
    runs = list(_DIGITS.finditer(folder))
    for start in range(len(runs)):
        yield from _from_year(folder, runs[start:])


def _from_year(folder: str, runs: list[re.Match[str]]) -> Iterator[tuple[str, datetime]]:
    """The templates whose year is the first of these runs of digits: monthly, daily, hourly as far as they go."""
    done, numbers, text, end = "", [], "", 0
    for run in runs:
        fields = _fields(len(run[0]), _FIELDS[len(done) :])
        if not fields:
            return
        done += fields
        numbers += _numbers(run[0], fields)
        text += folder[end : run.start()] if text else folder[: run.start()]
        text += "".join(f"%{field}" for field in fields)
        end = run.end()
        if len(done) >= _MONTHLY:
            moment = _moment(numbers)
            if moment is None:
                return
            rest = folder[end:].partition("/")[0]
            yield f"{text}{rest}/", moment


def _fields(width: int, following: str) -> str:
    """The next fields of a date that are so many digits wide together, or none."""
    for count in range(1, len(following) + 1):
        if sum(_WIDTHS[field] for field in following[:count]) == width:
            return following[:count]
    return ""


def _numbers(digits: str, fields: str) -> list[int]:
    numbers = []
    for field in fields:
        numbers.append(int(digits[: _WIDTHS[field]]))
        digits = digits[_WIDTHS[field] :]
    return numbers


def _moment(numbers: list[int]) -> datetime | None:
    """The moment of year, month, and as many finer fields as there are."""
    year, month, day, hour = (*numbers, *(1, 1, 1, 0)[len(numbers) :])
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        return None
    try:
        return datetime(year, month, day, hour)  # noqa: DTZ001 the time zone is a setting
    except ValueError:
        return None
