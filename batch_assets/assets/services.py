"""The services as Dagster resources: S3, Bedrock, S3 Vectors, SQS and SNS."""

from typing import Any

import dagster as dg
from botocore.config import Config
from dagster_aws.s3 import S3Resource

from batch_assets.aws_clients import UNREPEATED, aws_client

# A look of a sensor has 20 seconds, and can do without what does not answer.
_SIGNALS_CONFIG = Config(retries={"total_max_attempts": 2}, connect_timeout=3, read_timeout=5)


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


class SqsResource(dg.ConfigurableResource[Any]):
    """Amazon SQS."""

    region_name: str

    def client(self) -> Any:
        """A client of the queues that gives up soon."""
        return aws_client("sqs", self.region_name, _SIGNALS_CONFIG)


class SnsResource(dg.ConfigurableResource[Any]):
    """Amazon SNS, in the Region of a topic."""

    topic_arn: str

    def client(self) -> Any:
        """A client that gives up soon."""
        return aws_client("sns", self.topic_arn.split(":")[3], _SIGNALS_CONFIG)
