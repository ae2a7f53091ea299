"""Exact search over the sandbox's vectors, beside the time to read them once."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.model import Contender, Measure, Outcome, Role, Stage, Target, Workload

_DIMENSION = 1_024
_TOP_K = 10
_QUERIES = 24
_PUT_ROWS = 2_000
_READERS = 2
_PIECES = 16
_FILE = "rows.npy"

Rows = NDArray[np.float32]
_READ = "reading the vectors once"
_PLAIN = "numpy: cosine of all, sorted"


def _prepare(folder: Path, size: int) -> None:
    """Write rows of unequal length, so that a cosine needs its norms, with the queries before them."""
    random = np.random.default_rng(5)
    rows = random.standard_normal((_QUERIES + size, _DIMENSION), dtype=np.float32)
    rows *= random.uniform(0.5, 2.0, (len(rows), 1)).astype(np.float32)
    np.save(folder / _FILE, rows)


def _read(workload: Workload) -> tuple[Rows, Rows]:
    """Return queries and rows."""
    both = np.load(workload.folder / _FILE)
    return both[:_QUERIES].copy(), both[_QUERIES:].copy()


def _ours(workload: Workload) -> Callable[[], Outcome]:
    from batch_assets.sandbox.s3vectors.matrix import VectorMatrix

    queries, rows = _read(workload)
    matrix = VectorMatrix(_DIMENSION)
    for start in range(0, len(rows), _PUT_ROWS):
        block = rows[start : start + _PUT_ROWS]
        keys = [f"{number}" for number in range(start, start + len(block))]
        matrix.put(keys, block, [{}] * len(block), [0] * len(block))

    def nearest(query: Rows) -> Sequence[int]:
        return [int(key) for key, _, _ in matrix.nearest(query, top_k=_TOP_K, metric="cosine")]

    return _of_each(queries, nearest)


def _plain(workload: Workload) -> Callable[[], Outcome]:
    queries, rows = _read(workload)

    def nearest(query: Rows) -> Sequence[int]:
        cosine = rows @ query / (np.linalg.norm(rows, axis=1) * np.linalg.norm(query))
        closest: list[int] = np.argsort(-cosine)[:_TOP_K].tolist()
        return closest

    return _of_each(queries, nearest)


def _faiss(workload: Workload) -> Callable[[], Outcome]:
    import faiss

    queries, rows = _read(workload)
    faiss.normalize_L2(rows)
    index = faiss.IndexFlatIP(_DIMENSION)
    index.add(rows)
    return _of_each(queries, lambda query: index.search(query[None], _TOP_K)[1][0].tolist())


def _reading(workload: Workload) -> Callable[[], Outcome]:
    """Read every byte once for each query, with the cheapest operation there is, on both cores."""
    _, rows = _read(workload)
    pieces = np.array_split(rows.view(np.uint64).reshape(-1), _PIECES)

    def work() -> Outcome:
        with ThreadPoolExecutor(_READERS) as pool:
            for _ in range(_QUERIES):
                list(pool.map(np.bitwise_or.reduce, pieces))
        return {}

    return work


def _of_each(queries: Rows, nearest: Callable[[Rows], Sequence[int]]) -> Callable[[], Outcome]:
    """Search for each query by itself."""

    def work() -> Outcome:
        found = [nearest(query) for query in queries]
        return {"digest": blake2b(repr(found).encode(), digest_size=16).hexdigest()}

    return work


STAGE = Stage(
    name="search",
    title="Exact search of the sandbox's vectors",
    unit="vectors",
    sizes=(100_000, 200_000, 400_000),
    quick_size=25_000,
    prepare=_prepare,
    contenders=(
        Contender("ours: sandbox", Role.OURS, set_up=_ours),
        Contender(_PLAIN, Role.PLAIN, set_up=_plain),
        Contender("faiss IndexFlatIP", Role.PEER, set_up=_faiss),
        Contender(_READ, Role.LIMIT, set_up=_reading),
    ),
    targets=(Target(_READ, Measure.WALL, at_most=1 / 0.85),),
    note=(
        f"{_QUERIES} queries, one after the other, the {_TOP_K} nearest by cosine of 1,024 dimensions. The limit is "
        "what two threads need to read the vectors once for each query. More than 4 N would not fit into memory."
    ),
)
