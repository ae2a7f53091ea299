"""What the sensors read of the event log, and how little of it."""

from collections.abc import Iterator

import dagster as dg
import pytest

from batch_assets.automation import event_log
from batch_assets.automation.event_log import PartitionEvents, Verdicts

ASSETS = ("batch_job", "embedding_table")


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """An empty event log."""
    with dg.DagsterInstance.ephemeral() as fresh:
        yield fresh


def _materialise(instance: dg.DagsterInstance, asset: str, partition: str, value: str) -> None:
    instance.report_runless_asset_event(dg.AssetMaterialization(asset, partition=partition, metadata={"value": value}))


def _values(events: PartitionEvents) -> dict[str, str]:
    return {asset: str(event.metadata["value"]) for asset, event in events.items()}


def test_the_newest_event_of_each_asset_counts(instance: dg.DagsterInstance) -> None:
    """Earlier materialisations of a partition are history."""
    for asset, value in (("batch_job", "old"), ("embedding_table", "one"), ("batch_job", "new")):
        _materialise(instance, asset, "a", value)
    assert Verdicts(ASSETS, _values).current(instance) == {"a": {"batch_job": "new", "embedding_table": "one"}}


def test_only_what_has_changed_is_judged_again(instance: dg.DagsterInstance) -> None:
    """A look at thousands of partitions at rest costs a query an asset."""
    judged: list[dict[str, str]] = []

    def decide(events: PartitionEvents) -> int:
        judged.append(_values(events))
        return len(judged)

    verdicts = Verdicts(ASSETS, decide)
    _materialise(instance, "batch_job", "a", "1")
    _materialise(instance, "batch_job", "b", "2")
    verdicts.current(instance)
    _materialise(instance, "embedding_table", "b", "3")
    verdicts.current(instance)
    assert judged == [{"batch_job": "1"}, {"batch_job": "2"}, {"batch_job": "2", "embedding_table": "3"}]


def test_a_first_look_reads_a_bounded_number_and_the_next_goes_on(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a restart the partitions are read in parts, the newest events first, and none is left out."""
    monkeypatch.setattr(event_log, "_MAX_READ", 2)
    for partition in "abc":
        _materialise(instance, "batch_job", partition, partition)
    verdicts = Verdicts(ASSETS, _values)
    assert sorted(verdicts.current(instance)) == ["b", "c"]
    assert sorted(verdicts.current(instance)) == ["a", "b", "c"]


def test_a_partition_that_was_wiped_is_forgotten(instance: dg.DagsterInstance) -> None:
    """A person may wipe an asset in the web UI."""
    _materialise(instance, "batch_job", "a", "1")
    verdicts = Verdicts(ASSETS, _values)
    verdicts.current(instance)
    instance.wipe_assets([dg.AssetKey("batch_job")])
    assert verdicts.current(instance) == {}
