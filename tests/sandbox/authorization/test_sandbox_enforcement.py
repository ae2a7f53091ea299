"""What a user's policies do not allow is refused, by each service in its own words."""

import json
import urllib.error
import urllib.request
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.conftest import Account, Aws
from tests.sandbox.conftest import text_records

MODEL = "amazon.nova-2-multimodal-embeddings-v1:0"
TOPIC = "arn:aws:sns:us-east-1:123456789012:topic"
INDEX: dict[str, Any] = {"dataType": "float32", "dimension": 2, "distanceMetric": "cosine"}
TEXT = json.dumps(
    {
        "taskType": "SINGLE_EMBEDDING",
        "singleEmbeddingParams": {
            "embeddingPurpose": "GENERIC_INDEX",
            "embeddingDimension": 256,
            "text": {"truncationMode": "END", "value": "red"},
        },
    }
)


def allow(*actions: str, on: str = "*", **element: Any) -> dict[str, Any]:
    """A statement."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": on, **element}


def refusal(call: Any, **parameters: Any) -> tuple[str, int, str]:
    """Code, status and message of a call that is refused."""
    with pytest.raises(ClientError) as refused:
        call(**parameters)
    answer = refused.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"].get("Message", "")


@pytest.mark.parametrize(
    ("call", "parameters", "code", "action"),
    [
        ("s3.put_object", {"Bucket": "b", "Key": "k", "Body": b"x"}, "AccessDenied", "s3:PutObject"),
        ("s3.list_objects_v2", {"Bucket": "b"}, "AccessDenied", "s3:ListBucket"),
        ("s3.list_buckets", {}, "AccessDenied", "s3:ListAllMyBuckets"),
        ("iam.get_role", {"RoleName": "r"}, "AccessDenied", "iam:GetRole"),
        ("sqs.list_queues", {}, "AccessDenied", "sqs:ListQueues"),
        ("sns.publish", {"TopicArn": TOPIC, "Message": "m"}, "AuthorizationError", "sns:Publish"),
        ("events.list_rules", {}, "AccessDeniedException", "events:ListRules"),
        (
            "bedrock.list_model_invocation_jobs",
            {},
            "AccessDeniedException",
            "bedrock:ListModelInvocationJobs",
        ),
        (
            "bedrock-runtime.invoke_model",
            {"modelId": MODEL, "body": TEXT},
            "AccessDeniedException",
            "bedrock:InvokeModel",
        ),
        (
            "s3vectors.get_index",
            {"vectorBucketName": "vectors", "indexName": "index"},
            "AccessDeniedException",
            "s3vectors:GetIndex",
        ),
    ],
)
def test_who_has_no_permission_is_told_who_what_and_why(
    account: Account, call: str, parameters: dict[str, Any], code: str, action: str
) -> None:
    """A user without any policy, by the error of each service."""
    service, operation = call.split(".")
    told, status, message = refusal(getattr(account.user().client(service), operation), **parameters)
    assert (told, status) == (code, 403)
    assert ":user/user-" in message
    assert f"is not authorized to perform: {action} on resource: " in message
    assert message.endswith(f"because no identity-based policy allows the {action} action")


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        ("s3", "list_buckets", "InvalidAccessKeyId"),
        ("sts", "get_caller_identity", "InvalidClientTokenId"),
        ("sqs", "list_queues", "InvalidClientTokenId"),
        ("bedrock", "list_model_invocation_jobs", "UnrecognizedClientException"),
        ("s3vectors", "list_vector_buckets", "UnrecognizedClientException"),
    ],
)
def test_a_key_that_nobody_has_is_refused(account: Account, service: str, operation: str, code: str) -> None:
    """By the error of each service."""
    stranger = Aws(account.root.sandbox, boto3.Session("stranger", "secret", region_name="us-east-1"))
    assert refusal(getattr(stranger.client(service), operation))[:2] == (code, 403)


def test_everybody_may_ask_who_they_are(account: Account) -> None:
    """GetCallerIdentity needs no permission."""
    user = account.user({"Effect": "Deny", "Action": "*", "Resource": "*"})
    assert ":user/user-" in user.sts.get_caller_identity()["Arn"]


def test_a_denial_is_said_to_be_one(account: Account) -> None:
    """It wins over what is allowed."""
    bucket = account.root.new_bucket()
    denied = {"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    user = account.user(allow("s3:*"), denied)
    user.s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    code, _, message = refusal(user.s3.delete_object, Bucket=bucket, Key="k")
    assert code == "AccessDenied"
    assert message.endswith("with an explicit deny in an identity-based policy")
    assert refusal(user.s3.delete_objects, Bucket=bucket, Delete={"Objects": [{"Key": "k"}]})[0] == "AccessDenied"


def test_s3_is_judged_by_bucket_prefix_and_key(account: Account) -> None:
    """Listing by the prefix that is asked for, reading and writing by the key."""
    bucket = account.root.new_bucket()
    for key in ("mine/a", "theirs/a"):
        account.root.s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    user = account.user(
        allow("s3:ListBucket", on=f"arn:aws:s3:::{bucket}", Condition={"StringLike": {"s3:prefix": "mine/*"}}),
        allow("s3:GetObject", "s3:PutObject", on=f"arn:aws:s3:::{bucket}/mine/*"),
    )
    assert user.s3.list_objects_v2(Bucket=bucket, Prefix="mine/")["KeyCount"] == 1
    assert user.s3.get_object(Bucket=bucket, Key="mine/a")["Body"].read() == b"x"
    user.s3.copy_object(Bucket=bucket, Key="mine/b", CopySource=f"{bucket}/mine/a")
    assert refusal(user.s3.list_objects_v2, Bucket=bucket)[0] == "AccessDenied"
    assert refusal(user.s3.list_objects_v2, Bucket=bucket, Prefix="theirs/")[0] == "AccessDenied"
    assert refusal(user.s3.get_object, Bucket=bucket, Key="theirs/a")[0] == "AccessDenied"
    assert refusal(user.s3.copy_object, Bucket=bucket, Key="mine/c", CopySource=f"{bucket}/theirs/a")[1] == 403
    assert refusal(user.s3.head_object, Bucket=bucket, Key="theirs/a")[:2] == ("403", 403)


def test_only_who_may_list_is_told_that_an_object_is_missing(account: Account) -> None:
    """S3 answers 403 to others, as it does for an object that is there."""
    bucket = account.root.new_bucket()
    reading = allow("s3:GetObject", on=f"arn:aws:s3:::{bucket}/*")
    listing = allow("s3:ListBucket", on=f"arn:aws:s3:::{bucket}", Condition={"StringLike": {"s3:prefix": "mine/*"}})
    assert refusal(account.user(reading).s3.get_object, Bucket=bucket, Key="mine/a")[0] == "AccessDenied"
    user = account.user(reading, listing)
    assert refusal(user.s3.get_object, Bucket=bucket, Key="mine/a")[0] == "NoSuchKey"
    assert refusal(user.s3.head_object, Bucket=bucket, Key="mine/a")[0] == "404"
    assert refusal(user.s3.get_object, Bucket=bucket, Key="theirs/a")[0] == "AccessDenied"


def test_a_url_is_as_good_as_who_signed_it(account: Account) -> None:
    """And one that nobody signed is no good."""
    bucket = account.root.new_bucket()
    account.root.s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    user = account.user(allow("s3:GetObject", on=f"arn:aws:s3:::{bucket}/*"))

    def fetched(url: str) -> bytes:
        with urllib.request.urlopen(url) as answer:  # noqa: S310 - loopback
            body: bytes = answer.read()
            return body

    for holder, allowed in ((user, True), (account.user(), False)):
        url = holder.s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
        if allowed:
            assert fetched(url) == b"x"
        else:
            with pytest.raises(urllib.error.HTTPError, match="403"):
                fetched(url)
    with pytest.raises(urllib.error.HTTPError, match="403"):
        fetched(f"{account.root.sandbox.endpoint_url}/{bucket}/k")


@pytest.mark.parametrize("missing", ["bedrock:CreateModelInvocationJob", "bedrock:TagResource", "iam:PassRole"])
def test_a_job_needs_its_model_its_tags_and_its_role(account: Account, missing: str) -> None:
    """Each is asked for; the role may be passed to Bedrock."""
    needed = {"bedrock:CreateModelInvocationJob", "bedrock:TagResource"} - {missing}
    passed = allow("iam:PassRole", Condition={"StringEquals": {"iam:PassedToService": "bedrock.amazonaws.com"}})
    user = account.user(*([allow(*needed)] if needed else []), *([passed] if missing != "iam:PassRole" else []))
    request: dict[str, Any] = {
        "jobName": "job",
        "roleArn": account.root.role_arn,
        "modelId": MODEL,
        "inputDataConfig": {"s3InputDataConfig": {"s3Uri": "s3://bucket/in/"}},
        "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://bucket/out/"}},
        "tags": [{"key": "k", "value": "v"}],
    }
    code, _, message = refusal(user.bedrock.create_model_invocation_job, **request)
    assert code == "AccessDeniedException"
    assert f"is not authorized to perform: {missing} on" in message


def test_metadata_needs_get_vectors(account: Account) -> None:
    """So does a filter; without either a query does not. Source: the service model of S3 Vectors."""
    names: dict[str, Any] = {"vectorBucketName": "guarded-vectors", "indexName": "index"}
    root = account.root.s3vectors
    root.create_vector_bucket(vectorBucketName=names["vectorBucketName"])
    root.create_index(**names, **INDEX)
    user = account.user(allow("s3vectors:QueryVectors", "s3vectors:ListVectors", on="arn:aws:s3vectors:*:*:bucket/*"))
    query = {**names, "queryVector": {"float32": [1.0, 0.0]}, "topK": 1}
    assert user.s3vectors.query_vectors(**query)["vectors"] == []
    assert user.s3vectors.list_vectors(**names)["vectors"] == []
    for call, more in (
        (user.s3vectors.query_vectors, {**query, "returnMetadata": True}),
        (user.s3vectors.query_vectors, {**query, "filter": {"partition": "x"}}),
        (user.s3vectors.list_vectors, {**names, "returnMetadata": True}),
        (user.s3vectors.list_vectors, {**names, "returnData": True}),
    ):
        assert "s3vectors:GetVectors" in refusal(call, **more)[2]


def test_the_model_reads_with_the_permissions_of_its_caller(account: Account) -> None:
    """A picture in S3 that the caller may not read."""
    bucket = account.root.new_bucket()
    user = account.user(allow("bedrock:InvokeModel", on=f"arn:aws:bedrock:us-east-1::foundation-model/{MODEL}"))
    body = json.loads(TEXT)
    user.bedrock_runtime.invoke_model(modelId=MODEL, body=TEXT)
    del body["singleEmbeddingParams"]["text"]
    body["singleEmbeddingParams"]["image"] = {
        "format": "png",
        "source": {"s3Location": {"uri": f"s3://{bucket}/a.png"}},
    }
    _, _, message = refusal(user.bedrock_runtime.invoke_model, modelId=MODEL, body=json.dumps(body))
    assert f"s3:GetObject on resource: arn:aws:s3:::{bucket}/a.png" in message


@pytest.mark.parametrize("missing", ["s3:ListBucket", "s3:GetObject", "s3:PutObject", None])
def test_a_job_does_what_its_role_may(account: Account, missing: str | None) -> None:
    """One whose role lacks a permission fails while it is validated, and says which bucket."""
    bucket, role_arn = account.root.new_bucket(), account.root.role_arn
    lines = "".join(f"{json.dumps(record)}\n" for record in text_records(100))
    account.root.s3.put_object(Bucket=bucket, Key="in/records.jsonl", Body=lines.encode())
    allowed = {"s3:ListBucket", "s3:GetObject", "s3:PutObject"} - {missing}
    document = {"Version": "2012-10-17", "Statement": [allow(*allowed, on=f"arn:aws:s3:::{bucket}*")]}
    account.root.iam.put_role_policy(
        RoleName=role_arn.rsplit("/", 1)[-1], PolicyName="rights", PolicyDocument=json.dumps(document)
    )
    job = account.root.bedrock.create_model_invocation_job(
        jobName="job",
        roleArn=role_arn,
        modelId=MODEL,
        inputDataConfig={"s3InputDataConfig": {"s3Uri": f"s3://{bucket}/in/"}},
        outputDataConfig={"s3OutputDataConfig": {"s3Uri": f"s3://{bucket}/out/"}},
    )
    ended = account.root.wait_for_job(job["jobArn"], "Completed", "Failed")
    assert ended["status"] == ("Failed" if missing else "Completed")
    assert ("Could not validate" in ended.get("message", "")) is (missing is not None)
    if missing:
        assert bucket in ended["message"]


def test_an_assumed_role_has_the_permissions_of_the_role(account: Account) -> None:
    """Its temporary key stands for it."""
    bucket, name = account.root.new_bucket(), "reader"
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}
    role = account.root.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    document = {"Version": "2012-10-17", "Statement": [allow("s3:ListBucket", on=f"arn:aws:s3:::{bucket}")]}
    managed = account.root.iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(document))["Policy"]
    account.root.iam.attach_role_policy(RoleName=name, PolicyArn=managed["Arn"])
    key = account.root.sts.assume_role(RoleArn=role["Arn"], RoleSessionName="session")["Credentials"]
    session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], key["SessionToken"], region_name="us-east-1")
    reader = Aws(account.root.sandbox, session)
    assert reader.s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    assert f"assumed-role/{name}/" in refusal(reader.s3.put_object, Bucket=bucket, Key="k", Body=b"x")[2]


def test_what_was_asked_for_is_kept(account: Account) -> None:
    """By caller, operation, action and resource, with the decision."""
    bucket = account.root.new_bucket()
    user = account.user(allow("s3:PutObject"))
    user.s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    refusal(user.s3.get_object, Bucket=bucket, Key="k")
    credentials: Any = user.session.get_credentials()
    mine = [one for one in account.root.control("access") if one["caller"] == credentials.access_key]
    assert [(one["operation"], one["action"], one["decision"], one["calls"]) for one in mine] == [
        ("s3.PutObject", "s3:PutObject", "allowed", 1),
        ("s3.GetObject", "s3:GetObject", "implicitDeny", 1),
    ]
    assert {one["resource"] for one in mine} == {f"arn:aws:s3:::{bucket}/k"}
