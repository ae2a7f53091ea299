"""Putting many small objects into a bucket at once."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

from batch_assets.sandbox.demo_pictures.demo_object import DemoObject


@dataclass(frozen=True)
class UploadReport:
    """What was put."""

    objects: int
    size_bytes: int
    seconds: float


def upload(
    s3_client: Any,
    bucket: str,
    objects: Iterable[DemoObject],
    *,
    workers: int = 8,
    progress: Callable[[int], None] | None = None,
) -> UploadReport:
    """Put objects in parallel; only a few are held in memory at a time.

    Args:
        s3_client: A boto3 S3 client, of an account or of the sandbox.
        bucket: An existing bucket.
        objects: What to put; consumed as the uploads go on.
        workers: Uploads at one time; more than the client's connection pool (10 unless told) gain nothing.
        progress: Called in this thread with the number of objects put so far.

    Raises:
        botocore.exceptions.ClientError: The first refused put, with the object's address as a note;
            puts not yet begun are given up.
    """
    started = time.monotonic()
    done, size_bytes = 0, 0
    running: set[Future[int]] = set()

    def settle(*, until: int) -> None:
        nonlocal done, size_bytes, running
        while len(running) > until:
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            size_bytes += sum(future.result() for future in finished)
            done += len(finished)
            if progress is not None:
                progress(done)

    with ThreadPoolExecutor(max_workers=workers) as pool:
        try:
            for item in objects:
                running.add(pool.submit(_put, s3_client, bucket, item))
                settle(until=2 * workers)
            settle(until=0)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return UploadReport(objects=done, size_bytes=size_bytes, seconds=time.monotonic() - started)


def _put(s3_client: Any, bucket: str, item: DemoObject) -> int:
    try:
        s3_client.put_object(Bucket=bucket, Key=item.key, Body=item.data, ContentType=item.content_type)
    except Exception as error:
        error.add_note(f"while putting s3://{bucket}/{item.key} ({len(item.data)} bytes)")
        raise
    return len(item.data)
