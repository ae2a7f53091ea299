"""How long the web UI takes to show assets with thousands of partitions, in a headless Chromium."""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import dagster as dg
from playwright.sync_api import Page, sync_playwright

from batch_assets.cli.dagster_process import DagsterDev, free_port, prepare_home
from benchmarks.scale.process_tree import PeakMemory
from benchmarks.scale.sandbox_world import SandboxWorld, sandbox_world
from benchmarks.scale.sensors import fill

_LOADS = 5
_PATIENCE_MILLISECONDS = 60_000
_MEBIBYTE = 1024**2


def measure(partitions: int) -> dict[str, Any]:
    """Median and longest seconds until a page shows what it is for, by page, and the web server's memory."""
    with tempfile.TemporaryDirectory() as folder, sandbox_world(partitions, with_pictures=1, speed=0) as world:
        home = Path(folder)
        prepare_home(home)
        with dg.DagsterInstance.from_config(folder) as instance:
            events = fill(instance, world)
        with _web_server(home) as (url, process_id), _browser() as page:
            pages = {name: _timed(page, url + path, shown) for name, path, shown in _pages(world)}
            memory = PeakMemory(process_id)
            memory.look()
        return {
            "partitions": partitions,
            "events": events,
            "pages": pages,
            "web_server_mebibytes": round(memory.bytes / _MEBIBYTE),
        }


def _pages(world: SandboxWorld) -> Iterator[tuple[str, str, str]]:
    """Name, path, and the text that shows that a page is there."""
    newest = world.partitions[-1]
    yield "graph of the assets", "/asset-groups", "vector_index"
    yield "partitions of an asset", "/assets/embedding_table?view=partitions", newest
    yield (
        "one partition of an asset",
        f"/assets/embedding_table?view=partitions&partition={quote(newest, safe='')}",
        "Latest materialization",
    )
    yield "events of an asset", "/assets/embedding_table?view=events", "dagster/uri"


@contextmanager
def _web_server(home: Path) -> Iterator[tuple[str, int]]:
    """The web server alone: no daemon changes what it shows."""
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "dagster_webserver", "-w", "workspace.yaml", "-p", str(port)]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 this interpreter
            command, cwd=home, env={**os.environ, "DAGSTER_HOME": str(home)}, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            dagster = DagsterDev(home, dict(os.environ), port)
            dagster.process = process
            dagster.wait_until_ready()
            yield dagster.url, process.pid
        finally:
            process.terminate()
            process.wait(30)


@contextmanager
def _browser() -> Iterator[Page]:
    executable = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
        page = chromium.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(_PATIENCE_MILLISECONDS)
        yield page
        chromium.close()


def _timed(page: Page, address: str, shown: str) -> Mapping[str, float]:
    seconds = []
    for _ in range(_LOADS):
        begun = time.perf_counter()
        page.goto(address)
        page.get_by_text(shown, exact=True).first.wait_for()
        seconds.append(time.perf_counter() - begun)
    return {"median_seconds": round(statistics.median(seconds), 2), "longest_seconds": round(max(seconds), 2)}
