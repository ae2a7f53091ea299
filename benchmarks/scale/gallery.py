"""How long a person waits for the search page over a large index, and what its look at everything at once costs.

The sandbox holds the vectors and the tables; the gallery is the command in a process of its own; requests come one
after the other over one connection, as fast as they are answered, and are timed to the last byte.
"""

import http.client
import itertools
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from batch_assets.bedrock.join import embedding_schema
from batch_assets.cli.clients import Clients
from batch_assets.cli.local_world import BUCKET
from batch_assets.gallery.query_vector import encoded
from batch_assets.storage.tables import TableOutput
from batch_assets.vectors.index import IndexOwner, ensure_index
from batch_assets.vectors.index_table import INDEXED, blocks
from batch_assets.vectors.writer import VectorWriter
from benchmarks.scale.process_tree import PeakMemory
from benchmarks.scale.sandbox_world import sandbox_world

_DIMENSION = 1_024
_PARTITIONS = 20
_SEARCHES = 100
_LATER_PAGES = 5
_LIMIT = 48
_LATENT, _CLUSTERS, _SPREAD, _NOISE, _COPY_NOISE = 64, 400, 0.5, 0.02, 0.001
_COPIES = 0.01
_MEBIBYTE = 1024**2
_COLOURS = (
    *("black", "grey", "white", "red", "orange", "yellow", "green"),
    *("cyan", "blue", "purple", "pink", "brown", "beige"),
)

Vectors = NDArray[np.float32]


def measure(vectors: int) -> dict[str, Any]:
    """Milliseconds of first and later pages by what is searched with, and seconds and memory of the map."""
    with sandbox_world(_PARTITIONS, with_pictures=0, speed=0) as world:
        clients = world.clients()
        corpus = Corpus(vectors)
        _fill(clients, world.partitions, corpus)
        with _gallery() as gallery:
            keys = [corpus.key(world.partitions, row) for row in corpus.sample(_SEARCHES)]
            queries: dict[str, Sequence[Mapping[str, str]]] = {
                "words": [{"text": text} for text in _words(_SEARCHES, 3)],
                "key": [{"key": key} for key in keys],
                "vector": [{"vector": encoded(vector)} for vector in corpus.others(_SEARCHES)],
                "vector_of_some_days": [
                    {"vector": encoded(vector), "since": world.partitions[-7].replace("/", "-")}
                    for vector in corpus.others(_SEARCHES)
                ],
                "nothing": [{}] * _SEARCHES,
            }
            seen = {name: _paged(gallery, asked) for name, asked in queries.items()}
            return {
                "vectors": vectors,
                "dimension": _DIMENSION,
                "partitions": _PARTITIONS,
                "searches_of_each_kind": _SEARCHES,
                "results_a_page": _LIMIT,
                "milliseconds": seen,
                "everything": _survey(gallery),
            }


@dataclass
class Corpus:
    """Vectors that lie in clusters of few directions, as embeddings do, some of them nearly the same as another one."""

    size: int
    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(7))

    def __post_init__(self) -> None:
        directions = self.random.standard_normal((_LATENT, _DIMENSION), np.float32)
        self._directions = directions / np.sqrt(_LATENT)
        self._centres = self.random.standard_normal((_CLUSTERS, _LATENT), np.float32)
        self._rows_a_partition = -(-self.size // _PARTITIONS)

    def partition(self, number: int) -> Vectors:
        """The vectors of a partition."""
        begin = number * self._rows_a_partition
        drawn = self.others(min(self._rows_a_partition, self.size - begin))
        copies = int(len(drawn) * _COPIES)
        noise = self.random.standard_normal((copies, _DIMENSION), np.float32)
        drawn[:copies] = drawn[-copies or len(drawn) :] + _COPY_NOISE * noise
        return drawn

    def others(self, count: int) -> Vectors:
        """Further vectors of the same kind."""
        latent = self._centres[self.random.integers(_CLUSTERS, size=count)]
        latent = latent + _SPREAD * self.random.standard_normal(latent.shape, np.float32)
        noise = self.random.standard_normal((count, _DIMENSION), np.float32)
        vectors: Vectors = (latent @ self._directions + _NOISE * noise).astype(np.float32)
        return vectors

    def sample(self, count: int) -> list[int]:
        """Numbers of some rows."""
        found: list[int] = self.random.integers(self.size, size=count).tolist()
        return found

    def key(self, partitions: Sequence[str], row: int) -> str:
        """The S3 key of a row."""
        number, place = divmod(row, self._rows_a_partition)
        return f"photos/{partitions[number]}/{place:06d}.jpg"


def _fill(clients: Clients, partitions: Sequence[str], corpus: Corpus) -> None:
    settings = clients.settings
    owner = IndexOwner(source_bucket=settings.source_bucket, space=settings.space.slug)
    bucket, index = settings.vector_bucket, settings.index_name
    ensure_index(clients.s3vectors, bucket=bucket, index=index, dimension=_DIMENSION, owner=owner)
    writer = VectorWriter(clients.s3vectors, bucket, index)
    for number, partition in enumerate(partitions):
        rows = _rows(partition, corpus.partition(number))
        keys = rows["key"].to_pylist()
        writer.put(blocks(rows.to_batches(500), keys=set(keys), partition=partition, source_bucket=BUCKET))
        states = pa.array([INDEXED] * len(keys))
        indexed = pa.table({"key": rows["key"], "etag": rows["etag"], "state": states})
        catalog = clients.tables.catalog
        clients.tables.write(catalog.path("embedding_table", partition), TableOutput(rows))
        clients.tables.write(catalog.path("vector_index", partition), TableOutput(indexed))


def _rows(partition: str, vectors: Vectors) -> pa.Table:
    count = len(vectors)
    names = [f"{partition.replace('/', '')}{number:06d}" for number in range(count)]
    written = datetime.strptime(partition, "%Y/%m/%d").replace(tzinfo=UTC)
    columns = {
        "record_id": names,
        "source_record_id": names,
        "key": [f"photos/{partition}/{number:06d}.jpg" for number in range(count)],
        "etag": names,
        "size": [10_000 + number for number in range(count)],
        "last_modified": [written + timedelta(seconds=number) for number in range(count)],
        "format": ["jpeg"] * count,
        "job_id": ["0123456789ab"] * count,
        "embedding": pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), _DIMENSION),
    }
    schema = embedding_schema(_DIMENSION)
    return pa.table([pa.array(columns[name]).cast(schema.field(name).type) for name in schema.names], schema=schema)


