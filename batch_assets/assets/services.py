"""The services as Dagster resources: S3, Bedrock and S3 Vectors."""

from typing import Any

import dagster as dg
from dagster_aws.s3 import S3Resource

from batch_assets.aws_clients import UNREPEATED, aws_client


class SharedS3Resource(S3Resource):
    """Amazon S3, with the client of the process."""

    region_name: str

    def get_client(self) -> Any:
        """A client of S3."""
        return aws_client("s3", self.region_name)


class BedrockResource(dg.ConfigurableResource[Any]):
    """Amazon Bedrock: batch jobs (`control`) and on-demand calls (`runtime`)."""

    region_name: str

    def control(self) -> Any:
        """A client for batch jobs."""
        return aws_client("bedrock", self.region_name)

    def runtime(self) -> Any:
        """A client for InvokeModel."""
        return aws_client("bedrock-runtime", self.region_name)


class S3VectorsResource(dg.ConfigurableResource[Any]):
    """Amazon S3 Vectors."""

    region_name: str

    def client(self) -> Any:
        """A client of the vector indexes."""
        return aws_client("s3vectors", self.region_name, UNREPEATED)
