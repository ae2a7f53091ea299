"""One very large partition of which 1 % is new: from the prefix to the manifest, as the assets do it."""

import hashlib
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import listing_ways as ways
from benchmarks.model import Contender, Measure, Outcome, Role, Stage, Target, Workload
from benchmarks.objects import PREFIX, numbered_keys, objects

_EMBEDDED = "embedded.parquet"
_PAGE_SECONDS = 0.08
_NEW = 100
_OWNER, _DIMENSION = "123456789012", 1024
_MAX_RECORDS = 100_000


def prepare(folder: Path, size: int) -> None:
    """Write the objects, and what is embedded of them, in the order in which jobs brought it."""
    listed = objects(numbered_keys(size))
    pq.write_table(listed, folder / ways.OBJECTS_FILE)
    order = np.random.default_rng(size).permutation(size)
    pq.write_table(listed.take(pa.array(order[order % _NEW != 0])), folder / _EMBEDDED, compression="zstd")


def ours(workload: Workload) -> Callable[[], Outcome]:
    """List, hash, write the inventory; read it again, plan, write the lines and their fingerprint."""
    from batch_assets.bedrock import manifest
    from batch_assets.bedrock.contents import Contents, contents
    from batch_assets.spaces import NOVA_MULTIMODAL, embedding_space
    from batch_assets.storage.content_hash import content_hash
    from batch_assets.storage.listing import listing_version
    from batch_assets.storage.staged_table import StagedTable

    list_all, space = ways.ours(workload), embedding_space(NOVA_MULTIMODAL.model_id, _DIMENSION)

    def work() -> Outcome:
        with tempfile.TemporaryDirectory() as folder:
            inventory = list_all(PREFIX)
            staged = StagedTable(Path(folder) / "inventory.parquet", inventory.schema)
            for batch in inventory.to_batches():
                staged.write(batch)
            inventory_file = staged.finish({"listing_version": listing_version(inventory)})
            del inventory
            inventory = pq.read_table(inventory_file)
        content_hash(inventory.filter(inventory["eligible"]), ["key", "etag"])
        embedded = pq.read_table(workload.folder / _EMBEDDED, columns=["key", "etag", "size"])
        planned = manifest.plan(
            inventory,
            bucket=ways.BUCKET,
            embedded=contents(embedded),
            embedded_keys=embedded["key"],
            quarantined=Contents.of(()),
            max_records=_MAX_RECORDS,
        )
        jsonl = manifest.render(planned.records, space, bucket=ways.BUCKET, bucket_owner=_OWNER)
        manifest.fingerprint(jsonl, space)
        return {"digest": hashlib.sha256(jsonl).hexdigest(), "records": planned.records.num_rows}

    return work


def plain(workload: Workload) -> Callable[[], Outcome]:
    """Boto3's paginator, pandas, a set of tuples, and json."""
    import pandas as pd

    from benchmarks.stages.manifest import _line, _record_id

    list_all = ways.paginator(workload)

    def work() -> Outcome:
        inventory = list_all(PREFIX).to_pandas()
        embedded = pd.read_parquet(workload.folder / _EMBEDDED, columns=["etag", "size"])
        known = set(embedded.itertuples(index=False, name=None))
        new = [row for row in inventory.to_dict("records") if (row["etag"], row["size"]) not in known]
        lines = (_line(_record_id(row["key"], row["etag"]), {**row, "format": "jpeg"}) for row in new)
        jsonl = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines).encode()
        return {"digest": hashlib.sha256(jsonl).hexdigest(), "records": len(new)}

    return work


STAGE = Stage(
    name="large_partition",
    title="One large partition of which 1 % is new, from the prefix to the manifest",
    unit="objects",
    sizes=(62_500, 250_000, 1_000_000),
    quick_size=20_000,
    prepare=prepare,
    services=ways.stub(latency_seconds=_PAGE_SECONDS),
    contenders=(
        Contender("ours", Role.OURS, set_up=ours),
        Contender("boto3, pandas, json", Role.PLAIN, set_up=plain),
    ),
    targets=(Target("boto3, pandas, json", Measure.CPU, at_least=8),),
    note=f"Everything under {PREFIX}, listed at 80 ms a page; ours also writes the inventory, reads it again, and "
    "hashes it twice.",
)
