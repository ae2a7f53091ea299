"""Sharing the reading of a job's output among processes."""

import os
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest

from batch_assets.bedrock.contents import contents
from batch_assets.bedrock.join import Join, embedding_schema
from batch_assets.bedrock.manifest import plan
from batch_assets.bedrock.results import OutputFile, Refused, Unreadable, output_files
from batch_assets.bedrock.shards import Block, Span, cut
from batch_assets.bedrock.workers import ShardTask, Workers, read_shard
from batch_assets.crews import Crew, in_order, local_processes, process_pool
from batch_assets.errors import ServiceError
from batch_assets.storage.listing import INVENTORY
from batch_assets.storage.staged_table import StagedTable
from tests.conftest import TESTS, Aws

DIMENSION, RECORDS = 64, 3000
REGION = "us-east-1"


@pytest.fixture
def aws_settings(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Aws:
    """Point the standard AWS settings to the sandbox: workers know nothing else."""
    for name, value in {**aws.sandbox.environment(), "AWS_ACCESS_KEY_ID": TESTS}.items():
        monkeypatch.setenv(name, value)
    return aws


def inventory_of(count: int) -> pa.Table:
    """Pictures, a few of them copies of others."""
    rows = [
        {"key": f"{number:05}.jpg", "etag": f"e{number - number % 50 // 49}", "size": 10, "last_modified": 0}
        | {"format": "jpeg", "eligible": True, "reason": None}
        for number in range(count)
    ]
    return pa.Table.from_pylist(rows, schema=INVENTORY)


@pytest.fixture
def output(aws_settings: Aws) -> list[OutputFile]:
    """The output of a job in three files: vectors, refusals, a doubled line, lines of others, and rubbish."""
    aws, bucket = aws_settings, aws_settings.new_bucket("results")
    sent = planned()["record_id"].to_pylist()
    values = np.random.default_rng(1).standard_normal((len(sent), DIMENSION))
    texts = [
        orjson.dumps({"recordId": name, "error": {"errorCode": 500, "errorMessage": "busy"}})
        if number % 100 == 99
        else orjson.dumps({"recordId": name, "modelOutput": {"embeddings": [{"embedding": vector.tolist()}]}})
        for number, (name, vector) in enumerate(zip(sent, values, strict=True))
    ]
    texts += [texts[7], b'{"recordId": "f", "error": "x"}', b"rubbish", b""]
    for number in range(3):
        aws.s3.put_object(Bucket=bucket, Key=f"job/{number}.jsonl.out", Body=b"\n".join(texts[number::3]))
    return output_files(aws.s3, bucket, "job/")


def planned() -> pa.Table:
    """The records of the job."""
    return plan(
        inventory_of(RECORDS), bucket="b", embedded=contents(None), quarantined=contents(None), max_records=RECORDS
    ).records


def table(folder: Path, aws: Aws, files: list[OutputFile], workers: Workers) -> tuple[bytes, Join]:
    """The parquet file that comes of a load, and its join."""
    join = Join(inventory_of(RECORDS), bucket="b", dimension=DIMENSION, submitted=planned(), job_id="j")
    staged = StagedTable(folder / "table.parquet", embedding_schema(DIMENSION))
    for batch in join.batches([], workers.read(aws.s3, files, dimension=DIMENSION, region=REGION)):
        staged.write(batch)
    return staged.finish({}).read_bytes(), join


@contextmanager
def elsewhere() -> Iterator[Crew]:
    """Workers that do not see the files of this machine."""
    with ThreadPoolExecutor(2) as executor:
        yield Crew(executor, 2, same_files=False)


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut the files of the tests, which are small, all the same."""
    monkeypatch.setattr("batch_assets.bedrock.workers.cut", partial(cut, shard_bytes=100_000))


@pytest.mark.slow
@pytest.mark.usefixtures("small_shards")
def test_the_table_does_not_depend_on_the_number_of_workers(
    aws_settings: Aws, output: list[OutputFile], tmp_path: Path
) -> None:
    """Byte by byte: none, one, two, and workers that send vectors as results."""
    alone, join = table(tmp_path, aws_settings, output, Workers(crew=None))
    assert join.tally.duplicate_lines == join.tally.unknown_lines == join.tally.unreadable_lines == 1
    assert (join.records_missing, join.tally.records_embedded + join.tally.records_refused) == (0, len(planned()))
    assert join.tally.added > join.tally.records_embedded
    for workers in (
        Workers(local_processes(1), from_bytes=0),
        Workers(local_processes(2), from_bytes=0),
        Workers(elsewhere, from_bytes=0),
    ):
        assert table(tmp_path, aws_settings, output, workers)[0] == alone


@pytest.mark.parametrize("same_files", [True, False])
def test_a_worker_finds_the_service_by_the_standard_settings(
    aws_settings: Aws, output: list[OutputFile], tmp_path: Path, same_files: bool
) -> None:
    """And hands vectors over in files or as results; a file is gone once it is fetched."""
    shard = tuple(Span(file, 0, file.size_bytes) for file in output)
    task = ShardTask(0, shard, DIMENSION, REGION, str(tmp_path) if same_files else None)
    parked = read_shard(task)
    expected = list(Workers(crew=None).read(aws_settings.s3, output, dimension=DIMENSION, region=REGION))
    assert len(list(tmp_path.iterdir())) == (len(parked) if same_files else 0)
    for found, block in zip([block.fetch() for block in parked], expected, strict=True):
        assert found.outcomes == block.outcomes
        np.testing.assert_array_equal(found.vectors, block.vectors)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("same_files", [True, False])
def test_a_block_without_vectors_is_handed_over(aws_settings: Aws, tmp_path: Path, same_files: bool) -> None:
    """Such as that of a job that failed altogether."""
    bucket = aws_settings.new_bucket("results")
    aws_settings.s3.put_object(Bucket=bucket, Key="a.jsonl.out", Body=b'{"recordId": "r", "error": "no"}\nx')
    (file,) = output_files(aws_settings.s3, bucket, "")
    shard = (Span(file, 0, file.size_bytes),)
    (parked,) = read_shard(ShardTask(0, shard, DIMENSION, REGION, str(tmp_path) if same_files else None))
    block = parked.fetch()
    assert block.outcomes == [Refused("r", "unknown", "no", retryable=True), Unreadable("x")]
    assert block.vectors.shape == (0, DIMENSION)


def test_small_output_starts_no_process(aws_settings: Aws, output: list[OutputFile]) -> None:
    """Starting processes would take longer than reading it."""

    def refuse() -> AbstractContextManager[Crew]:
        raise AssertionError("no process is needed")

    blocks = Workers(refuse).read(aws_settings.s3, output, dimension=DIMENSION, region=REGION)
    assert sum(len(block.outcomes) for block in blocks) == len(planned()) + 3


class Lazy(Executor):
    """Does a task only when its result is asked for, and notes how many were under way."""

    def __init__(self) -> None:
        self.started, self.taken, self.most = 0, 0, 0

    def submit(self, function: Any, /, *args: Any, **options: Any) -> Any:
        self.started += 1
        self.most = max(self.most, self.started - self.taken)
        executor = self

        class _Future(Future[Any]):
            def result(self, _timeout: float | None = None) -> Any:
                executor.taken += 1
                return function(*args, **options)

        return _Future()


def test_results_come_in_order_and_few_tasks_are_under_way() -> None:
    """What is read ahead of the table is bounded, whatever the size of the job."""
    lazy = Lazy()
    assert list(in_order(lazy, str, range(20), ahead=4)) == [str(number) for number in range(20)]
    assert lazy.most == 4


def test_an_error_of_a_worker_is_raised_and_nothing_more_is_started() -> None:
    """The load fails as it would in one process."""

    def tasks() -> Iterator[int]:
        yield from (1, 0, 2)
        raise AssertionError("too far ahead")

    with ThreadPoolExecutor(1) as executor, pytest.raises(ZeroDivisionError):
        list(in_order(executor, partial(divmod, 1), tasks(), ahead=2))


def dying_pool(_processes: int) -> Executor:
    """A pool whose processes end as the kernel ends them when memory is short."""
    pool = process_pool(1)
    pool.submit(os._exit, 1)
    return pool


@pytest.mark.slow
def test_a_worker_that_dies_is_told_and_worth_another_run(
    aws_settings: Aws, output: list[OutputFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says what may have happened and what to do."""
    monkeypatch.setattr("batch_assets.crews.process_pool", dying_pool)
    workers = Workers(local_processes(1), from_bytes=0)
    with pytest.raises(ServiceError, match="want of memory: run this partition again"):
        list[Block](workers.read(aws_settings.s3, output, dimension=DIMENSION, region=REGION))
