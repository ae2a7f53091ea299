"""Vectors to the body of PutVectors and onto the wire: what the client spends."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from benchmarks.model import Bound, Contender, Measure, Outcome, Role, Stage, Target, Workload
from benchmarks.stages.vector_rows import BUCKET, INDEX, read_blocks, write_rows
from benchmarks.stages.vector_sink import counted, vector_sink

if TYPE_CHECKING:
    from mypy_boto3_s3vectors import S3VectorsClient

_SCRIPT_VECTORS_A_CALL = 100
_SCRIPT_PAUSE_SECONDS = 0.5
_DOUBLES_A_CALL = 300
"""A float32 as a Python number takes up to 20 characters: 304 vectors of 3,072 dimensions fit into 20 MiB."""
_SIGNED_A_CALL = 500
_UNLIMITED = 1e12
_FIGURES = ("calls", "largest_body_bytes")

_OURS = "ours: event hooks, 4 in flight"
_SCRIPT = "boto3, 100 a call, 0.5 s pause"
_LISTS = "boto3, lists of floats, 300 a call"
_UNVALIDATED = "boto3 without validation"
_SIGNED = "own SigV4 and urllib3"


def client(address: str, **options: Any) -> "S3VectorsClient":
    """Return a client of a sink; `options` go into botocore's Config."""
    import boto3
    from botocore.config import Config

    config = Config(**{"retries": {"total_max_attempts": 1}, **options})
    session = boto3.Session(aws_access_key_id="benchmark", aws_secret_access_key="benchmark")  # noqa: S106 - a sink
    return session.client("s3vectors", region_name="us-east-1", endpoint_url=address, config=config)


def _ours(workload: Workload) -> Callable[[], Outcome]:
    from batch_assets.vectors.rate import RateLimiter
    from batch_assets.vectors.writer import VectorBlock, VectorWriter

    address = workload.services["s3vectors"]
    limiter = RateLimiter(vectors_per_second=_UNLIMITED, requests_per_second=_UNLIMITED)
    writer = VectorWriter(client(address), BUCKET, INDEX, limiter=limiter)
    return counted(
        address, lambda: writer.put(VectorBlock(*block) for block in read_blocks(workload)), figures=_FIGURES
    )


def _boto3(
    vectors_a_call: int, pause_seconds: float = 0.0, **options: Any
) -> Callable[[Workload], Callable[[], Outcome]]:
    """Put vectors as Python lists, the way of the documentation's examples."""

    def set_up(workload: Workload) -> Callable[[], Outcome]:
        address = workload.services["s3vectors"]
        vectors = client(address, **options)

        def put_all() -> None:
            for records in _list_records(workload, vectors_a_call):
                vectors.put_vectors(vectorBucketName=BUCKET, indexName=INDEX, vectors=records)  # type: ignore[arg-type]
                time.sleep(pause_seconds)

        return counted(address, put_all, figures=_FIGURES)

    return set_up


def _signed(workload: Workload) -> Callable[[], Outcome]:
    from benchmarks.stages.signed_put import SignedPut

    address = workload.services["s3vectors"]
    put = SignedPut(address)

    def put_all() -> None:
        for block in read_blocks(workload, _SIGNED_A_CALL):
            put(BUCKET, INDEX, *block)

    return counted(address, put_all, figures=_FIGURES)


def _list_records(workload: Workload, vectors_a_call: int) -> Iterator[Sequence[Mapping[str, Any]]]:
    for keys, vectors, documents in read_blocks(workload, vectors_a_call):
        yield [
            {"key": key, "data": {"float32": row.tolist()}, "metadata": document}
            for key, row, document in zip(keys, vectors, documents, strict=True)
        ]


STAGE = Stage(
    name="put_vectors",
    title="PutVectors, client side",
    unit="vectors",
    sizes=(1_500, 6_000, 24_000),
    quick_size=500,
    prepare=write_rows,
    services=lambda _folder, _size: vector_sink(),
    contenders=(
        Contender(_OURS, Role.OURS, set_up=_ours),
        Contender(_SCRIPT, Role.PLAIN, set_up=_boto3(_SCRIPT_VECTORS_A_CALL, _SCRIPT_PAUSE_SECONDS)),
        Contender(_LISTS, Role.PLAIN, set_up=_boto3(_DOUBLES_A_CALL)),
        Contender(_UNVALIDATED, Role.PEER, set_up=_boto3(_DOUBLES_A_CALL, parameter_validation=False)),
        Contender(_SIGNED, Role.PEER, set_up=_signed),
    ),
    targets=(
        Target(_SCRIPT, Measure.WALL, at_least=20),
        Target(_LISTS, Measure.CPU, at_least=20),
        Target(_SIGNED, Measure.CPU, at_most=1.3),
    ),
    bounds=(Bound("largest_body_bytes", at_most=20 * 1024 * 1024, at_every_size=True),),
    note=(
        "3,072 dimensions, to a sink on loopback that reads and checks every body in a process of its own. "
        "No limit of rate: this is what the client could do. The script's pauses are in its wall clock, not its CPU."
    ),
)
