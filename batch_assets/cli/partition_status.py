"""Where each partition stands, read from its tables and, for jobs in flight, from Bedrock."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from batch_assets.assets.partition_state import PartitionState
from batch_assets.bedrock.jobs import BatchJob, list_jobs
from batch_assets.bedrock.ledger import JobRow
from batch_assets.cli.clients import Clients
from batch_assets.storage.tables import Tables

_THREADS = 16


@dataclass(frozen=True)
class InFlight:
    """A job whose results are not loaded yet."""

    job: str
    status: str
    records: int
    processed: int


@dataclass(frozen=True)
class PartitionStatus:
    """One partition: all pictures are embedded, rejected, in flight, or to do."""

    partition: str
    images: int
    to_do: int
    in_flight: InFlight | None
    embedded: int
    rejected: int
    reasons: Mapping[str, int]
    indexed: int
    state: str
    note: str
    jobs: tuple[str, ...]


def collect(clients: Clients) -> list[PartitionStatus]:
    """The status of every partition that has an inventory, in the order of their keys."""
    tables = clients.tables
    keys = tables.partitions(tables.catalog.path("image_inventory", ""))
    with ThreadPoolExecutor(_THREADS) as pool:
        states = list(pool.map(partial(PartitionState.read, tables), keys))
    waiting = [row for state in states if (row := state.in_flight())]
    live = _live(clients, waiting)
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(lambda key, state: _status(tables, key, state, live), keys, states))


def _live(clients: Clients, rows: Iterable[JobRow]) -> dict[str, BatchJob]:
    earliest = min((row.submitted_at for row in rows if row.submitted_at), default=None)
    if earliest is None:
        return {}
    # The service's filter is exclusive and counts whole seconds.
    after = earliest.replace(second=0, microsecond=0)
    return {job.arn: job for job in list_jobs(clients.bedrock, submitTimeAfter=after)}


def _status(tables: Tables, key: str, state: PartitionState, live: Mapping[str, BatchJob]) -> PartitionStatus:
    ledger = state.ledger
    inventory = tables.partition("image_inventory", key)
    row, flying = ledger.current, state.in_flight()
    rejected = state.rejected.read(["code", "final"])
    reasons: dict[str, int] = {}
    for entry in rejected.to_pylist() if rejected is not None else []:
        if entry["final"]:
            reasons[entry["code"]] = reasons.get(entry["code"], 0) + 1
    embedded, refused = state.embeddings.rows_count, sum(reasons.values())
    if rejected is None:
        refused = inventory.rows_count - int(inventory.facts.get("eligible", inventory.rows_count))
    open_images = max(0, inventory.rows_count - embedded - refused)
    return PartitionStatus(
        partition=key,
        images=inventory.rows_count,
        to_do=max(0, open_images - (flying.records if flying else 0)),
        in_flight=_in_flight(flying, live) if flying else None,
        embedded=embedded,
        rejected=refused,
        reasons=reasons,
        indexed=_indexed(tables, key),
        state=row.state if row else "listed",
        note=row.reason if row else "materialise batch_manifest and batch_job",
        jobs=tuple(str(job.job_arn).rsplit("/", 1)[-1] for job in ledger.rows if job.job_arn),
    )


def _in_flight(row: JobRow, live: Mapping[str, BatchJob]) -> InFlight:
    job = live.get(str(row.job_arn))
    return InFlight(
        job=str(row.job_name),
        status=job.status if job else "not listed by Bedrock",
        records=row.records,
        processed=job.processed_records if job else 0,
    )


def _indexed(tables: Tables, key: str) -> int:
    table = tables.partition("vector_index", key).read(["state"])
    return table["state"].to_pylist().count("indexed") if table is not None else 0
