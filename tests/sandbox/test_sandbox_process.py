"""A sandbox as a process: how it starts, what it tells, and that it always ends."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from batch_assets.sandbox.server import start
from tests.conftest import Aws, wait_for

KILLED_PARENT = """
import os, signal, sys
from batch_assets.sandbox.server import start
sandbox = start()
print(sandbox.process_id, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def is_running(process_id: int) -> bool:
    """Tell whether a process runs; one that ended but was not collected does not."""
    try:
        state = Path(f"/proc/{process_id}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def children_of(process_id: int) -> list[int]:
    """Return the processes that a process started, and theirs."""
    tasks = Path(f"/proc/{process_id}/task").glob("*/children")
    children = [int(number) for task in tasks for number in task.read_text(encoding="utf-8").split()]
    return children + [grandchild for child in children for grandchild in children_of(child)]


def test_it_answers_as_soon_as_it_is_started() -> None:
    """Health, clock and state are there; the world is empty."""
    with start(speed=0) as running:
        aws = Aws(running)
        assert aws.control("health") == {"status": "ok"}
        assert aws.control("clock")["speed"] == 0
        assert (aws.control("state")["buckets"], aws.control("state")["jobs"]) == ({}, [])


def test_things_can_be_made_to_go_wrong_once_it_runs() -> None:
    """Such as after pictures were put there; what is in force can be read."""
    with start(speed=0) as running:
        running.add_faults([{"end_state": "Failed"}])
        assert Aws(running).control("faults") == [{"end_state": "Failed"}]


def test_its_environment_sends_every_client_to_it() -> None:
    """The standard variables, with dummy keys and nothing beyond loopback."""
    with start() as running:
        environment = running.environment()
        assert running.endpoint_url.startswith("http://127.0.0.1:")
        urls = {name: value for name, value in environment.items() if name.startswith("AWS_ENDPOINT_URL")}
        assert set(urls.values()) == {running.endpoint_url}
        assert {"AWS_ENDPOINT_URL_S3VECTORS", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME"} <= urls.keys()
        assert environment["AWS_DEFAULT_REGION"] == environment["AWS_REGION"] == "us-east-1"


def test_it_listens_on_loopback_alone() -> None:
    """The port is not open on another address of the machine."""
    with start() as running:
        port = int(running.endpoint_url.rpartition(":")[2])
        with socket.socket() as other, pytest.raises(OSError, match="refused"):
            other.connect(("127.0.0.2", port))


def test_its_workers_end_with_it() -> None:
    """Closing leaves no process behind, also after pictures were embedded."""
    with start() as running:
        aws = Aws(running)
        body = b'{"taskType":"SINGLE_EMBEDDING","singleEmbeddingParams":{"embeddingPurpose":"CLUSTERING",'
        body += b'"text":{"truncationMode":"NONE","value":"red"}}}'
        aws.bedrock_runtime.invoke_model(modelId="amazon.nova-2-multimodal-embeddings-v1:0", body=body)
        processes = [running.process_id, *children_of(running.process_id)]
        assert len(processes) >= 2
    wait_for(lambda: not any(map(is_running, processes)), what="the sandbox's processes to end")


def test_it_ends_when_its_parent_is_killed() -> None:
    """Even SIGKILL leaves no sandbox behind."""
    parent = subprocess.run([sys.executable, "-c", KILLED_PARENT], stdout=subprocess.PIPE, text=True, check=False)
    assert parent.returncode == -signal.SIGKILL
    wait_for(lambda: not is_running(int(parent.stdout)), what="the orphaned sandbox to end")


def test_workers_end_when_the_sandbox_is_killed() -> None:
    """Worker processes do not wait for a dead server."""
    running = start()
    aws = Aws(running)
    body = b'{"taskType":"SINGLE_EMBEDDING","singleEmbeddingParams":{"embeddingPurpose":"CLUSTERING",'
    body += b'"text":{"truncationMode":"NONE","value":"red"}}}'
    aws.bedrock_runtime.invoke_model(modelId="amazon.nova-2-multimodal-embeddings-v1:0", body=body)
    workers = children_of(running.process_id)
    os.kill(running.process_id, signal.SIGKILL)
    running.close()
    wait_for(lambda: not any(map(is_running, workers)), what="the workers to end")


def test_a_port_that_is_taken_is_told() -> None:
    """Starting fails, rather than waiting for ever."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(RuntimeError, match="before it was ready"):
            start(taken.getsockname()[1])
