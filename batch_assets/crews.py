"""Who works on shards: processes of this machine, or the workers of a Dask cluster, both by `concurrent.futures`.

A task is a function of a module and plain data, and gives plain data: so the same ones run in a process of this machine
and on any other. Workers have the AWS settings of their own environment.
"""

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from batch_assets.errors import BatchAssetsError, ServiceError
from batch_assets.settings import Settings

_MAX_PROCESSES = 4  # one process that writes the table keeps up with about two that read on the same kind of core
_CONNECT_SECONDS = 30
_WORKERS_SECONDS = 60

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Crew:
    """Workers that are ready.

    Attributes:
        executor: Takes tasks.
        size: How many tasks are worked on at a time.
        same_files: Whether the workers see the files of this machine.
    """

    executor: Executor
    size: int
    same_files: bool


OpenCrew = Callable[[], AbstractContextManager[Crew]]


def crew_of(settings: Settings) -> OpenCrew:
    """The workers that the settings name: those of a Dask cluster, or processes of this machine."""
    scheduler = settings.dask_scheduler
    return dask_cluster(scheduler) if scheduler else local_processes(usual_processes())


def local_processes(processes: int) -> OpenCrew:
    """Processes of this machine."""
    return partial(_opened_processes, processes)


def dask_cluster(scheduler: str) -> OpenCrew:
    """The workers of the cluster of a Dask scheduler; a task whose worker dies is given to another one."""
    return partial(_opened_cluster, scheduler)


def usual_processes() -> int:
    """How many processes of this machine share a large piece of work."""
    return min(len(os.sched_getaffinity(0)), _MAX_PROCESSES)


def process_pool(processes: int) -> Executor:
    """Processes on this machine, started afresh: a fork would inherit the locks of other threads."""
    return ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn"))


def in_order(
    executor: Executor, function: Callable[[Task], Result], tasks: Iterable[Task], *, ahead: int
) -> Iterator[Result]:
    """Results in the order of the tasks, of which at most `ahead` are started before their result is taken."""
    started: deque[Future[Result]] = deque()
    try:
        for task in tasks:
            started.append(executor.submit(function, task))
            if len(started) == ahead:
                yield started.popleft().result()
        while started:
            yield started.popleft().result()
    finally:
        for future in started:
            future.cancel()


@contextmanager
def _opened_processes(processes: int) -> Iterator[Crew]:
    """Raises `ServiceError` when one of the processes dies."""
    try:
        with process_pool(processes) as executor:
            yield Crew(executor, processes, same_files=True)
    except BrokenProcessPool as error:
        raise ServiceError(
            "a process that shared the work died, perhaps for want of memory: run this partition again"
        ) from error


@contextmanager
def _opened_cluster(scheduler: str) -> Iterator[Crew]:
    """Raises `ServiceError` when the cluster cannot be reached, has no workers, or loses them all."""
    try:
        # Heavy, and an extra: only who names a scheduler needs it.
        from distributed import Client  # noqa: PLC0415
        from distributed.client import FutureCancelledError  # noqa: PLC0415
        from distributed.comm.core import CommClosedError  # noqa: PLC0415
        from distributed.scheduler import KilledWorker  # noqa: PLC0415
    except ImportError as error:
        raise BatchAssetsError(
            f"BATCH_ASSETS_DASK_SCHEDULER={scheduler} needs the package distributed: "
            "install batch_assets with the extra dask"
        ) from error
    try:
        connect: Any = Client  # untyped
        client = connect(scheduler, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ServiceError(
            f"the Dask scheduler {scheduler} does not answer: check BATCH_ASSETS_DASK_SCHEDULER ({error})"
        ) from error
    with client:
        _wait_for_workers(client, scheduler)
        try:
            # Not pure: two tasks may be alike and have to be done twice.
            with client.get_executor(pure=False) as executor:
                yield Crew(executor, sum(client.nthreads().values()), same_files=False)
        except (KilledWorker, CommClosedError, CancelledError, FutureCancelledError) as error:
            raise ServiceError(
                f"workers of the Dask scheduler {scheduler} died, or it did: run this partition again ({error})"
            ) from error


def _wait_for_workers(client: Any, scheduler: str) -> None:
    try:
        client.wait_for_workers(1, timeout=_WORKERS_SECONDS)
    except TimeoutError as error:
        raise ServiceError(f"the Dask scheduler {scheduler} has no workers: start some with `dask worker`") from error
