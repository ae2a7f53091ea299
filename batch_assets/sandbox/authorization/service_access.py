"""What each operation of Bedrock, S3 Vectors, IAM and STS asks IAM for.

Mostly the action has the operation's name. Sources: AWS Service Authorization Reference; Amazon Bedrock user guide,
"Required permissions for batch inference"; the service model of S3 Vectors, which says when GetVectors is needed.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from batch_assets.sandbox.authorization.access_request import AccessRequest
from batch_assets.sandbox.authorization.callers import arn_of
from batch_assets.sandbox.authorization.s3_access import object_access
from batch_assets.sandbox.bedrock import model
from batch_assets.sandbox.bedrock.records import RecordError, S3Object, parse_body
from batch_assets.sandbox.config import ACCOUNT_ID

_BEDROCK = "bedrock.amazonaws.com"
_ALWAYS_ALLOWED = ("GetCallerIdentity",)
_JOBS_OF_ALL = ("ListModelInvocationJobs", "ListFoundationModels")
_VECTOR_BUCKETS_OF_ALL = ("ListVectorBuckets",)


def service_needs(service: str, operation: str, region: str, request: Mapping[str, Any]) -> Iterator[AccessRequest]:
    """Yield what a call asks for; ``request`` are its parameters as boto3 names them."""
    match service:
        case "bedrock":
            yield from _bedrock(operation, region, request)
        case "bedrock-runtime":
            yield from _bedrock_runtime(operation, region, request)
        case "s3vectors":
            yield from _s3vectors(operation, region, request)
        case "sqs" | "sns" | "events":
            yield AccessRequest(f"{service}:{operation.removesuffix('Batch')}", _message_resource(region, request))
        case _ if operation not in _ALWAYS_ALLOWED:
            yield AccessRequest(f"{service}:{operation}", _identity(request))


def _message_resource(region: str, request: Mapping[str, Any]) -> str:
    """The queue or topic of a call, or everything."""
    if "QueueUrl" in request:
        return f"arn:aws:sqs:{region}:{ACCOUNT_ID}:{request['QueueUrl'].rpartition('/')[2]}"
    return str(request.get("TopicArn", "*"))


def _bedrock(operation: str, region: str, request: Mapping[str, Any]) -> Iterator[AccessRequest]:
    action = f"bedrock:{operation}"
    jobs = f"arn:aws:bedrock:{region}:{ACCOUNT_ID}:model-invocation-job"
    if operation == "CreateModelInvocationJob":
        yield AccessRequest(action, _model(region, request["modelId"]))
        yield AccessRequest(action, f"{jobs}/*")
        if request.get("tags"):
            yield AccessRequest("bedrock:TagResource", f"{jobs}/*")
        yield AccessRequest("iam:PassRole", request["roleArn"], {"iam:PassedToService": _BEDROCK})
    elif operation in _JOBS_OF_ALL:
        yield AccessRequest(action, "*")
    elif "jobIdentifier" in request:
        yield AccessRequest(action, f"{jobs}/{request['jobIdentifier'].rpartition('/')[2]}")
    elif "resourceARN" in request:
        yield AccessRequest(action, request["resourceARN"])
    else:
        named = request.get("modelId", request.get("modelIdentifier"))
        yield AccessRequest(action, "*" if named is None else _model(region, named))


def _bedrock_runtime(operation: str, region: str, request: Mapping[str, Any]) -> Iterator[AccessRequest]:
    yield AccessRequest(f"bedrock:{operation}", _model(region, request["modelId"]))
    try:
        content = parse_body(orjson.loads(request.get("body", b""))).content
    except (orjson.JSONDecodeError, RecordError):
        return  # the service refuses it
    if isinstance(content, S3Object):
        yield object_access("GetObject", content.bucket, content.key)


def _s3vectors(operation: str, region: str, request: Mapping[str, Any]) -> Iterator[AccessRequest]:
    if operation in _VECTOR_BUCKETS_OF_ALL:
        yield AccessRequest(f"s3vectors:{operation}", "*")
        return
    resource = _vector_resource(region, request)
    yield AccessRequest(f"s3vectors:{operation}", resource)
    if request.get("tags") and operation.startswith("Create"):
        yield AccessRequest("s3vectors:TagResource", resource)
    if operation == "QueryVectors" and (request.get("returnMetadata") or "filter" in request):
        yield AccessRequest("s3vectors:GetVectors", resource)
    if operation == "ListVectors" and (request.get("returnMetadata") or request.get("returnData")):
        yield AccessRequest("s3vectors:GetVectors", resource)


def _vector_resource(region: str, request: Mapping[str, Any]) -> str:
    given = next((request[name] for name in ("indexArn", "vectorBucketArn", "resourceArn") if name in request), None)
    if given is not None:
        index = f"/index/{request['indexName']}" if "indexName" in request else ""
        return f"{given}{index}"
    bucket = f"arn:aws:s3vectors:{region}:{ACCOUNT_ID}:bucket/{request.get('vectorBucketName', '')}"
    return f"{bucket}/index/{request['indexName']}" if "indexName" in request else bucket


def _identity(request: Mapping[str, Any]) -> str:
    """ARN of the role, user or policy that a call of IAM or STS names."""
    for name in ("PolicySourceArn", "RoleArn", "PolicyArn"):
        if name in request:
            return str(request[name])
    for name, kind in (("RoleName", "role"), ("UserName", "user")):
        if name in request:
            return arn_of(kind, request[name])
    return "*"


def _model(region: str, name: str) -> str:
    """ARN of a foundation model that is given by ARN or by name."""
    return name if name.startswith("arn:") else f"arn:aws:bedrock:{region}::foundation-model/{model.model_name(name)}"
