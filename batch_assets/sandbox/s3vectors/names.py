"""Names and ARNs of vector buckets and indexes, and the two ways to address one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from batch_assets.sandbox.errors import ModelledError, validation_error

_BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_INDEX_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_ARN = re.compile(r"arn:aws[-a-z0-9]*:s3vectors:([a-z0-9-]+):([0-9]{12}):bucket/([^/]+)(?:/index/([^/]+))?")


def check_bucket_name(name: str) -> None:
    """Refuse what is no vector bucket name (s3-vectors-buckets-naming)."""
    if not _BUCKET_NAME.fullmatch(name):
        raise validation_error("Invalid vector bucket name", path="/vectorBucketName")


def check_index_name(name: str) -> None:
    """Refuse what is no index name: as a bucket's, and dots (s3-vectors-indexes)."""
    if not _INDEX_NAME.fullmatch(name):
        raise validation_error("Invalid index name", path="/indexName")


def bucket_not_found() -> ModelledError:
    """Build the answer for a vector bucket that is not there."""
    return ModelledError("NotFoundException", "The specified vector bucket could not be found")


def index_not_found() -> ModelledError:
    """Build the answer for an index that is not there, or whose bucket is not."""
    return ModelledError("NotFoundException", "The specified index could not be found")


@dataclass(frozen=True)
class Naming:
    """The account and Region that this service answers for."""

    account_id: str
    region: str

    def bucket_arn(self, bucket: str) -> str:
        """Return the ARN of a vector bucket."""
        return f"arn:aws:s3vectors:{self.region}:{self.account_id}:bucket/{bucket}"

    def index_arn(self, bucket: str, index: str) -> str:
        """Return the ARN of an index."""
        return f"{self.bucket_arn(bucket)}/index/{index}"

    def bucket_of(self, members: Mapping[str, Any]) -> str:
        """Return the name of the bucket that a request addresses by name or by ARN.

        Raises:
            ModelledError: ``ValidationException`` for both or neither, ``NotFoundException``
                for an ARN of another account or Region.
        """
        name, arn = members.get("vectorBucketName"), members.get("vectorBucketArn")
        if (name is None) == (arn is None):
            raise validation_error("Must specify either vectorBucketName or vectorBucketArn, but not both")
        if arn is None:
            check_bucket_name(str(name))
            return str(name)
        bucket, index = self.parse_arn(arn)
        if bucket is None or index is not None:
            raise bucket_not_found()
        return bucket

    def index_of(self, members: Mapping[str, Any]) -> tuple[str, str]:
        """Return bucket and index name of a request: both names or the ARN, never a mixture."""
        bucket, index, arn = (members.get(key) for key in ("vectorBucketName", "indexName", "indexArn"))
        by_name = bucket is not None and index is not None
        by_any_name = bucket is not None or index is not None
        if by_any_name if arn is not None else not by_name:
            raise validation_error("Must specify either indexArn or both vectorBucketName and indexName")
        if arn is None:
            check_bucket_name(str(bucket))
            check_index_name(str(index))
            return str(bucket), str(index)
        bucket, index = self.parse_arn(arn)
        if bucket is None or index is None:
            raise index_not_found()
        return bucket, index

    def parse_arn(self, arn: str) -> tuple[str | None, str | None]:
        """Return (bucket, index) of an ARN; index None for a bucket's, both None for a foreign one."""
        match = _ARN.fullmatch(arn)
        if match is None or match.group(1, 2) != (self.region, self.account_id):
            return None, None
        return match.group(3), match.group(4)
