"""Ways to list a prefix; each gives the objects below it as a table (schema `OBJECTS`)."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pyarrow as pa

from benchmarks.model import Outcome, Services, Workload
from benchmarks.objects import OBJECTS, PREFIX, write_objects
from benchmarks.stubs import s3_listing

SERVICE = "s3"
OBJECTS_FILE = "objects.parquet"
BUCKET = "pictures"
CALLS_AT_ONCE = 8

_NOTHING = "nothing/"

Way = Callable[[str], pa.Table]


def stub(latency_seconds: float) -> Services:
    """An S3 that lists the objects of a workload, and takes so long for a page."""

    @contextmanager
    def services(folder: Path, _size: int) -> Iterator[Mapping[str, str]]:
        with s3_listing.running(folder / OBJECTS_FILE, latency_seconds=latency_seconds) as url:
            yield {SERVICE: url}

    return services


def keys_named(names: Callable[[int], Sequence[str]]) -> Callable[[Path, int], None]:
    """Write the objects that the stub lists, under keys of one kind."""

    def prepare(folder: Path, size: int) -> None:
        write_objects(folder / OBJECTS_FILE, names(size))

    return prepare


def measured(way: Callable[[Workload], Way]) -> Callable[[Workload], Callable[[], Outcome]]:
    """Set a way up for a workload, with one call, since the first of a process costs more than what it lists.

    What is listed then is hashed after it was measured.
    """

    def set_up(workload: Workload) -> Callable[[], Outcome]:
        run = way(workload)
        run(_NOTHING)

        def work() -> Outcome:
            table = run(PREFIX)
            return {"digest": lambda: digest(table), "objects": table.num_rows}

        return work

    return set_up


def digest(table: pa.Table) -> str:
    """Hash all that was listed."""
    hashed = hashlib.sha256()
    for row in zip(*(table[name].cast(pa.string()).to_pylist() for name in OBJECTS.names), strict=True):
        hashed.update("\0".join(row).encode())
    return hashed.hexdigest()


def client(workload: Workload) -> Any:
    """A client of the stub, as boto3 makes it unless told otherwise."""
    import boto3

    return boto3.client(
        "s3",
        endpoint_url=workload.services[SERVICE],
        region_name="us-east-1",
        aws_access_key_id="stub",
        aws_secret_access_key="stub",  # noqa: S106 - the stub asks for none
    )


def ours(workload: Workload) -> Way:
    """The inventory of the pipeline, eligibility and formats included."""
    from batch_assets.spaces import NOVA_MULTIMODAL
    from batch_assets.storage.listing import list_prefix
    from batch_assets.storage.objects import S3Address

    s3, formats, limit = client(workload), NOVA_MULTIMODAL.formats, NOVA_MULTIMODAL.max_image_bytes
    return lambda prefix: list_prefix(s3, S3Address(BUCKET, prefix), formats=formats, max_image_bytes=limit)


def paginator(workload: Workload) -> Way:
    """Boto3's paginator, and lists."""
    s3 = client(workload)

    def run(prefix: str) -> pa.Table:
        columns: dict[str, list[Any]] = {name: [] for name in OBJECTS.names}
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix):
            for entry in page.get("Contents", []):
                columns["key"].append(entry["Key"])
                columns["size"].append(entry["Size"])
                columns["etag"].append(entry["ETag"].strip('"'))
                columns["last_modified"].append(entry["LastModified"])
        return pa.table(columns, schema=OBJECTS)

    return run


def element_tree(workload: Workload) -> Way:
    """Boto3's paginator, with the entries taken out by ElementTree before boto3 parses the page."""
    from datetime import datetime
    from urllib.parse import unquote_plus

    s3 = client(workload)
    columns: dict[str, list[Any]] = {name: [] for name in OBJECTS.names}

    def take(operation_model: Any, response_dict: dict[str, Any], **_: Any) -> None:
        if operation_model.name != "ListObjectsV2":
            return
        root = ET.fromstring(response_dict["body"])  # noqa: S314 - of the stub
        space = root.tag.removesuffix("ListBucketResult")
        for entry in root.findall(f"{space}Contents"):
            columns["key"].append(unquote_plus(str(entry.findtext(f"{space}Key"))))
            columns["size"].append(int(str(entry.findtext(f"{space}Size"))))
            columns["etag"].append(str(entry.findtext(f"{space}ETag")).strip('"'))
            columns["last_modified"].append(datetime.fromisoformat(str(entry.findtext(f"{space}LastModified"))))
            root.remove(entry)
        response_dict["body"] = ET.tostring(root)

    s3.meta.events.register("before-parse.*.ListObjectsV2", take)

    def run(prefix: str) -> pa.Table:
        for _ in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix):
            pass
        return pa.table(columns, schema=OBJECTS)

    return run


def obstore(workload: Workload) -> Way:
    """Obstore (Rust), straight to Arrow."""
    import obstore
    import pyarrow.compute as pc
    from obstore.store import S3Store

    store = S3Store(
        BUCKET,
        endpoint=workload.services[SERVICE],
        region="us-east-1",
        access_key_id="stub",
        secret_access_key="stub",  # noqa: S106 - as above
        client_options={"allow_http": True},
    )

    def run(prefix: str) -> pa.Table:
        pages = obstore.list(store, prefix, chunk_size=1000, return_arrow=True)
        batches = [pa.record_batch(page) for page in pages]
        if not batches:
            return OBJECTS.empty_table()
        listed = pa.Table.from_batches(batches)
        etags = pc.ascii_trim(listed["e_tag"], '"')
        columns = [listed["path"], listed["size"].cast(pa.int64()), etags, listed["last_modified"]]
        return pa.table(columns, schema=OBJECTS)

    return run


def known_ranges(workload: Workload) -> Way:
    """The limit of listing in ranges: eight of equal length, known beforehand, each page by page."""
    import pyarrow.parquet as pq

    from batch_assets.storage.objects import S3Address
    from batch_assets.storage.pages import list_page

    s3 = client(workload)
    keys = pq.read_table(workload.folder / OBJECTS_FILE, columns=["key"])["key"]
    cuts = [keys[place * len(keys) // CALLS_AT_ONCE].as_py() for place in range(1, CALLS_AT_ONCE)]
    ranges = list(zip([None, *cuts], [*cuts, None], strict=True))

    def run(prefix: str) -> pa.Table:
        def list_range(ends: tuple[str | None, str | None]) -> list[pa.RecordBatch]:
            page = list_page(s3, S3Address(BUCKET, prefix), after=ends[0])
            batches = [page.entries]
            while page.next_token and (ends[1] is None or batches[-1]["key"][-1].as_py() < ends[1]):
                page = list_page(s3, S3Address(BUCKET, prefix), token=page.next_token)
                batches.append(page.entries)
            return batches

        with ThreadPoolExecutor(CALLS_AT_ONCE) as pool:
            return pa.Table.from_batches([batch for batches in pool.map(list_range, ranges) for batch in batches])

    return run
