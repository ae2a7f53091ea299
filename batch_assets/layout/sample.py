"""A few keys from all over a bucket, for some dozens of LIST calls whatever its size."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from batch_assets.partitions import PrefixTemplate

MAX_CALLS = 60
"""List calls of one sample; a million of them cost some 5 USD."""

OWN_FOLDER = "batch-assets/"
"""Where the results and tables of this project lie by default: nobody looks for pictures there."""

_DESCENTS = 12
_MAX_DEPTH = 16
_KEYS_OF_A_FOLDER = 25
_PAGES_OF_A_FOLDER = 6
# Irrational steps spread the descents evenly, and differently on each level.
_STEP, _STEP_OF_A_LEVEL = (math.sqrt(5) - 1) / 2, math.sqrt(2) - 1


@dataclass(frozen=True)
class Folder:
    """What lies directly in a folder, as far as it was listed: keys of objects, and folders that end in `/`."""

    keys: Sequence[str]
    folders: Sequence[str]


@dataclass
class Sample:
    """Keys of a bucket, from under one folder.

    Attributes:
        keys: Keys of objects, sorted, at most 25 from directly in one folder; no folder markers.
        calls: List calls that they took.
    """

    keys: list[str] = field(default_factory=list)
    calls: int = 0


def sample_keys(client: Any, bucket: str, *, folder: str = "") -> Sample:
    """Go down from a folder a dozen times, each time by another way: the first, the last, and between.

    This project's own folder is passed over. The service's errors pass through.
    """
    listing = _Listing(client, bucket)
    found: set[str] = set()
    for descent in range(_DESCENTS):
        here = folder
        for depth in range(_MAX_DEPTH):
            contents = listing.folder(here)
            found.update(_spread(contents.keys))
            if listing.spent or not contents.folders:
                break
            here = contents.folders[_choice(descent, depth, len(contents.folders))]
        if listing.spent:
            break
    return Sample(sorted(found), listing.calls)


def first_partition(client: Any, bucket: str, template: PrefixTemplate) -> str | None:
    """The first partition in the order of their prefixes that holds an object, or None if none was found.

    That is the earliest one when the template goes from the year to the finer fields. The service's errors pass
    through.
    """
    return next(_partitions(_Pages(client, bucket), template, _lead(template)), None)


def lead_folder(template: PrefixTemplate) -> str:
    """The folder that all prefixes of a template lie under: `""`, or ending in `/`."""
    folder, separator, _ = _lead(template).rpartition("/")
    return folder + separator


@dataclass
class _Pages:
    """List calls for one level of folders, so many at most."""

    client: Any
    bucket: str
    calls: int = 0

    @property
    def spent(self) -> bool:
        """Whether no call is left."""
        return self.calls >= MAX_CALLS

    def page(self, prefix: str, **start: str) -> Any:
        self.calls += 1
        return self.client.list_objects_v2(Bucket=self.bucket, Prefix=prefix, Delimiter="/", **start)

    def folders(self, prefix: str) -> Iterator[str]:
        """The folders that begin with a prefix, in order, while there are calls left."""
        start: dict[str, str] = {}
        while not self.spent:
            reply = self.page(prefix, **start)
            yield from _folders(reply)
            if not reply.get("IsTruncated"):
                return
            start = {"ContinuationToken": reply["NextContinuationToken"]}


class _Listing(_Pages):
    """Folders that were listed, each once; long ones by a few pages from different places."""

    def __init__(self, client: Any, bucket: str) -> None:
        super().__init__(client, bucket)
        self._known: dict[str, Folder] = {}

    def folder(self, prefix: str) -> Folder:
        if prefix not in self._known:
            self._known[prefix] = self._look(prefix)
        return self._known[prefix]

    def _look(self, prefix: str) -> Folder:
        keys: list[str] = []
        folders: list[str] = []
        start: dict[str, str] = {}
        for _ in range(_PAGES_OF_A_FOLDER):
            reply = self.page(prefix, **start)
            keys += [entry["Key"] for entry in reply.get("Contents", []) if not entry["Key"].endswith("/")]
            folders += [folder for folder in _folders(reply) if folder != OWN_FOLDER]
            if self.spent or not reply.get("IsTruncated"):
                break
            start = {"StartAfter": _far_ahead(prefix, reply)}
        return Folder(keys, folders)


def _partitions(pages: _Pages, template: PrefixTemplate, prefix: str) -> Iterator[str]:
    """Keys of the partitions whose prefixes begin so."""
    for folder in pages.folders(prefix):
        if template.leads_to_partitions(folder):
            yield from _partitions(pages, template, folder)
        elif (key := template.find_key(folder)) is not None:
            yield key


def _far_ahead(prefix: str, reply: Any) -> str:
    """Where to list next after a page of many names: behind all that begin as all of its names do.

    After `2015-01-01/` to `2017-09-26/` that is behind `201`; of names that have nothing in common, behind those that
    begin as the last one does.
    """
    names = [*_folders(reply), *(entry["Key"] for entry in reply.get("Contents", []))]
    first, last = min(name for name in names if name != prefix), max(names)
    same = len(prefix)
    while same < len(first) and first[same] == last[same]:
        same += 1
    return f"{last[: max(same, len(prefix) + 1)]}~"


def _choice(descent: int, depth: int, number: int) -> int:
    if descent in {0, 1}:
        return -descent
    place = (descent * _STEP + depth * _STEP_OF_A_LEVEL) % 1
    return int(place * number)


def _spread(keys: Sequence[str]) -> Sequence[str]:
    step = max(1, math.ceil(len(keys) / _KEYS_OF_A_FOLDER))
    return keys[::step]


def _folders(reply: Any) -> list[str]:
    return [entry["Prefix"] for entry in reply.get("CommonPrefixes", [])]


def _lead(template: PrefixTemplate) -> str:
    return template.template[: template.template.index("%")]
