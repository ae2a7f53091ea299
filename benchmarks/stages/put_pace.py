"""The pace of PutVectors: how near to the service's limit a writer stays, without being refused."""

from collections.abc import Callable

from benchmarks.model import Bound, Contender, Outcome, Role, Stage, Workload
from benchmarks.stages.put_vectors import client
from benchmarks.stages.vector_rows import BUCKET, INDEX, Block, read_blocks, write_rows
from benchmarks.stages.vector_sink import counted, vector_sink

_LATENCY_SECONDS = 0.1
_IN_FLIGHT = 4
_MANY_ATTEMPTS = 30
_FIGURES = ("throttled_calls", "sustained_per_second")


def _ours(workload: Workload) -> Callable[[], Outcome]:
    from batch_assets.vectors.writer import VectorBlock, VectorWriter

    address = workload.services["s3vectors"]
    writer = VectorWriter(client(address), BUCKET, INDEX)
    return counted(
        address, lambda: writer.put(VectorBlock(*block) for block in read_blocks(workload)), figures=_FIGURES
    )


def _adaptive(workload: Workload) -> Callable[[], Outcome]:
    """Leave the pace to botocore's adaptive retries: as many calls in flight, our bodies."""
    from batch_assets.vectors.flight import run_in_flight
    from batch_assets.vectors.wire import put_block

    address = workload.services["s3vectors"]
    vectors = client(address, retries={"mode": "adaptive", "total_max_attempts": _MANY_ATTEMPTS})

    def put(block: Block) -> int:
        keys, rows, documents = block
        return put_block(vectors, bucket=BUCKET, index=INDEX, keys=keys, vectors=rows, metadata=documents)

    def put_all() -> None:
        for _ in run_in_flight(put, read_blocks(workload), calls_in_flight=_IN_FLIGHT):
            pass

    return counted(address, put_all, figures=_FIGURES)


STAGE = Stage(
    name="put_pace",
    title="PutVectors at the service's limit",
    unit="vectors",
    sizes=(10_000, 40_000, 160_000),
    quick_size=5_000,
    prepare=write_rows,
    services=lambda _folder, _size: vector_sink(paced=True, latency_seconds=_LATENCY_SECONDS),
    contenders=(
        Contender("ours: paced, 4 in flight", Role.OURS, set_up=_ours),
        Contender("boto3's adaptive retries, our bodies", Role.PEER, set_up=_adaptive),
    ),
    bounds=(
        Bound("sustained_per_second", at_least=2_400, at_most=2_500, at_every_size=True),
        Bound("throttled_calls", at_most=0, at_every_size=True),
        Bound("cores", at_most=0.5, at_every_size=True),
    ),
    note=(
        "3,072 dimensions, to a sink that refuses more than 2,500 vectors or 1,000 requests a second (buckets that "
        "hold a second's worth) and takes 100 ms for each answer. `sustained per second` is what the sink accepted "
        "between the first call and the last; `cores` is CPU seconds a second."
    ),
)
