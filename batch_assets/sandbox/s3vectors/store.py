"""The vector buckets and indexes of one account in one Region, in memory."""

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from batch_assets.sandbox.errors import ModelledError
from batch_assets.sandbox.s3vectors import limits
from batch_assets.sandbox.s3vectors.matrix import VectorMatrix
from batch_assets.sandbox.s3vectors.names import Naming, bucket_not_found, index_not_found
from batch_assets.sandbox.s3vectors.pages import QuerySessions
from batch_assets.sandbox.s3vectors.rates import WriteRate


@dataclass
class Index:
    """One vector index: what CreateIndex settled, and the vectors behind one lock."""

    bucket_name: str
    name: str
    arn: str
    created: dt.datetime
    dimension: int
    distance_metric: str
    encryption: dict[str, str]
    mode: str
    tags: dict[str, str]
    non_filterable: tuple[str, ...]
    matrix: VectorMatrix
    rate: WriteRate | None
    text_search: dict[str, dict[str, str]] = field(default_factory=dict)
    sessions: QuerySessions = field(default_factory=QuerySessions)
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass
class Bucket:
    """One vector bucket and its indexes."""

    name: str
    arn: str
    created: dt.datetime
    encryption: dict[str, str]
    default_mode: str
    tags: dict[str, str]
    policy: str | None = None
    indexes: dict[str, Index] = field(default_factory=dict)

    @property
    def allows_classic(self) -> bool:
        """Whether its indexes may be in CLASSIC mode (s3-vectors-index-mode)."""
        return self.created < limits.ENHANCED_SINCE


class Store:
    """Buckets by name, and the lock under which buckets and indexes come and go."""

    def __init__(
        self,
        *,
        naming: Naming,
        clock: Callable[[], dt.datetime],
        new_rate: Callable[[], WriteRate | None],
    ) -> None:
        """Start empty; ``new_rate`` makes the rate limit of each new index."""
        self.naming = naming
        self.clock = clock
        self.new_rate = new_rate
        self._buckets: dict[str, Bucket] = {}
        self._lock = threading.RLock()

    @contextmanager
    def buckets(self) -> Iterator[dict[str, Bucket]]:
        """Hold the lock over all buckets."""
        with self._lock:
            yield self._buckets

    @contextmanager
    def bucket(self, members: dict[str, Any]) -> Iterator[Bucket]:
        """Hold the lock, with the vector bucket that a request addresses.

        Raises:
            ModelledError: ``ValidationException`` or ``NotFoundException``.
        """
        name = self.naming.bucket_of(members)
        with self._lock:
            if name not in self._buckets:
                raise bucket_not_found()
            yield self._buckets[name]

    def index(self, members: dict[str, Any]) -> Index:
        """Return the index that a request addresses; also "index not found" if its bucket is missing."""
        bucket_name, index_name = self.naming.index_of(members)
        with self._lock:
            bucket = self._buckets.get(bucket_name)
            if bucket is None or index_name not in bucket.indexes:
                raise index_not_found()
            return bucket.indexes[index_name]

    @contextmanager
    def tags(self, arn: str) -> Iterator[dict[str, str]]:
        """Hold the lock, with the tags of the bucket or index of this ARN."""
        bucket_name, index_name = self.naming.parse_arn(arn)
        with self._lock:
            bucket = self._buckets.get(bucket_name or "")
            resource = bucket if bucket is None or index_name is None else bucket.indexes.get(index_name)
            if resource is None:
                raise ModelledError("NotFoundException", "The specified resource could not be found")
            yield resource.tags
