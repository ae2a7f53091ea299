"""One repetition of one contender in a process of its own.

`python -m benchmarks.contender_process` takes its orders as JSON from standard input: stage, contender, folder, size,
services, and the file in which the sample is left. The contender may print what it likes.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from benchmarks.discovery import find_contender, find_stage
from benchmarks.errors import BenchmarkError
from benchmarks.measuring import Sample, measure
from benchmarks.model import Contender, Stage, Workload

_LONGEST_SECONDS = 900
_ERROR_LINES = 15

Run = Callable[[Stage, Contender, Workload], Sample]


def run_in_process(stage: Stage, contender: Contender, workload: Workload) -> Sample:
    """Measure a contender in a fresh process, with a folder for temporary files that is gone afterwards.

    Raises:
        BenchmarkError: If the process fails or takes too long; the message ends with its last lines.
    """
    with tempfile.TemporaryDirectory() as scratch:
        answer = Path(scratch) / "sample.json"
        orders = {
            "stage": stage.name,
            "contender": contender.name,
            "folder": str(workload.folder),
            "size": workload.size,
            "services": dict(workload.services),
            "answer": str(answer),
        }
        _run(orders, Path(scratch))
        return Sample(**json.loads(answer.read_bytes()))


def _run(orders: dict[str, object], scratch: Path) -> None:
    who = f"stage {orders['stage']}, contender {orders['contender']}, size {orders['size']:,}"
    try:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.contender_process"],
            input=json.dumps(orders).encode(),
            env=os.environ | {"TMPDIR": str(scratch)},
            capture_output=True,
            timeout=_LONGEST_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise BenchmarkError(f"{who}: not done after {_LONGEST_SECONDS} seconds") from error
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-_ERROR_LINES:]
        raise BenchmarkError(f"{who}: ended with {done.returncode}\n" + "\n".join(last))


def main() -> None:
    """Do what standard input says."""
    orders = json.load(sys.stdin)
    contender = find_contender(find_stage(orders["stage"]), orders["contender"])
    workload = Workload(Path(orders["folder"]), orders["size"], orders["services"])
    sample = measure(contender.ready(workload))
    Path(orders["answer"]).write_text(json.dumps(asdict(sample)), encoding="utf-8")


if __name__ == "__main__":
    main()
