"""The services as Dagster resources: S3, Bedrock and S3 Vectors.

Endpoints and credentials come from the standard AWS settings alone. A process has one client of each service: making
one reads its model, some 0.2 seconds for S3, and another one would open connections of its own.
"""

import os
import threading
from functools import cache
from typing import Any

import boto3
import dagster as dg
from botocore.config import Config

from batch_assets.storage.s3_resource import S3Resource

# Not the standard mode: its quota of retries is drained by a long storm of throttling, whatever the attempts.
_CONFIG = Config(
    retries={"mode": "legacy", "max_attempts": 8}, connect_timeout=10, read_timeout=120, max_pool_connections=32
)


# Calls on vectors are paced and repeated by `vectors`, which has to see every refusal.
_VECTORS_CONFIG = Config(
    retries={"total_max_attempts": 1}, connect_timeout=10, read_timeout=120, max_pool_connections=32
)


_Settings = tuple[tuple[str, str], ...]
_making_a_client = threading.Lock()


class SharedS3Resource(S3Resource):
    """Amazon S3, with the client of the process."""

    region_name: str

    def get_client(self) -> Any:
        """A client of S3."""
        return _client("s3", self.region_name, _CONFIG)


class BedrockResource(dg.ConfigurableResource[Any]):
    """Amazon Bedrock: batch jobs (`control`) and on-demand calls (`runtime`)."""

    region_name: str

    def control(self) -> Any:
        """A client for batch jobs."""
        return _client("bedrock", self.region_name, _CONFIG)

    def runtime(self) -> Any:
        """A client for InvokeModel."""
        return _client("bedrock-runtime", self.region_name, _CONFIG)


class S3VectorsResource(dg.ConfigurableResource[Any]):
    """Amazon S3 Vectors."""

    region_name: str

    def client(self) -> Any:
        """A client of the vector indexes."""
        return _client("s3vectors", self.region_name, _VECTORS_CONFIG)


def _client(service: str, region: str | None, config: Config) -> Any:
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
