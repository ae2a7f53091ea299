"""`dagster dev` as a child process, with a home of its own."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import orjson

from batch_assets.errors import BatchAssetsError

_HOST = "127.0.0.1"
_READY_SECONDS = 120
_POLL_SECONDS = 0.25
_STOP_SECONDS = 30
_LOCATION = (
    "load_from:\n  - python_module:\n      module_name: batch_assets.definitions\n      location_name: batch_assets\n"
)


class DagsterError(BatchAssetsError):
    """Dagster did not start, or refused what it was asked."""


def end_on_signals() -> None:
    """Let Ctrl-C and a polite kill end this process and its children the same way.

    A shell's background job ignores SIGINT, and children would inherit that; on a handler they start with the default.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])


def prepare_home(home: Path) -> None:
    """Write the instance and the workspace that `dagster dev` reads."""
    home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(Path(__file__).with_name("instance.yaml"), home / "dagster.yaml")
    (home / "workspace.yaml").write_text(_LOCATION, encoding="utf-8")


@dataclass
class DagsterDev:
    """A running `dagster dev`: web UI, daemon and code server. Ends with this object.

    Attributes:
        home: Its `DAGSTER_HOME`, prepared by `prepare_home`.
        environment: All variables that it sees besides `DAGSTER_HOME`.
        port: Loopback port of the web UI.
        log: Where its output goes; None shows it.
    """

    home: Path
    environment: Mapping[str, str]
    port: int
    log: IO[bytes] | None = None
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://{_HOST}:{self.port}"

    def __enter__(self) -> Self:
        """Start it; it is ready when `wait_until_ready` returns."""
        command = [sys.executable, "-W", "ignore", "-m", "dagster", "dev"]
        options = ["-w", "workspace.yaml", "-h", _HOST, "-p", str(self.port)]
        self.process = subprocess.Popen(  # noqa: S603 this interpreter and Dagster
            [*command, *options],
            cwd=self.home,
            env={**self.environment, "DAGSTER_HOME": str(self.home), "PYTHONWARNINGS": "ignore"},
            stdout=self.log,
            stderr=subprocess.STDOUT if self.log else None,
            start_new_session=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it and everything that it started."""
        if self.process is None:
            return
        self._signal(signal.SIGINT)
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        finally:
            self._signal(signal.SIGKILL)
            self.process.wait()

    def wait_until_ready(self) -> None:
        """Return when the web UI has loaded the definitions. Raises `DagsterError` with what it says if it cannot."""
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline:
            if self.process is not None and self.process.poll() is not None:
                raise DagsterError(f"dagster dev ended with code {self.process.returncode}: {self._last_words()}")
            try:
                state = self.query("{ repositoriesOrError { __typename ... on PythonError { message } } }")
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(_POLL_SECONDS)
                continue
            if state["repositoriesOrError"]["__typename"] == "RepositoryConnection" and self._has_location():
                return
            time.sleep(_POLL_SECONDS)
        raise DagsterError(f"dagster dev was not ready after {_READY_SECONDS} s: {self._last_words()}")

    def wait(self) -> int:
        """Wait until it ends by itself, and give its exit code."""
        return self.process.wait() if self.process is not None else 0

    def query(self, query: str, **variables: Any) -> Any:
        """The data of a GraphQL query or mutation. Raises `DagsterError` for what GraphQL refuses."""
        request = urllib.request.Request(  # noqa: S310 a loopback address
            f"{self.url}/graphql",
            data=orjson.dumps({"query": query, "variables": variables}),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as reply:
            answer = orjson.loads(reply.read())
        if answer.get("errors"):
            raise DagsterError(f"Dagster refuses the query: {answer['errors']}")
        return answer["data"]

    def launch(self, job: str, partition: str) -> str:
        """Launch a job for one partition, as the web UI does, and give the run id."""
        selector = {
            "repositoryLocationName": "batch_assets",
            "repositoryName": "__repository__",
            "pipelineName": job,
        }
        tags = [{"key": "dagster/partition", "value": partition}]
        parameters = {"selector": selector, "executionMetadata": {"tags": tags}}
        result = self.query(_LAUNCH, parameters=parameters)["launchRun"]
        if result["__typename"] != "LaunchRunSuccess":
            raise DagsterError(f"{job} of {partition} was not launched: {result}")
        return str(result["run"]["runId"])

    def run_statuses(self, run_ids: list[str]) -> dict[str, str]:
        """Status by run id."""
        found = self.query(_RUNS, ids=run_ids)["runsOrError"]["results"]
        return {run["runId"]: run["status"] for run in found}

    def idle(self) -> bool:
        """Whether no run is queued or under way."""
        return not self.query(_UNFINISHED)["runsOrError"]["results"]

    def failure(self, run_id: str) -> str:
        """The message of a run's failed step."""
        events = self.query(_EVENTS, id=run_id)["logsForRun"]["events"]
        errors = [event["error"] for event in events if event.get("error")]
        causes = [cause["message"] for error in errors for cause in (error, *error["causes"])]
        return " / ".join(dict.fromkeys(message.strip() for message in causes)) or "see its log"

    def _has_location(self) -> bool:
        entries = self.query(_LOCATIONS)["workspaceOrError"]["locationEntries"]
        for entry in entries:
            problem = entry["locationOrLoadError"]
            if problem and problem["__typename"] == "PythonError":
                raise DagsterError(f"the definitions do not load: {problem['message']}")
        return all(entry["loadStatus"] == "LOADED" for entry in entries) and bool(entries)

    def _last_words(self) -> str:
        if self.log is None:
            return "see its output above"
        return Path(self.log.name).read_text(encoding="utf-8", errors="replace")[-2000:]

    def _signal(self, number: int) -> None:
        if self.process is not None:
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                return


_LAUNCH = """
mutation Launch($parameters: ExecutionParams!) {
  launchRun(executionParams: $parameters) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
    ... on InvalidSubsetError { message }
    ... on PipelineNotFoundError { message }
    ... on RunConfigValidationInvalid { errors { message } }
  }
}
"""
_RUNS = """
query Runs($ids: [String!]) {
  runsOrError(filter: { runIds: $ids }) { ... on Runs { results { runId status } } }
}
"""
_UNFINISHED = """
{ runsOrError(filter: { statuses: [NOT_STARTED, QUEUED, STARTING, STARTED, CANCELING] }) {
  ... on Runs { results { runId } } } }
"""
_EVENTS = """
query Events($id: ID!) { logsForRun(runId: $id) { ... on EventConnection { events {
  ... on ExecutionStepFailureEvent { error { message causes { message } } } } } } }
"""
_LOCATIONS = """
{ workspaceOrError { ... on Workspace { locationEntries {
  loadStatus locationOrLoadError { __typename ... on PythonError { message } } } } } }
"""
