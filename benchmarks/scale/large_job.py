"""One partition as large as a batch job may be, from its listing to an index that was read back: time and memory.

The pipeline runs in a process of its own, as a run does; S3, Bedrock and S3 Vectors are the sandbox, with a model that
answers at once and the documented write limits.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from batch_assets.cli.dagster_process import prepare_home
from batch_assets.cli.local_world import BUCKET, ROLE, VECTOR_BUCKET, clean_environment
from batch_assets.sandbox.config import ACCOUNT_ID
from batch_assets.sandbox.process import RunningSandbox
from benchmarks.scale.process_tree import PeakMemory

KEY, PREFIX = "2024/01/02", "photos/2024/01/02/"
_SPEED = 3_600.0
_DIMENSION = 3_072
_MEBIBYTE = 1024**2


def measure(images: int) -> dict[str, Any]:
    """Seconds and peak memory of each run, and what the service's write limit alone would take."""
    with _sandbox(images) as sandbox, tempfile.TemporaryDirectory() as home:
        prepare_home(Path(home))
        environment = clean_environment(os.environ, {**_environment(sandbox), "DAGSTER_HOME": home})
        steps: dict[str, Any] = {}
        for job in ("plan_and_submit", "load"):
            steps[job] = run_job(job, KEY, environment)
            if job == "plan_and_submit":
                _wait_for_the_job(environment)
    return {
        "images": images,
        "dimension": _DIMENSION,
        "runs": steps,
        "seconds_at_the_write_limit": images / 2_500,
    }


@contextmanager
def _sandbox(images: int) -> Iterator[RunningSandbox]:
    command = [sys.executable, "-m", "benchmarks.scale.instant_sandbox", str(images), PREFIX, str(_SPEED)]
    with RunningSandbox(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)) as sandbox:  # noqa: S603
        sandbox.wait_until_ready()
        yield sandbox


def _environment(sandbox: RunningSandbox) -> Mapping[str, str]:
    return {
        **sandbox.environment(),
        "BATCH_ASSETS_SOURCE_BUCKET": BUCKET,
        "BATCH_ASSETS_FIRST_PARTITION": KEY,
        "BATCH_ASSETS_ACCOUNT_ID": ACCOUNT_ID,
        "BATCH_ASSETS_ROLE_ARN": f"arn:aws:iam::{ACCOUNT_ID}:role/{ROLE}",
        "BATCH_ASSETS_VECTOR_BUCKET": VECTOR_BUCKET,
        "BATCH_ASSETS_DIMENSION": str(_DIMENSION),
    }


def run_job(job: str, partition: str, environment: Mapping[str, str]) -> dict[str, Any]:
    """Run a job of Dagster in a process of its own: seconds of its steps, what its assets told, and its memory."""
    command = [sys.executable, "-m", "benchmarks.scale.one_run", job, partition]
    begun = time.monotonic()
    with subprocess.Popen(command, env=dict(environment), stdout=subprocess.PIPE) as process:  # noqa: S603
        peak = PeakMemory(process.pid)
        watcher = threading.Thread(target=peak.watch)
        watcher.start()
        told, _ = process.communicate()
        watcher.join()
    if process.returncode:
        raise RuntimeError(f"{job} ended with code {process.returncode}: see its output above")
    return {
        **json.loads(told),
        "seconds": round(time.monotonic() - begun, 1),
        "peak_mebibytes": round(peak.bytes / _MEBIBYTE),
        "peak_mebibytes_of_one_process": round(peak.bytes_of_one / _MEBIBYTE),
    }


def _wait_for_the_job(environment: Mapping[str, str]) -> None:
    import boto3

    client = boto3.client(
        "bedrock",
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        region_name=environment["AWS_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )
    (job,) = client.list_model_invocation_jobs()["invocationJobSummaries"]
    while (found := client.get_model_invocation_job(jobIdentifier=job["jobArn"]))["status"] != "Completed":
        if found["status"] == "Failed":
            raise RuntimeError(f"the job failed: {found.get('message')}")
        time.sleep(1)
