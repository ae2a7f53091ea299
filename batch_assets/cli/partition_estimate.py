"""What the pictures that lie in S3 now would cost; nothing is submitted or written."""

import math
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from batch_assets.assets.partition_state import PartitionState
from batch_assets.bedrock import manifest, prices
from batch_assets.bedrock.contents import REFUSAL_COLUMNS, Contents, contents, final_refusals
from batch_assets.cli.clients import Clients
from batch_assets.cli.steady import read_steadily
from batch_assets.progress import Progress, untold
from batch_assets.settings import Settings
from batch_assets.storage.listing import list_prefix
from batch_assets.storage.objects import S3Address

_THREADS = 16


@dataclass(frozen=True)
class Estimate:
    """A partition, or the sum of several: what is there, what is still to be embedded, and what that costs.

    `pictures` are those that the model takes. `records` leaves out copies, what has a vector, what is in flight, and
    what was refused for good; they go out in so many `jobs`, none if they are few enough to be sent on demand.
    """

    partition: str
    pictures: int
    records: int
    jobs: int
    cost_usd: float
    on_demand_cost_usd: float


def estimates(clients: Clients, keys: Sequence[str], progress: Progress = untold) -> list[Estimate]:
    """An estimate a partition, in the order of the keys."""
    found: list[Estimate] = []
    with ThreadPoolExecutor(_THREADS) as pool:
        for one in pool.map(lambda key: read_steadily(partial(_estimate, clients, key)), keys):
            found.append(one)
            progress("partitions estimated", len(found), len(keys))
    return found


def total(found: Sequence[Estimate]) -> Estimate:
    """All partitions together."""
    return Estimate(
        partition="total",
        pictures=sum(one.pictures for one in found),
        records=sum(one.records for one in found),
        jobs=sum(one.jobs for one in found),
        cost_usd=round(math.fsum(one.cost_usd for one in found), 8),
        on_demand_cost_usd=round(math.fsum(one.on_demand_cost_usd for one in found), 8),
    )


def _estimate(clients: Clients, key: str) -> Estimate:
    settings, model = clients.settings, clients.settings.space.model
    prefix = S3Address(settings.source_bucket, settings.template.prefix(key))
    inventory = list_prefix(clients.s3, prefix, formats=model.formats, max_image_bytes=model.max_image_bytes)
    state = PartitionState.read(clients.tables, key)
    planned = manifest.plan(
        inventory,
        bucket=settings.source_bucket,
        embedded=contents(state.embeddings.read(["etag", "size"])) | _in_flight(clients, key, state),
        quarantined=final_refusals(state.rejected.read(REFUSAL_COLUMNS)),
        max_records=sys.maxsize,
    )
    records = planned.records.num_rows
    return Estimate(
        partition=key,
        pictures=planned.eligible,
        records=records,
        jobs=_jobs(records, settings),
        cost_usd=float(prices.cost_usd(records, settings)),
        on_demand_cost_usd=float(prices.on_demand_cost_usd(records, settings)),
    )


def _in_flight(clients: Clients, key: str, state: PartitionState) -> Contents:
    """What a job that is not loaded yet embeds: it is paid for."""
    row = state.in_flight()
    if row is None:
        return contents(None)
    copy = clients.tables.open(clients.tables.catalog.submitted_manifest(key, str(row.fingerprint)))
    return contents(copy.read(["etag", "size"]))


def _jobs(records: int, settings: Settings) -> int:
    return 0 if prices.sent_on_demand(records, settings) else math.ceil(records / settings.max_records_per_job)
