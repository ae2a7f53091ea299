"""The clients and tables of the settings at hand, for commands that run outside Dagster."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config

from batch_assets.settings import Settings
from batch_assets.storage.catalog import Catalog
from batch_assets.storage.objects import S3Address
from batch_assets.storage.tables import Tables

_CONFIG = Config(retries={"mode": "standard", "max_attempts": 5}, max_pool_connections=32)


@dataclass(frozen=True)
class Clients:
    """One client a service, made when it is first needed."""

    settings: Settings

    @cached_property
    def s3(self) -> Any:
        return self._client("s3")

    @cached_property
    def bedrock(self) -> Any:
        return self._client("bedrock")

    @cached_property
    def bedrock_runtime(self) -> Any:
        return self._client("bedrock-runtime")

    @cached_property
    def s3vectors(self) -> Any:
        return self._client("s3vectors")

    @cached_property
    def tables(self) -> Tables:
        settings = self.settings
        return Tables(self.s3, S3Address.parse(settings.tables_uri), Catalog.of(settings))

    def _client(self, service: str) -> Any:
        return boto3.client(service, region_name=self.settings.region, config=_CONFIG)  # type: ignore[call-overload]
