"""Where each partition stands, read from its tables and, for jobs in flight, from Bedrock."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

from batch_assets.assets.partition_state import PartitionState
from batch_assets.bedrock.jobs import BatchJob, list_jobs
from batch_assets.bedrock.ledger import SENT, JobRow
from batch_assets.cli.clients import Clients
from batch_assets.cli.steady import read_steadily
from batch_assets.progress import Progress, untold
from batch_assets.storage.tables import StoredTable, Tables

_THREADS = 16
_STATES_WITH_NOTE = frozenset({"held", "refused", "queued"})


@dataclass(frozen=True)
class InFlight:
    """A job whose results are not loaded yet; identical pictures share one of its records."""

    job: str
    status: str
    pictures: int
    records: int
    processed: int


@dataclass(frozen=True)
class Reason:
    """Why pictures were rejected: a code, the message of one of them, and how many there are."""

    code: str
    message: str
    images: int

    def and_more(self, images: int) -> "Reason":
        return replace(self, images=self.images + images)


@dataclass(frozen=True)
class PartitionStatus:
    """One partition: all pictures are embedded, rejected, in flight, or to do.

    `cost_usd` is what the records of loaded jobs have cost. `state` is `listed`, that of the newest row of the job
    table, or `loaded` when that job's results are in the table.
    """

    partition: str
    images: int
    to_do: int
    in_flight: InFlight | None
    embedded: int
    rejected: int
    reasons: tuple[Reason, ...]
    indexed: int
    cost_usd: float
    state: str
    note: str
    jobs: tuple[str, ...]


@dataclass(frozen=True)
class _Reading:
    """What the tables of one partition say: its status but for what Bedrock knows, and the job in flight."""

    status: PartitionStatus
    flying: JobRow | None
    pictures: int


def collect(clients: Clients, progress: Progress = untold) -> list[PartitionStatus]:
    """The status of every partition that has an inventory, in the order of their keys."""
    tables = clients.tables
    keys = tables.partitions("image_inventory")
    readings: list[_Reading] = []
    with ThreadPoolExecutor(_THREADS) as pool:
        for reading in pool.map(partial(_read, tables), keys):
            readings.append(reading)
            progress("partitions read", len(readings), len(keys))
    live = _live(clients, [reading.flying for reading in readings if reading.flying])
    return [_with_job(reading, live) for reading in readings]


def _live(clients: Clients, rows: Iterable[JobRow]) -> dict[str, BatchJob]:
    earliest = min((row.submitted_at for row in rows if row.submitted_at), default=None)
    if earliest is None:
        return {}
    # The service's filter is exclusive and counts whole seconds.
    after = earliest.replace(second=0, microsecond=0)
    return {job.arn: job for job in list_jobs(clients.bedrock, submitTimeAfter=after)}


def _read(tables: Tables, key: str) -> _Reading:
    return read_steadily(partial(_read_once, tables, key))


def _read_once(tables: Tables, key: str) -> _Reading:
    state = PartitionState.read(tables, key)
    ledger, inventory = state.ledger, tables.partition("image_inventory", key)
    flying = ledger.in_flight(state.loaded_job)
    reasons = _reasons(state.rejected)
    embedded, rejected = state.embeddings.rows_count, sum(reason.images for reason in reasons)
    if not state.rejected.exists:
        rejected = inventory.rows_count - int(inventory.facts.get("eligible", inventory.rows_count))
    pictures = _pictures_in_flight(tables, key, flying) if flying else 0
    indexed = _indexed(tables, key)
    status = PartitionStatus(
        partition=key,
        images=inventory.rows_count,
        to_do=max(0, inventory.rows_count - embedded - rejected - pictures),
        in_flight=None,
        embedded=embedded,
        rejected=rejected,
        reasons=reasons,
        indexed=indexed,
        cost_usd=round(float(ledger.paid_usd), 8),
        state=_state(ledger.current, state.loaded_job),
        note=_note(ledger.current, embedded=embedded, indexed=indexed),
        jobs=tuple(str(job.job_arn).rsplit("/", 1)[-1] for job in ledger.rows if job.job_arn),
    )
    return _Reading(status, flying, pictures)


def _state(row: JobRow | None, loaded_job: str | None) -> str:
    if row is None:
        return "listed"
    return "loaded" if row.state in SENT and row.token == loaded_job else row.state


def _note(row: JobRow | None, *, embedded: int, indexed: int) -> str:
    if row is None:
        return "no manifest has been handed to Bedrock: launch plan_and_submit"
    if row.state in _STATES_WITH_NOTE:
        return row.reason
    return "" if indexed == embedded else "the index is not up to date: materialise vector_index"


def _reasons(rejected: StoredTable) -> tuple[Reason, ...]:
    table = rejected.read(["code", "message", "final"])
    found: dict[str, Reason] = {}
    for row in table.to_pylist() if table is not None else []:
        if row["final"]:
            before = found.get(row["code"])
            found[row["code"]] = before.and_more(1) if before else Reason(row["code"], row["message"], 1)
    return tuple(sorted(found.values(), key=lambda reason: reason.code))


def _pictures_in_flight(tables: Tables, key: str, row: JobRow) -> int:
    """Pictures that a job embeds: while it is in flight, the manifest tells how many share a record."""
    manifest = tables.partition("batch_manifest", key)
    copies = manifest.read(["copies"])
    if copies is None or manifest.facts.get("fingerprint") != row.fingerprint:
        return row.records
    return sum(copies["copies"].to_pylist())


def _indexed(tables: Tables, key: str) -> int:
    table = tables.partition("vector_index", key).read(["state"])
    return table["state"].to_pylist().count("indexed") if table is not None else 0


def _with_job(reading: _Reading, live: Mapping[str, BatchJob]) -> PartitionStatus:
    row = reading.flying
    if row is None:
        return reading.status
    job = live.get(str(row.job_arn))
    flight = InFlight(
        job=str(row.job_name),
        status=job.status if job else "not listed by Bedrock" if row.job_arn else "embedded on demand",
        pictures=reading.pictures,
        records=row.records,
        processed=job.processed_records if job else 0,
    )
    return replace(reading.status, in_flight=flight)
