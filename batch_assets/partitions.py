"""Partition key, prefix, lane and index: names of one date, and the only place that translates between them.

For the template `photos/%Y/%m/%d/` the prefix `photos/2024/01/02/` has the key `2024/01/02` (from the first to the
last directive, literals between included) and is its own lane. A lane is the folder handed to Bedrock as job input:
the prefix itself, or its nearest parent that Bedrock's `s3Uri` pattern allows (`photos/` for `photos/dt=%Y-%m-%d/`).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from batch_assets.errors import PartitionError

# A path segment of `s3Uri` in the service model of Amazon Bedrock (CreateModelInvocationJob).
LANE_SEGMENT = re.compile(r"[-!_*'().a-z0-9A-Z]+\Z")

LOCK_NAME = "_batch_assets.jsonl"
"""The file in a lane that is job input and lock in one; never a picture."""

_DIRECTIVE = re.compile(r"%(.)", re.DOTALL)
# Not `\d`, which also takes the digits of other scripts.
_DIGITS = {"Y": "[0-9]{4}", "m": "[0-9]{2}", "d": "[0-9]{2}", "H": "[0-9]{2}"}
_GRANULARITIES = {"Ym": "monthly", "Ymd": "daily", "YmdH": "hourly"}
_CRON = {"monthly": "0 0 1 * *", "daily": "0 0 * * *", "hourly": "0 * * * *"}


@dataclass(frozen=True)
class PrefixTemplate:
    """A prefix in strftime form, made of `%Y`, `%m`, `%d`, `%H` and literals.

    All directives have a fixed width, so prefixes of distinct keys have one length: none contains another.
    """

    template: str

    @cached_property
    def granularity(self) -> str:
        """`monthly`, `daily` or `hourly`, decided by the finest directive."""
        found = _DIRECTIVE.findall(self.template)
        return _GRANULARITIES["".join(sorted(found, key="YmdH".index))]

    @property
    def cron_schedule(self) -> str:
        """When a partition begins, for Dagster's `TimeWindowPartitionsDefinition`."""
        return _CRON[self.granularity]

    @cached_property
    def key_format(self) -> str:
        """The template from its first to its last directive."""
        return self.template[self.template.index("%") : self.template.rindex("%") + 2]

    @cached_property
    def _key_pattern(self) -> re.Pattern[str]:
        return re.compile(_as_pattern(self.key_format) + r"\Z")

    def prefix(self, key: str) -> str:
        """S3 prefix of a partition key, ending in `/`. Raises `PartitionError` for a key that is no such date."""
        self.moment(key)
        return f"{self.template[: self.template.index('%')]}{key}{self.template[self.template.rindex('%') + 2 :]}"

    def key(self, prefix: str) -> str:
        """Partition key of a prefix. Raises `PartitionError` for a prefix of another shape."""
        lead, tail = self.template.index("%"), len(self.template) - self.template.rindex("%") - 2
        key = prefix[lead : len(prefix) - tail]
        if not self._key_pattern.match(key) or self.prefix(key) != prefix:
            raise PartitionError(f"prefix {prefix!r} does not follow the template {self.template!r}")
        return key

    def find_key(self, prefix: str) -> str | None:
        """Partition key of a prefix, or None for a prefix of another shape."""
        try:
            return self.key(prefix)
        except PartitionError:
            return None

    def partition_of(self, object_key: str) -> str | None:
        """Key of the partition under whose prefix an object key lies, or None."""
        # Of the directives only %Y is longer when it is filled in.
        return self.find_key(object_key[: len(self.template) + 2])

    def moment(self, key: str) -> datetime:
        """Begin of a partition, without a time zone. Raises `PartitionError` for a key that is no such date."""
        if not self._key_pattern.match(key):
            raise PartitionError(f"partition key {key!r} does not have the form {self.key_format!r}")
        try:
            return datetime.strptime(key, self.key_format)  # noqa: DTZ007 the time zone is the schedule's affair
        except ValueError as error:
            raise PartitionError(f"partition key {key!r} is no date of the form {self.key_format!r}") from error

    def end(self, key: str) -> datetime:
        """End of a partition, without a time zone. Raises `PartitionError` for a key that is no such date."""
        return self._next(self.moment(key))

    def keys(self, first: str, until: datetime) -> Iterator[str]:
        """Keys of all partitions from the first to the one that has begun by `until`, a time without a zone."""
        moment = self.moment(first)
        while moment <= until:
            yield moment.strftime(self.key_format)
            moment = self._next(moment)

    def _next(self, begin: datetime) -> datetime:
        if self.granularity == "monthly":
            return (begin + timedelta(days=31)).replace(day=1)
        return begin + (timedelta(days=1) if self.granularity == "daily" else timedelta(hours=1))

    @cached_property
    def prefix_bytes(self) -> int:
        """Length of every prefix, in UTF-8."""
        return len(self.prefix(datetime(2000, 1, 1).strftime(self.key_format)).encode())  # noqa: DTZ001 any date

    @cached_property
    def _lane_template(self) -> str:
        segments: list[str] = []
        for segment in self.template.split("/")[:-1]:
            if not LANE_SEGMENT.match(_DIRECTIVE.sub("0", segment)):
                break
            segments.append(segment)
        return "".join(f"{segment}/" for segment in segments)

    def lane(self, key: str) -> str:
        """Folder that is submitted to Bedrock for a partition: `""` (the whole bucket) or a prefix ending in `/`."""
        depth = self._lane_template.count("/")
        return "".join(f"{segment}/" for segment in self.prefix(key).split("/")[:depth])

    @property
    def shares_lanes(self) -> bool:
        """Whether several partitions have one lane, so that their jobs run one after the other."""
        return self._lane_template != self.template

    def inside_a_lane(self, key_prefix: str) -> bool:
        """Whether objects under `key_prefix` could be read by Bedrock as input of some partition's job."""
        return re.match(_as_pattern(self._lane_template), key_prefix) is not None

    def leads_to_partitions(self, folder: str) -> bool:
        """Whether the prefixes of some partitions begin with a folder (`""`, or ending in `/`) and go on."""
        segments = self.template.split("/")[:-1]
        depth = folder.count("/")
        above = "".join(f"{segment}/" for segment in segments[:depth])
        return depth < len(segments) and re.fullmatch(_as_pattern(above), folder) is not None

    def inside_a_partition(self, object_key: str) -> bool:
        """Whether an object key lies under the prefix of some partition."""
        return re.match(_as_pattern(self.template), object_key) is not None


