"""A sandbox in a child process, and how clients are told to use it."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self

from batch_assets.sandbox.config import ACCESS_KEY_ID, REGION, JobSchedule

_SERVICES = ("S3", "S3VECTORS", "BEDROCK", "BEDROCK_RUNTIME", "IAM", "STS", "EVENTBRIDGE", "SQS", "SNS")
_HEALTH_SECONDS = 30.0
_END_SECONDS = 10.0
# Would send clients elsewhere, or make boto3 refuse plain HTTP.
CONFLICTING_VARIABLES = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_BEARER_TOKEN_BEDROCK", "AWS_SESSION_TOKEN")


def environment_of(endpoint_url: str) -> dict[str, str]:
    """Return the variables that send AWS clients to a sandbox; ``CONFLICTING_VARIABLES`` must go."""
    return {
        "AWS_ENDPOINT_URL": endpoint_url,
        **{f"AWS_ENDPOINT_URL_{service}": endpoint_url for service in _SERVICES},
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


class RunningSandbox:
    """A sandbox in a child process that ends with this object, or with this process."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        """Take over a child that will announce its port on its standard output."""
        self._process = process
        self.endpoint_url = ""

    def wait_until_ready(self) -> None:
        """Wait until the child answers; raises RuntimeError when it does not."""
        announced = self._process.stdout.readline().strip() if self._process.stdout is not None else b""
        if not announced.isdigit():
            code = self._process.wait(_END_SECONDS)
            raise RuntimeError(f"the sandbox ended with code {code} before it was ready")
        self.endpoint_url = f"http://127.0.0.1:{int(announced)}"
        _check_health(self.endpoint_url)

    @property
    def process_id(self) -> int:
        """The child's process id."""
        return self._process.pid

    def environment(self) -> dict[str, str]:
        """Return the environment variables for its clients."""
        return environment_of(self.endpoint_url)

    def add_faults(self, rules: Sequence[Mapping[str, Any]]) -> None:
        """Let things go wrong from now on; the rules have been checked."""
        with _ask(f"{self.endpoint_url}/_local/faults", json.dumps(rules).encode()):
            pass

    def close(self) -> None:
        """End the child and wait for it; closing twice is fine."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        if self._process.stdout is not None:
            self._process.stdout.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the child."""
        self.close()


def start(
    port: int = 0,
    *,
    speed: float = 1.0,
    max_live_jobs: int = 100,
    embedding_workers: int = 2,
    schedule: JobSchedule | None = None,
    enforce_policies: bool = False,
    record_access: bool = False,
) -> RunningSandbox:
    """Start a sandbox in a child process and wait until it answers.

    Raises:
        RuntimeError: It ended or did not answer; its standard error says why.
    """
    options = {
        "port": port,
        "speed": speed,
        "max-live-jobs": max_live_jobs,
        "embedding-workers": embedding_workers,
        **asdict(schedule or JobSchedule()),
    }
    switches = {"enforce-policies": enforce_policies, "record-access": record_access}
    arguments = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    arguments += [f"--{name}" for name, wanted in switches.items() if wanted]
    process = subprocess.Popen(  # noqa: S603 - this interpreter and this package
        [sys.executable, "-m", "batch_assets.sandbox", *arguments, "--child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # a Ctrl-C is for the parent, which then closes the sandbox last
        env={name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
    )
    sandbox = RunningSandbox(process)
    try:
        sandbox.wait_until_ready()
    except BaseException:
        sandbox.close()
        raise
    return sandbox


def _check_health(endpoint_url: str) -> None:
    """Ask once: the port is already bound, so the answer comes as soon as the server runs."""
    url = f"{endpoint_url}/_local/health"
    started = time.monotonic()
    try:
        with _ask(url):
            pass
    except (urllib.error.URLError, TimeoutError) as error:
        waited_seconds = time.monotonic() - started
        raise RuntimeError(f"the sandbox at {url} did not answer within {waited_seconds:.0f} s: {error}") from error


def _ask(url: str, body: bytes | None = None) -> Any:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return opener.open(url, body, timeout=_HEALTH_SECONDS)
