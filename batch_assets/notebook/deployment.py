"""One deployment as notebooks see it: its settings, its tables and its clients."""

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from batch_assets.aws_clients import FOR_A_PERSON, aws_client
from batch_assets.errors import TableError
from batch_assets.settings import Settings
from batch_assets.storage.catalog import Catalog
from batch_assets.storage.objects import S3Address
from batch_assets.storage.tables import Tables
from batch_assets.table_schemas import table_schemas


@dataclass(frozen=True)
class Deployment:
    """The tables and services that the settings name; clients come from the standard AWS settings."""

    settings: Settings

    @property
    def s3(self) -> Any:
        return aws_client("s3", self.settings.region, FOR_A_PERSON)

    @property
    def s3vectors(self) -> Any:
        return aws_client("s3vectors", self.settings.region, FOR_A_PERSON)

    @property
    def bedrock_runtime(self) -> Any:
        return aws_client("bedrock-runtime", self.settings.region, FOR_A_PERSON)

    @property
    def tables(self) -> Tables:
        return Tables(self.s3, S3Address.parse(self.settings.tables_uri), Catalog.of(self.settings))

    def schema(self, table: str) -> pa.Schema:
        """The columns of a table. Raises `TableError` if there is none of this name."""
        schemas = table_schemas(self.settings.dimension)
        if table not in schemas:
            raise TableError(f"there is no table {table!r}: there are {', '.join(schemas)}")
        return schemas[table]

    def folder(self, table: str) -> str:
        """The S3 URI below which the partitions of a table stand."""
        return f"{self.settings.tables_uri}{self.tables.catalog.folder(table)}"