@dataclass(frozen=True)
class _Gallery:
    process_id: int
    connection: http.client.HTTPConnection

    def get(self, path: str, **query: Any) -> Any:
        """What is answered, as JSON."""
        self.connection.request("GET", f"/api/{path}?{urlencode(query)}")
        reply = self.connection.getresponse()
        body = reply.read()
        if reply.status != http.client.OK:
            raise RuntimeError(f"{path} answered {reply.status}: {body.decode(errors='replace')}")
        return json.loads(body)

    def timed(self, path: str, **query: Any) -> tuple[Any, float]:
        """The same, and the seconds that it took."""
        begun = time.perf_counter()
        answer = self.get(path, **query)
        return answer, time.perf_counter() - begun


@contextmanager
def _gallery() -> Iterator[_Gallery]:
    command = [sys.executable, "-c", "from batch_assets.cli.main import app; app()", "gallery", "--port", "0"]
    with subprocess.Popen(command, env=dict(os.environ), stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            url = urlsplit((process.stdout.readline() if process.stdout else "").strip())
            gallery = _Gallery(process.pid, http.client.HTTPConnection(str(url.hostname), url.port, timeout=600))
            gallery.get("about")
            yield gallery
        finally:
            process.terminate()


def _paged(gallery: _Gallery, queries: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    first: list[float] = []
    later: list[float] = []
    for query in queries:
        for page in range(1 + _LATER_PAGES):
            answer, seconds = gallery.timed("search", **query, offset=page * _LIMIT, limit=_LIMIT)
            if len(answer["results"]) != _LIMIT:
                raise RuntimeError(f"page {page} of {query} has {len(answer['results'])} results")
            (later if page else first).append(seconds)
    return {"first_page": _summary(first), "later_pages": _summary(later)}


def _survey(gallery: _Gallery) -> dict[str, Any]:
    """Seconds until the map and the near-duplicates are there, and searches by words meanwhile."""
    peak = PeakMemory(gallery.process_id)
    watcher = threading.Thread(target=peak.watch, daemon=True)
    before = time.monotonic()
    gallery.get("map")
    watcher.start()
    seconds: dict[str, float] = {}
    meanwhile: list[float] = []
    texts = itertools.cycle(_words(1_000, 4))
    paths = {"map": "map", "near_duplicates": "near-duplicates"}
    while len(seconds) < len(paths):
        for name, path in paths.items():
            if name not in seconds and gallery.get(path)["state"] == "ready":
                seconds[name] = round(time.monotonic() - before, 1)
        meanwhile.append(gallery.timed("search", text=next(texts))[1])
    groups = gallery.get("near-duplicates", limit=200)["groups"]
    return {
        "seconds_until": seconds,
        "groups_on_the_first_page": len(groups),
        "peak_mebibytes": round(peak.bytes / _MEBIBYTE),
        "words_meanwhile": _summary(meanwhile),
    }


def _summary(seconds: Sequence[float]) -> dict[str, float]:
    twentieths = statistics.quantiles(seconds, n=20, method="inclusive") if len(seconds) > 1 else list(seconds)
    return {
        "median": round(1000 * statistics.median(seconds), 1),
        "95th_percentile": round(1000 * twentieths[-1], 1),
        "worst": round(1000 * max(seconds), 1),
        "requests": len(seconds),
    }


def _words(count: int, colours: int) -> list[str]:
    """Different mixtures of so many colours, which is what the stand-in for the model understands."""
    mixtures = itertools.combinations(_COLOURS, colours)
    return [" and ".join(mixture) for mixture in itertools.islice(mixtures, count)]
