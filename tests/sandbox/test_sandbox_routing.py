"""One port, told apart by what a request was signed for."""

import urllib.error
import urllib.request

import pytest
from botocore.exceptions import ClientError

from batch_assets.sandbox.routing import Target, find_target, s3_operation
from tests.conftest import Aws


def signed(service: str, region: str = "us-east-1") -> bytes:
    """Return an Authorization header."""
    scope = f"AKID/20240102/{region}/{service}/aws4_request"
    return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0".encode()


@pytest.mark.parametrize("service", ["s3", "s3vectors", "sts", "iam", "bedrock"])
def test_a_service_is_named_by_the_credential_scope(service: str) -> None:
    """With the Region the request was signed for, and the access key."""
    found = find_target(raw_path=b"/x", authorization=signed(service, "eu-west-1"))
    assert found == Target(service, "eu-west-1", "AKID")


def test_bedrock_runtime_is_told_by_its_path() -> None:
    """It signs as bedrock does."""
    path = b"/model/amazon.nova-2-multimodal-embeddings-v1%3A0/invoke"
    assert find_target(raw_path=path, authorization=signed("bedrock")).service == "bedrock-runtime"


def test_an_unsigned_request_is_for_s3() -> None:
    """A presigned URL has no header, and names the access key itself."""
    assert find_target(raw_path=b"/bucket/key", authorization=None) == Target("s3", "us-east-1")
    query = b"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20240102%2Fus-east-1%2Fs3%2Faws4_request"
    found = find_target(raw_path=b"/bucket/key", authorization=None, query_string=query)
    assert found == Target("s3", "us-east-1", "AKID")


@pytest.mark.parametrize(
    ("method", "path", "query", "operation"),
    [
        ("GET", b"/", {}, "ListBuckets"),
        ("GET", b"/b", {"list-type": "2"}, "ListObjectsV2"),
        ("PUT", b"/b", {}, "CreateBucket"),
        ("PUT", b"/b/k", {}, "PutObject"),
        ("PUT", b"/b/k", {"partNumber": "1", "uploadId": "u"}, "UploadPart"),
        ("POST", b"/b", {"delete": ""}, "DeleteObjects"),
        ("POST", b"/b/k", {"uploads": ""}, "CreateMultipartUpload"),
        ("POST", b"/b/k", {"uploadId": "u"}, "CompleteMultipartUpload"),
        ("HEAD", b"/b/k", {}, "HeadObject"),
    ],
)
def test_s3_operations_have_the_names_of_the_sdk(
    method: str, path: bytes, query: dict[str, str], operation: str
) -> None:
    """So that fault rules can name them."""
    assert s3_operation(method=method, raw_path=path, query=query, is_copy=False) == operation


def test_a_copy_is_told_by_its_header() -> None:
    """The request differs from PutObject in nothing else."""
    assert s3_operation(method="PUT", raw_path=b"/b/k", query={}, is_copy=True) == "CopyObject"


def test_an_operation_that_is_not_served_says_so(aws: Aws) -> None:
    """A modelled error with the name of the operation."""
    with pytest.raises(ClientError, match="does not implement bedrock ListGuardrails") as caught:
        aws.bedrock.list_guardrails()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_a_service_that_is_not_served_says_so(aws: Aws) -> None:
    """The name of the service is in the text."""
    with pytest.raises(ClientError, match="does not serve dynamodb"):
        aws.client("dynamodb").list_tables()


def test_identity_and_roles_are_there(aws: Aws) -> None:
    """STS and IAM answer for the sandbox's account."""
    assert aws.sts.get_caller_identity()["Account"] == "123456789012"
    assert aws.role_arn.startswith("arn:aws:iam::123456789012:role/")


@pytest.mark.parametrize("body", [{"speed": -1}, {"speed": "fast"}, {"advance": 1}, {"advance_seconds": -5}, "x"])
def test_a_wrong_change_of_the_clock_is_refused(aws: Aws, body: object) -> None:
    """With what is wrong, as 400."""
    with pytest.raises(urllib.error.HTTPError) as caught:
        aws.control("clock", body)
    caught.value.close()
    assert caught.value.code == 400
