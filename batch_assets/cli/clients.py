"""The clients and tables of the settings at hand, for commands that run outside Dagster."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from batch_assets.aws_clients import FOR_A_PERSON, UNREPEATED, aws_client
from batch_assets.settings import Settings
from batch_assets.storage.catalog import Catalog
from batch_assets.storage.objects import S3Address
from batch_assets.storage.tables import Tables


@dataclass(frozen=True)
class Clients:
    """One client a service, made when it is first needed."""

    settings: Settings

    def client(self, service: str) -> Any:
        """The client of any service, whose calls are repeated for as long as a person cares to wait."""
        return aws_client(service, self.settings.region, FOR_A_PERSON)

    @property
    def s3(self) -> Any:
        return self.client("s3")

    @property
    def bedrock(self) -> Any:
        return self.client("bedrock")

    @property
    def bedrock_runtime(self) -> Any:
        return self.client("bedrock-runtime")

    @property
    def s3vectors(self) -> Any:
        return self.client("s3vectors")

    @property
    def s3vectors_unrepeated(self) -> Any:
        """The client of S3 Vectors for what paces and repeats its calls by itself."""
        return aws_client("s3vectors", self.settings.region, UNREPEATED)

    @cached_property
    def tables(self) -> Tables:
        settings = self.settings
        return Tables(self.s3, S3Address.parse(settings.tables_uri), Catalog.of(settings))
