"""Where a job's vectors belong: the space and the index of the settings under which it was submitted.

Settings may change while jobs are in flight. A job is loaded into its own space all the same: its target stands in the
job table and in the events, and the sensor hands it to the run that loads it as tags.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from batch_assets.assets.partition_state import PartitionState
from batch_assets.bedrock.ledger import JobRow
from batch_assets.settings import Settings
from batch_assets.storage.catalog import Catalog
from batch_assets.storage.tables import Tables

_TAG_PREFIX = "batch_assets/target_"


@dataclass(frozen=True)
class Target:
    """Model and dimension, which make a space, and the index of its vectors."""

    model_id: str
    dimension: int
    vector_bucket: str
    index_name: str

    @classmethod
    def of(cls, settings: Settings) -> "Target":
        return cls(settings.model_id, settings.dimension, settings.vector_bucket, settings.index_name)

    @classmethod
    def from_json(cls, text: str) -> "Target":
        return cls(**json.loads(text))

    def as_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    def tags(self) -> dict[str, str]:
        """Tags of a run that loads into this target."""
        return {f"{_TAG_PREFIX}{name}": str(value) for name, value in asdict(self).items()}

    def applied_to(self, settings: Settings) -> Settings:
        """The settings as they were for this target."""
        values: dict[str, Any] = {**settings.model_dump(), **asdict(self), "_env_file": None}
        return Settings(**values)


def settings_of_run(settings: Settings, tags: Mapping[str, str]) -> Settings:
    """The settings that a run works with: those of its target, if its tags name one."""
    named = {name.removeprefix(_TAG_PREFIX): value for name, value in tags.items() if name.startswith(_TAG_PREFIX)}
    if not named:
        return settings
    target = Target(named["model_id"], int(named["dimension"]), named["vector_bucket"], named["index_name"])
    return settings if target == Target.of(settings) else target.applied_to(settings)


def store_for(store: Tables, settings: Settings) -> Tables:
    """The tables of the space and the index of these settings."""
    return replace(store, catalog=Catalog.of(settings))


def in_flight_elsewhere(store: Tables, partition: str) -> Iterator[JobRow]:
    """Jobs of the partition in other spaces whose results are not in their tables yet."""
    for space in store.spaces():
        if space != store.catalog.space:
            other = PartitionState.read(replace(store, catalog=replace(store.catalog, space=space)), partition)
            row = other.in_flight()
            if row is not None:
                yield row
