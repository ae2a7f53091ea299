"""Clients of the AWS services, from the standard AWS settings alone.

A process has one client of each service: making one reads its model, some 0.2 seconds for S3, and another one would
open connections of its own.
"""

import os
import threading
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

# Not the standard mode: its quota of retries is drained by a long storm of throttling, whatever the attempts.
PATIENT = Config(
    retries={"mode": "legacy", "max_attempts": 8}, connect_timeout=10, read_timeout=120, max_pool_connections=32
)
# A person waits for the answer: a wrong address or a service that is away is told after some seconds.
FOR_A_PERSON = Config(retries={"mode": "standard", "max_attempts": 5}, max_pool_connections=32)

# Calls on vectors are paced and repeated by `vectors`, which has to see every refusal.
UNREPEATED = Config(retries={"total_max_attempts": 1}, connect_timeout=10, read_timeout=120, max_pool_connections=32)

_Settings = tuple[tuple[str, str], ...]
_making_a_client = threading.Lock()


def aws_client(service: str, region: str | None, config: Config = PATIENT) -> Any:
    """The client of a service in a Region that this process has for its AWS settings as they are now."""
    # Threads may share a client but not make one from the same session at once; sensors run in threads.
    with _making_a_client:
        return _made(service, region, config, _aws_settings())


@cache
def _made(service: str, region: str | None, config: Config, settings: _Settings) -> Any:
    return _session(settings).client(service, region_name=region, config=config)  # type: ignore[call-overload]  # no literal


@cache
def _session(settings: _Settings) -> boto3.Session:  # noqa: ARG001 another environment is another session
    return boto3.Session()


def _aws_settings() -> _Settings:
    return tuple(sorted(item for item in os.environ.items() if item[0].startswith("AWS_")))
