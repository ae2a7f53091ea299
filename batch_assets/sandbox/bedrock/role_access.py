"""What Bedrock does in S3 as the service role of a job.

Source: Amazon Bedrock user guide, "Create a custom service role for batch inference", which names the three actions;
a job without them fails while it is validated.
"""

from dataclasses import dataclass

from batch_assets.sandbox.authorization.access_request import AccessRequest
from batch_assets.sandbox.authorization.guard import Guard
from batch_assets.sandbox.authorization.s3_access import listing_access, object_access
from batch_assets.sandbox.bedrock.records import RecordError, S3Object


@dataclass(frozen=True)
class RoleAccess:
    """The permissions of one role."""

    guard: Guard
    role_arn: str

    def may_list(self, folder: S3Object) -> bool:
        """Tell whether the role may list a folder."""
        return self._may("s3.ListObjectsV2", listing_access(folder.bucket, folder.key))

    def may_read(self, location: S3Object) -> bool:
        """Tell whether the role may read an object."""
        return self._may("s3.GetObject", object_access("GetObject", location.bucket, location.key))

    def require(self, content: bytes | S3Object) -> None:
        """Refuse a record whose content lies where the role may not read; raises RecordError."""
        if isinstance(content, S3Object) and not self.may_read(content):
            raise RecordError(400, f"The S3 object {content.uri} does not exist or cannot be accessed")

    def may_write(self, location: S3Object) -> bool:
        """Tell whether the role may write an object."""
        return self._may("s3.PutObject", object_access("PutObject", location.bucket, location.key))

    def _may(self, operation: str, request: AccessRequest) -> bool:
        return not self.guard.watches or self.guard.allows_role(self.role_arn, operation, request)
