"""Taking up what a person asked to be tried again, before a partition is planned. Knows nothing of Dagster."""

from collections.abc import Collection

import pyarrow as pa

from batch_assets.assets.partition_state import PartitionState
from batch_assets.bedrock.rejections import REJECTED
from batch_assets.storage.requests import remove, retry_requests
from batch_assets.storage.tables import TableOutput, Tables


def take_up_requests(store: Tables, partition: str, state: PartitionState) -> PartitionState:
    """Let the pictures that requests name be sent again, and forget the requests; the state afterwards.

    The table is written before the requests are removed: a run that dies between the two does the same again.
    """
    requests = retry_requests(store, partition)
    if not requests:
        return state
    everything = any(request.keys is None for request in requests)
    keys = None if everything else {key for request in requests for key in request.keys or ()}
    before = state.rejected.read()
    rows = lifted(before if before is not None else REJECTED.empty_table(), keys)
    facts = dict(state.rejected.facts)
    if everything:
        facts["hold_lifted_for"] = state.last_job.get("arn")
    store.write(
        store.catalog.path("rejected_images", partition), TableOutput(rows, facts, replaces=state.rejected.version)
    )
    remove(store, requests)
    return PartitionState.read(store, partition)


def lifted(rejected: pa.Table, keys: Collection[str] | None) -> pa.Table:
    """The table with the model's refusals of these keys (all if None) forgotten: they may be sent as if new."""
    rows = rejected.select(REJECTED.names).to_pylist()
    return pa.Table.from_pylist(
        [
            {**row, "attempts": 0, "quarantined": False, "final": False}
            if row["attempts"] and (keys is None or row["key"] in keys)
            else row
            for row in rows
        ],
        schema=REJECTED,
    )
