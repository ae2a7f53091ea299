"""The sandbox with small pictures in it, and this process pointed at it."""

import io
import json
import os
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from PIL import Image

from batch_assets.bedrock.jobs import ENDED_STATUSES
from batch_assets.cli.clients import Clients
from batch_assets.cli.local_world import LocalWorld, clean_environment, complete_days
from batch_assets.sandbox.demo_pictures import DemoObject
from batch_assets.sandbox.server import start
from batch_assets.settings import load_settings

PICTURES = 100
"""As many as the smallest batch job takes."""

_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class SandboxWorld:
    """A deployment in the sandbox, with pictures in some of its partitions."""

    world: LocalWorld

    @property
    def partitions(self) -> Sequence[str]:
        return self.world.partitions

    def clients(self) -> Clients:
        """Clients for the settings of this world."""
        return Clients(load_settings(_env_file=None))

    def tell(self, path: str, body: Any = None, *, method: str | None = None) -> Any:
        """Steer the sandbox: its clock, its faults, its counts of calls."""
        request = urllib.request.Request(  # noqa: S310 loopback
            f"{self.world.sandbox.endpoint_url}/_local/{path}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
        )
        with urllib.request.urlopen(request) as reply:  # noqa: S310 loopback
            return json.load(reply)

    def calls(self) -> int:
        """Calls of all services since they were last forgotten."""
        counts = self.tell("calls")
        return sum(operation["calls"] for service in counts.values() for operation in service.values())

    def forget_calls(self) -> None:
        self.tell("calls", method="DELETE")

    def jobs(self) -> Sequence[Any]:
        """The batch jobs, newest first, as Bedrock lists them in its first page."""
        summaries: Sequence[Any] = self.clients().bedrock.list_model_invocation_jobs()["invocationJobSummaries"]
        return summaries

    def wait_for_jobs(self) -> None:
        """Return when none of them is live."""
        while any(job["status"] not in ENDED_STATUSES for job in self.jobs()):
            time.sleep(_POLL_SECONDS)


def small_pictures(prefixes: Sequence[str]) -> Iterator[DemoObject]:
    """100 pictures of a few bytes under each prefix."""
    for number, prefix in enumerate(prefixes):
        for at in range(PICTURES):
            yield DemoObject(f"{prefix}{at:04d}.png", _picture(number * PICTURES + at), "image/png")


@contextmanager
def sandbox_world(
    days: int,
    *,
    with_pictures: int,
    speed: float,
    pictures: Callable[[Sequence[str]], Iterable[DemoObject]] = small_pictures,
) -> Iterator[SandboxWorld]:
    """A world of so many days, pictures in the newest ones; the environment of this process names it until the end."""
    before = dict(os.environ)
    with start(speed=speed) as sandbox:
        world = LocalWorld(sandbox, complete_days(days))
        world.seed(pictures(world.prefixes[-with_pictures:]))
        environment = clean_environment(os.environ, world.environment())
        try:
            _set(environment)
            yield SandboxWorld(world)
        finally:
            _set(before)


def _set(environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)


def _picture(number: int) -> bytes:
    """A small picture; no two numbers have the same bytes."""
    file = io.BytesIO()
    Image.new("RGB", (16, 16), (number * 37 % 256, number * 91 % 256, number % 251)).save(file, "PNG")
    return file.getvalue() + number.to_bytes(4, "big")