@dataclass(frozen=True)
class IndexNames:
    """Names of the vector indexes: one, or one for each date that the strftime fields of `form` tell apart."""

    form: str
    template: PrefixTemplate

    @property
    def is_one(self) -> bool:
        return "%" not in self.form

    def name(self, partition: str) -> str:
        """Index of a partition. Raises `PartitionError` for a key that is no such date, if there are several."""
        return self.form if self.is_one else self.template.moment(partition).strftime(self.form)

    def name_of_object(self, object_key: str) -> str | None:
        """Index of the partition under whose prefix an object key lies; None if there are several and it is in none."""
        if self.is_one:
            return self.form
        partition = self.template.partition_of(object_key)
        return None if partition is None else self.name(partition)

    def by_name(self, partitions: Iterable[str]) -> dict[str, list[str]]:
        """Partitions by their index, both in the order in which they are given."""
        result: dict[str, list[str]] = {}
        for partition in partitions:
            result.setdefault(self.name(partition), []).append(partition)
        return result

    def problem(self) -> str | None:
        """What is wrong with the fields of the form, in one sentence, or None."""
        known = set(_DIRECTIVE.findall(self.template.template))
        unknown = sorted(set(_DIRECTIVE.findall(self.form)) - known)
        if unknown or _DIRECTIVE.sub("", self.form).endswith("%"):
            fields = ", ".join(f"%{name}" for name in sorted(known, key="YmdH".index))
            named = ", ".join(f"%{name}" for name in unknown) or "%"
            return f"may hold the fields of the prefix template ({fields}), not {named}"
        return None


def template_problem(template: str) -> str | None:
    """Everything that is wrong with a prefix template, in one sentence, or None."""
    directives = _DIRECTIVE.findall(template)
    unknown = sorted({directive for directive in directives if directive not in _DIGITS})
    problems: list[str] = []
    if unknown or _DIRECTIVE.sub("", template).endswith("%"):
        problems.append(f"only %Y, %m, %d and %H are allowed, not {', '.join(f'%{name}' for name in unknown) or '%'}")
    elif "".join(sorted(directives, key="YmdH".index)) not in _GRANULARITIES:
        problems.append("needs %Y and %m once each, and %d for daily, %d and %H for hourly partitions")
    if not template.endswith("/"):
        problems.append("must end in '/'")
    if any(part in {"", ".", ".."} for part in template.removesuffix("/").split("/")):
        problems.append("must not begin with '/' or have an empty, '.' or '..' folder")
    if "..." in template or not template.isprintable():
        problems.append("must not contain '...' or control characters, which Dagster refuses in partition keys")
    return "; ".join(problems) or None


def _as_pattern(template: str) -> str:
    parts = _DIRECTIVE.split(template)
    return "".join(_DIGITS[part] if index % 2 else re.escape(part) for index, part in enumerate(parts))
