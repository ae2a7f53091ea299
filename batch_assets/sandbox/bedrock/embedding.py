"""Turning tasks into vectors, in processes of their own so that the server stays responsive.

The vectors come from a colour and texture descriptor: a stand-in, and not Nova.
"""

import multiprocessing
import os
import signal
import threading
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing.connection import wait
from typing import Protocol

from batch_assets.sandbox.bedrock.records import EmbeddingTask, RecordError


class Embedder(Protocol):
    """Turns tasks into vectors, `workers` of them at a time."""

    workers: int

    def submit(self, task: EmbeddingTask) -> Future[bytes]:
        """Queue a task; its result is the vector as a JSON array, its failure a ``RecordError``."""

    def close(self) -> None:
        """Take no more tasks."""


class EmbeddingPool:
    """Worker processes around the descriptor; they start with the first task."""

    def __init__(self, *, workers: int) -> None:
        """Set the number of processes; nothing starts yet."""
        self.workers = workers
        self._lock = threading.Lock()
        self._executor: ProcessPoolExecutor | None = None

    def submit(self, task: EmbeddingTask) -> Future[bytes]:
        """Queue a task; its result is the vector as a JSON array, its failure a ``RecordError``."""
        with self._lock:
            if self._executor is None:
                self._executor = ProcessPoolExecutor(
                    self.workers, mp_context=multiprocessing.get_context("spawn"), initializer=_end_with_parent
                )
            return self._executor.submit(embed, task)

    def close(self) -> None:
        """End the processes; queued tasks are dropped."""
        with self._lock:
            if self._executor is not None:
                self._executor.shutdown(wait=True, cancel_futures=True)


def embed(task: EmbeddingTask) -> bytes:
    """Make one vector and write it as a JSON array of shortest float32 numbers.

    Raises:
        RecordError: The picture cannot be decoded, or is not in the format that was declared.
    """
    import orjson  # noqa: PLC0415 - only the workers need these

    from batch_assets.sandbox import descriptor  # noqa: PLC0415

    if task.image_format is None:
        vector = descriptor.embed_text(task.content.decode(), task.dimension)
    else:
        actual = descriptor.image_format(task.content)
        if actual is not None and actual != task.image_format:
            raise RecordError(400, f"The image format {task.image_format} does not match the image, a {actual}")
        try:
            vector = descriptor.embed_image(task.content, task.dimension)
        except descriptor.UndecodableImageError as error:
            raise RecordError(400, f"The image could not be processed: {error}") from error
    return orjson.dumps(vector, option=orjson.OPT_SERIALIZE_NUMPY)


def _end_with_parent() -> None:
    """Let a worker end with the server: neither at a Ctrl-C before it, nor never."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_exit_after, args=(parent.sentinel,), daemon=True).start()


def _exit_after(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
