"""What stands for S3 among the Dagster resources: anything that gives a client."""

from abc import ABC, abstractmethod
from typing import Any

import dagster as dg


class S3Resource(dg.ConfigurableResource[Any], ABC):
    """A resource that gives a boto3 client of S3; dagster-aws's `S3Resource` fits in its place.

    It is no base class here because importing it costs each process that loads the definitions half a second: the
    package imports the clients of a dozen services and Dagster's own test tools.
    """

    @abstractmethod
    def get_client(self) -> Any:
        """A client of S3."""
