"""What is examined: the settings, and the services that they name."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from batch_assets.layout.sample import Sample, lead_folder, sample_keys
from batch_assets.settings import Settings


@dataclass(frozen=True)
class Deployment:
    """One deployment, whose facts are asked for once.

    Attributes:
        settings: Of the deployment.
        client: Gives the client of a service, by its name in boto3.
    """

    settings: Settings
    client: Callable[[str], Any]

    @cached_property
    def caller(self) -> dict[str, str]:
        """Account and ARN of the credentials."""
        return {name: str(value) for name, value in self.client("sts").get_caller_identity().items()}

    @cached_property
    def sample(self) -> Sample:
        """Some keys from the folder under which all partitions lie."""
        settings = self.settings
        return sample_keys(self.client("s3"), settings.source_bucket, folder=lead_folder(settings.template))
