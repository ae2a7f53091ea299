"""What each operation of S3 asks IAM for.

Source: Amazon S3 user guide, "Required permissions for Amazon S3 API operations".
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote
from xml.etree import ElementTree as ET

from batch_assets.sandbox.authorization.access_request import AccessRequest
from batch_assets.sandbox.config import ACCOUNT_ID

_OWNED = {"aws:ResourceAccount": ACCOUNT_ID}
_LISTING = ("ListObjectsV2", "ListObjects", "HeadBucket")
_READING = ("GetObject", "HeadObject")
_OBJECT_ACTIONS = {
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "ListParts": "ListMultipartUploadParts",
}
_BUCKET_ACTIONS = {"ListMultipartUploads": "ListBucketMultipartUploads"}


@dataclass(frozen=True, kw_only=True)
class S3Call:
    """A call of S3.

    Attributes:
        operation: As the SDK names it.
        bucket: Its bucket, or an empty string.
        key: Its key, or an empty string.
        query: Its parameters.
        headers: Its headers, by names in lower case.
        exists: Whether there is an object of this key.
    """

    operation: str
    bucket: str
    key: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    exists: bool

    def needs(self, body: bytes = b"") -> Iterator[AccessRequest]:
        """Yield what the call asks for; ``body`` is read for DeleteObjects alone."""
        if self.operation == "ListBuckets":
            yield AccessRequest("s3:ListAllMyBuckets", "*")
        elif self.operation in _LISTING:
            yield self._listing()
        elif self.operation == "DeleteObjects":
            yield from (self._on_object("DeleteObject", key) for key in _keys(body))
        elif not self.key:
            action = _BUCKET_ACTIONS.get(self.operation, self.operation)
            yield AccessRequest(f"s3:{action}", _arn(self.bucket), _OWNED)
        else:
            yield from self._object_needs()

    def _object_needs(self) -> Iterator[AccessRequest]:
        if self.operation == "CopyObject":
            bucket, _, key = unquote(self.headers["x-amz-copy-source"]).partition("?")[0].lstrip("/").partition("/")
            yield AccessRequest("s3:GetObject", _arn(bucket, key), _OWNED)
            yield self._on_object("PutObject", self.key)
            return
        action = "GetObject" if self.operation in _READING else _OBJECT_ACTIONS.get(self.operation, self.operation)
        yield self._on_object(action, self.key)
        if action == "PutObject" and "if-match" in self.headers:
            yield self._on_object("GetObject", self.key)
        if self.operation in _READING and not self.exists:
            # Who may not list is not told that an object is missing. That the key stands for the prefix then is not
            # documented; policies for Terraform's state (its S3 backend's documentation) rely on it.
            yield AccessRequest("s3:ListBucket", _arn(self.bucket), {**_OWNED, "s3:prefix": self.key})

    def _listing(self) -> AccessRequest:
        names = {"prefix": "s3:prefix", "delimiter": "s3:delimiter", "max-keys": "s3:max-keys"}
        asked = {key: self.query[name] for name, key in names.items() if name in self.query}
        return AccessRequest("s3:ListBucket", _arn(self.bucket), {**_OWNED, **asked})

    def _on_object(self, action: str, key: str) -> AccessRequest:
        return AccessRequest(f"s3:{action}", _arn(self.bucket, key), _OWNED)


def object_access(action: str, bucket: str, key: str) -> AccessRequest:
    """Ask for an action on an object."""
    return AccessRequest(f"s3:{action}", _arn(bucket, key), _OWNED)


def listing_access(bucket: str, prefix: str) -> AccessRequest:
    """Ask for a listing."""
    return AccessRequest("s3:ListBucket", _arn(bucket), {**_OWNED, "s3:prefix": prefix})


def _arn(bucket: str, key: str = "") -> str:
    return f"arn:aws:s3:::{bucket}/{key}" if key else f"arn:aws:s3:::{bucket}"


def _keys(body: bytes) -> list[str]:
    try:
        document = ET.fromstring(body)  # noqa: S314 - expat refuses what makes untrusted XML dangerous
    except ET.ParseError:
        return []  # S3 refuses it
    return [element.text or "" for element in document.iter() if element.tag.rpartition("}")[2] == "Key"]
