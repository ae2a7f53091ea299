"""`python -m benchmarks.scale`: the pipeline as a whole at scale, each case by itself; prints what was seen as JSON.

What is seen is also kept in `benchmarks/scale.json`, case by case, and shown in `docs/performance.md`.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.scale import page

_STORED = Path(__file__).parents[1] / "scale.json"


def _backfill(options: argparse.Namespace) -> Any:
    from benchmarks.scale import backfill

    return backfill.measure(options.size or 365, max_concurrent_runs=options.runs)


def _sensors(options: argparse.Namespace) -> Any:
    from benchmarks.scale import sensors

    return sensors.measure(options.size or 5_000)


def _large_job(options: argparse.Namespace) -> Any:
    from benchmarks.scale import large_job

    return large_job.measure(options.size or 100_000)


def _overhead(options: argparse.Namespace) -> Any:
    from benchmarks.scale import overhead

    return overhead.measure(options.size or 5)


def _web_ui(options: argparse.Namespace) -> Any:
    from benchmarks.scale import web_ui

    return web_ui.measure(options.size or 5_000)


def _inventory_report(options: argparse.Namespace) -> Any:
    from benchmarks.scale import inventory_report

    return inventory_report.measure(options.size or 10_000_000, file_format=options.format)


def _dask(options: argparse.Namespace) -> Any:
    from benchmarks.scale import dask_readers

    return dask_readers.measure(options.size or 20_000)


def _pictures(options: argparse.Namespace) -> Any:
    from benchmarks.scale import pictures

    return pictures.measure(options.size or 5)


def _gallery(options: argparse.Namespace) -> Any:
    from benchmarks.scale import gallery

    return gallery.measure(options.size or 100_000)


_CASES: Mapping[str, Callable[[argparse.Namespace], Any]] = {
    "backfill": _backfill,
    "sensors": _sensors,
    "large-job": _large_job,
    "overhead": _overhead,
    "web-ui": _web_ui,
    "inventory-report": _inventory_report,
    "dask": _dask,
    "pictures": _pictures,
    "gallery": _gallery,
}


def main() -> None:
    """Measure one case."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("case", choices=_CASES)
    parser.add_argument(
        "--size", type=int, help="partitions, images of the large job, vectors of the gallery, objects of the report"
    )
    parser.add_argument("--runs", type=int, default=4, help="runs at a time in the backfill")
    parser.add_argument("--format", default="Parquet", choices=["CSV", "ORC", "Parquet"], help="of the report")
    parser.add_argument("--name", help="name to keep the figures under; the case's own if left out")
    options = parser.parse_args()
    load_before = round(os.getloadavg()[0], 1)
    seen = {**_CASES[options.case](options), "load_average_before": load_before}
    stored = json.loads(_STORED.read_text(encoding="utf-8")) if _STORED.exists() else {}
    stored[options.name or options.case] = seen
    _STORED.write_text(json.dumps(stored, indent=2) + "\n", encoding="utf-8")
    page.write(stored)
    sys.stdout.write(json.dumps(seen, indent=2) + "\n")


if __name__ == "__main__":
    main()
