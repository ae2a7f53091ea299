"""The S3 Vectors service: its operations over one store."""

import datetime as dt
from collections.abc import Callable

from batch_assets.sandbox.s3vectors.buckets import BucketOperations
from batch_assets.sandbox.s3vectors.indexes import IndexOperations
from batch_assets.sandbox.s3vectors.names import Naming
from batch_assets.sandbox.s3vectors.rates import WriteRate
from batch_assets.sandbox.s3vectors.store import Store
from batch_assets.sandbox.s3vectors.vectors import VectorOperations


class S3VectorsService(BucketOperations, IndexOperations, VectorOperations):
    """Answers S3 Vectors operations whose members the service model has already validated.

    Each operation is a method under its ``botocore.xform_name``: parsed members in, output
    members out, ``ModelledError`` for a refusal. Thread-safe; writes to one index wait for
    each other, different indexes do not. Full-text search and IAM are left out.
    """

    def __init__(
        self,
        *,
        account_id: str,
        region: str,
        clock: Callable[[], dt.datetime],
        new_rate: Callable[[], WriteRate | None] = WriteRate,
    ) -> None:
        """Start without vector buckets.

        Args:
            account_id: Twelve digits, as they stand in ARNs.
            region: As it stands in ARNs.
            clock: Gives creation times; with a time zone.
            new_rate: Makes the write-rate limit of a new index; ``lambda: None`` for none.
        """
        self._store = Store(naming=Naming(account_id, region), clock=clock, new_rate=new_rate)
