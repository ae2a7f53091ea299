"""Which service a request on the shared port is meant for."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qs

from batch_assets.sandbox.config import REGION

# Credential=AKIA.../20240102/us-east-1/s3vectors/aws4_request
_CREDENTIAL_SCOPE = re.compile(rb"Credential=([^/,]*)/\d{8}/([^/,]*)/([^/,]*)/aws4_request")

_S3_SUBRESOURCES = {
    "GET": {
        "list-type": "ListObjectsV2",
        "uploads": "ListMultipartUploads",
        "uploadId": "ListParts",
        "tagging": "GetObjectTagging",
        "location": "GetBucketLocation",
        "attributes": "GetObjectAttributes",
    },
    "PUT": {"partNumber": "UploadPart", "tagging": "PutObjectTagging"},
    "POST": {
        "delete": "DeleteObjects",
        "uploads": "CreateMultipartUpload",
        "uploadId": "CompleteMultipartUpload",
    },
    "DELETE": {"uploadId": "AbortMultipartUpload", "tagging": "DeleteObjectTagging"},
}
_S3_OBJECT = {"GET": "GetObject", "HEAD": "HeadObject", "PUT": "PutObject", "DELETE": "DeleteObject"}
_S3_BUCKET = {"GET": "ListObjects", "HEAD": "HeadBucket", "PUT": "CreateBucket", "DELETE": "DeleteBucket"}
_S3_OTHERS = ("ListBuckets", "CopyObject")
S3_OPERATIONS = frozenset(
    name for names in (*_S3_SUBRESOURCES.values(), _S3_OBJECT, _S3_BUCKET) for name in names.values()
) | frozenset(_S3_OTHERS)


@dataclass(frozen=True)
class Target:
    """A service by its botocore name, the Region the request was signed for, and the access key it was signed with."""

    service: str
    region: str
    access_key_id: str = ""


def find_target(*, raw_path: bytes, authorization: bytes | None, query_string: bytes = b"") -> Target:
    """Name the service from the SigV4 credential scope; requests without one are S3's.

    ``bedrock`` and ``bedrock-runtime`` sign with one name and are told apart by path.
    """
    scope = _CREDENTIAL_SCOPE.search(authorization or b"")
    if scope is None:
        return Target("s3", REGION, _presigned_by(parse_qs(query_string.decode("latin-1"))))
    key_id, region, service = (part.decode("latin-1") for part in scope.groups())
    if service == "bedrock" and raw_path.startswith(b"/model/"):
        service = "bedrock-runtime"
    return Target(service, region, key_id)


def _presigned_by(query: dict[str, list[str]]) -> str:
    """Return the access key in a presigned URL, of signature version 4 or 2; an unsigned one has none."""
    (credential, *_) = query.get("X-Amz-Credential") or query.get("AWSAccessKeyId") or [""]
    return credential.partition("/")[0]


def s3_operation(*, method: str, raw_path: bytes, query: dict[str, str], is_copy: bool) -> str:
    """Name an S3 request as the SDK does, for fault rules; an unknown one gets its method."""
    for parameter, operation in _S3_SUBRESOURCES.get(method, {}).items():
        if parameter in query:
            return operation
    bucket, _, key = raw_path.lstrip(b"/").partition(b"/")
    if not bucket:
        return "ListBuckets"
    if is_copy and method == "PUT":
        return "CopyObject"
    return (_S3_OBJECT if key else _S3_BUCKET).get(method, method)
