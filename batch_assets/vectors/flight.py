"""Streams of calls with a few in flight at a time."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def in_chunks(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    """Yield lists of at most `size` items, in order."""
    iterator = iter(items)
    while chunk := list(itertools.islice(iterator, size)):
        yield chunk


def run_in_flight(
    work: Callable[[_Item], _Result], items: Iterable[_Item], *, calls_in_flight: int
) -> Iterator[_Result]:
    """Yield results as they come, with a bounded number of items taken from the stream at a time.

    The first exception stops the stream: what is in flight is awaited, nothing new begins.
    """
    with ThreadPoolExecutor(calls_in_flight) as pool:
        yield from run_on(pool, work, items, calls_in_flight=calls_in_flight)


def run_on(
    executor: Executor, work: Callable[[_Item], _Result], items: Iterable[_Item], *, calls_in_flight: int
) -> Iterator[_Result]:
    """Yield results of an executor as they come; see `run_in_flight`."""
    running: set[Future[_Result]] = set()
    for item in items:
        running.add(executor.submit(work, item))
        if len(running) == calls_in_flight:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
    while running:
        done, running = wait(running, return_when=FIRST_COMPLETED)
        yield from (future.result() for future in done)
