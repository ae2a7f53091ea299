"""The partitions that are in the index, and which of them a person means."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from batch_assets.errors import PartitionError
from batch_assets.gallery.deployment import Deployment
from batch_assets.gallery.kept import Kept
from batch_assets.gallery.refusal import wrong_input
from batch_assets.partition_ranges import first_moment, last_moment

_SECONDS = 10.0


@dataclass(frozen=True, order=True)
class IndexedPartition:
    """A partition with an index table, and the version of its embedding table."""

    moment: datetime
    key: str
    version: str


class IndexedPartitions:
    """All of them, oldest first, as they were at most some seconds ago."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._kept: Kept[str, Sequence[IndexedPartition]] = Kept(1, seconds=_SECONDS)

    def all(self) -> Sequence[IndexedPartition]:
        """Raises `SourceError` when the tables cannot be listed."""
        return self._kept.get_or_make("all", self._listed)

    def chosen(self, since: str | None, until: str | None) -> Sequence[IndexedPartition]:
        """Those from one key or date to another, both included. Raises `RequestError` for what is neither."""
        settings = self._deployment.settings
        try:
            first = first_moment(settings, since) if since else datetime.min  # noqa: DTZ901 before all
            last = last_moment(settings, until) if until else datetime.max  # noqa: DTZ901 after all
        except PartitionError as error:
            raise wrong_input(str(error)) from error
        if last < first:
            raise wrong_input(f"{since} is after {until}")
        return [partition for partition in self.all() if first <= partition.moment <= last]

    def keys(self, since: str | None, until: str | None) -> tuple[str, ...] | None:
        """Keys of those, or None if that is all of them."""
        if since is None and until is None:
            return None
        found = self.chosen(since, until)
        return None if len(found) == len(self.all()) else tuple(partition.key for partition in found)

    def _listed(self) -> Sequence[IndexedPartition]:
        tables, template = self._deployment.tables, self._deployment.settings.template
        indexed, versions = (tables.versions(name) for name in ("vector_index", "embedding_table"))
        found = []
        for key in indexed.keys() & versions.keys():
            try:
                found.append(IndexedPartition(template.moment(key), key, versions[key]))
            except PartitionError:
                continue  # of another template, which the settings had before
        return sorted(found)
