"""Creating, finding, listing, stopping and tagging batch jobs."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from batch_assets.sandbox.server import start
from tests.conftest import Aws
from tests.sandbox.conftest import Batch, text_records


def refusal(call: Callable[[], Any]) -> tuple[str, str]:
    """Return code and message of the error a call ends with."""
    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_job_is_submitted_with_an_arn_that_ends_in_its_id(batch: Batch) -> None:
    """The id is twelve lower-case characters; the job is found by it and by its ARN."""
    arn = batch.submit()
    prefix, _, job_id = arn.rpartition("/")
    assert prefix == "arn:aws:bedrock:us-east-1:123456789012:model-invocation-job"
    assert len(job_id) == 12
    assert batch.get(job_id)["jobArn"] == batch.get(arn)["jobArn"] == arn


def test_a_job_is_described_as_it_was_asked_for(batch: Batch) -> None:
    """Get echoes the request and adds times and counters, and no field that AWS lacks."""
    request = batch.request(clientRequestToken="token-1", timeoutDurationInHours=48)
    arn = batch.aws.bedrock.create_model_invocation_job(**request)["jobArn"]
    described = batch.get(arn)
    described.pop("ResponseMetadata")
    submitted, expires = described.pop("submitTime"), described.pop("jobExpirationTime")
    assert (expires - submitted).total_seconds() == 48 * 3600
    assert described.pop("lastModifiedTime") == submitted
    counters = dict.fromkeys(("totalRecordCount", "processedRecordCount", "successRecordCount", "errorRecordCount"), 0)
    assert described == request | counters | {
        "jobArn": arn,
        "status": "Submitted",
        "modelInvocationType": "InvokeModel",
    }


def test_the_same_token_and_body_give_the_same_job(batch: Batch) -> None:
    """A repeated request is answered with the job that exists; no second one is made."""
    request = batch.request(clientRequestToken=uuid.uuid4().hex)
    first = batch.aws.bedrock.create_model_invocation_job(**request)["jobArn"]
    assert batch.aws.bedrock.create_model_invocation_job(**request)["jobArn"] == first
    listed = batch.aws.bedrock.list_model_invocation_jobs(nameContains=request["jobName"])
    assert len(listed["invocationJobSummaries"]) == 1


def test_the_same_token_with_another_body_is_a_conflict(batch: Batch) -> None:
    """A token names one request."""
    token = uuid.uuid4().hex
    arn = batch.submit(clientRequestToken=token)
    code, message = refusal(lambda: batch.submit(clientRequestToken=token, jobName="other"))
    assert code == "ConflictException"
    assert arn in message


@pytest.mark.parametrize(
    "change",
    [
        {"modelId": "amazon.titan-embed-image-v1"},
        {"modelId": "cohere.embed-v4:0"},
        {"modelInvocationType": "Converse"},
        {"jobName": "under_score"},
    ],
)
def test_what_the_model_cannot_do_is_refused(batch: Batch, change: dict[str, Any]) -> None:
    """Another model, the Converse API and a bad name are ValidationExceptions."""
    assert refusal(lambda: batch.submit(**change))[0] == "ValidationException"


def test_the_model_may_be_named_by_its_arn(batch: Batch) -> None:
    """A foundation-model ARN is as good as the bare id."""
    arn = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-2-multimodal-embeddings-v1:0"
    assert batch.get(batch.submit(modelId=arn))["modelId"] == arn


def test_another_region_has_no_batch_inference(batch: Batch) -> None:
    """The model's batch inference is in us-east-1 only."""
    elsewhere = batch.aws.client("bedrock", region_name="eu-west-1")
    code, message = refusal(lambda: elsewhere.create_model_invocation_job(**batch.request()))
    assert code == "ValidationException"
    assert "eu-west-1" in message


def test_a_role_that_does_not_exist_is_denied(batch: Batch) -> None:
    """PassRole of nothing."""
    code, message = refusal(lambda: batch.submit(roleArn="arn:aws:iam::123456789012:role/none"))
    assert code == "AccessDeniedException"
    assert "role/none" in message


@pytest.mark.parametrize(
    "statement",
    [
        {"Principal": {"Service": "lambda.amazonaws.com"}},
        {"Effect": "Deny"},
        {"Condition": {"StringEquals": {"aws:SourceAccount": "999999999999"}}},
        {"Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:bedrock:eu-west-1:*:model-invocation-job/*"}}},
    ],
)
def test_a_role_that_does_not_trust_bedrock_is_denied(batch: Batch, statement: dict[str, Any]) -> None:
    """The service must be a principal, and conditions on account and job must hold."""
    trust = {"Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust | statement]})
    role = batch.aws.iam.create_role(RoleName=f"r-{uuid.uuid4().hex}", AssumeRolePolicyDocument=document)
    assert refusal(lambda: batch.submit(roleArn=role["Role"]["Arn"]))[0] == "AccessDeniedException"


def test_a_role_with_the_recommended_conditions_is_accepted(batch: Batch) -> None:
    """SourceAccount and SourceArn as AWS' page on the service role has them."""
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "bedrock.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": "123456789012"},
            "ArnEquals": {"aws:SourceArn": "arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/*"},
        },
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = batch.aws.iam.create_role(RoleName=f"r-{uuid.uuid4().hex}", AssumeRolePolicyDocument=document)
    assert batch.submit(roleArn=role["Role"]["Arn"])


def test_an_unknown_job_is_not_found(batch: Batch) -> None:
    """Get, Stop and ListTags of an id nobody has."""
    bedrock = batch.aws.bedrock
    arn = "arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/aaaaaaaaaaaa"
    calls: list[Callable[[], Any]] = [
        lambda: bedrock.get_model_invocation_job(jobIdentifier="aaaaaaaaaaaa"),
        lambda: bedrock.stop_model_invocation_job(jobIdentifier=arn),
        lambda: bedrock.list_tags_for_resource(resourceARN=arn),
    ]
    assert [refusal(call)[0] for call in calls] == ["ResourceNotFoundException"] * 3


def test_live_jobs_are_limited_by_the_quota() -> None:
    """One job too many is a ServiceQuotaExceededException, until another ends."""
    with start(speed=0, max_live_jobs=2) as running:
        batch = Batch(Aws(running), "no-such-bucket")
        first, _ = batch.submit(), batch.submit()
        code, message = refusal(batch.submit)
        assert code == "ServiceQuotaExceededException"
        assert "the quota is 2" in message
        batch.aws.bedrock.stop_model_invocation_job(jobIdentifier=first)
        batch.aws.advance(30)
        batch.aws.wait_for_job(first, "Stopped")
        assert batch.submit()


class TestListing:
    """Filters, order and pages of ListModelInvocationJobs."""

    @pytest.fixture
    def named(self, batch: Batch) -> tuple[str, list[str]]:
        """Submit five jobs ten seconds apart, and return what their names share and their ARNs."""
        name = f"list-{uuid.uuid4().hex[:8]}"
        arns = []
        for number in range(5):
            arns.append(batch.submit(jobName=f"{name}-{number}"))
            batch.aws.advance(10)
        return name, arns

    def listed(self, batch: Batch, **filters: Any) -> list[str]:
        """Return the ARNs of all pages."""
        pages = batch.aws.bedrock.get_paginator("list_model_invocation_jobs").paginate(**filters)
        return [job["jobArn"] for page in pages for job in page["invocationJobSummaries"]]

    def test_the_newest_job_comes_first(self, batch: Batch, named: tuple[str, list[str]]) -> None:
        """Order by creation, descending unless asked otherwise."""
        name, arns = named
        assert self.listed(batch, nameContains=name) == arns[::-1]
        assert self.listed(batch, nameContains=name, sortBy="CreationTime", sortOrder="Ascending") == arns

    @pytest.mark.parametrize("page_size", [1, 2, 5])
    def test_pages_hold_every_job_once(self, batch: Batch, named: tuple[str, list[str]], page_size: int) -> None:
        """Any page size gives the same list."""
        name, arns = named
        assert self.listed(batch, nameContains=name, maxResults=page_size) == arns[::-1]

    def test_a_job_made_between_two_pages_shifts_nothing(self, batch: Batch, named: tuple[str, list[str]]) -> None:
        """A token is a place in the order, not a number of jobs."""
        name, arns = named
        bedrock = batch.aws.bedrock
        first = bedrock.list_model_invocation_jobs(nameContains=name, maxResults=2)
        batch.submit(jobName=f"{name}-new")
        second = bedrock.list_model_invocation_jobs(nameContains=name, maxResults=2, nextToken=first["nextToken"])
        assert [job["jobArn"] for job in second["invocationJobSummaries"]] == [arns[2], arns[1]]

    def test_jobs_are_found_by_time_of_submission(self, batch: Batch, named: tuple[str, list[str]]) -> None:
        """After and before exclude the moment itself."""
        name, arns = named
        second, fourth = (batch.get(arns[number])["submitTime"] for number in (1, 3))
        assert self.listed(batch, nameContains=name, submitTimeAfter=second) == [arns[4], arns[3], arns[2]]
        assert self.listed(batch, nameContains=name, submitTimeBefore=fourth) == [arns[2], arns[1], arns[0]]

    def test_jobs_are_found_by_status(self, batch: Batch, named: tuple[str, list[str]]) -> None:
        """The status is the one the job has now."""
        name, arns = named
        batch.aws.wait_for_job(arns[0], "Failed")
        assert self.listed(batch, nameContains=name, statusEquals="Failed")[-1] == arns[0]
        assert arns[4] in self.listed(batch, nameContains=name, statusEquals="Submitted")

    @pytest.mark.parametrize("token", ["nonsense", "bm9uc2Vuc2U="])
    def test_a_foreign_token_is_refused(self, batch: Batch, token: str) -> None:
        """A token that no page returned is a ValidationException."""
        code, _ = refusal(lambda: batch.aws.bedrock.list_model_invocation_jobs(nextToken=token))
        assert code == "ValidationException"


def test_tags_come_with_the_job_and_can_be_changed(batch: Batch) -> None:
    """Create, TagResource and UntagResource, as ListTagsForResource shows them."""
    bedrock = batch.aws.bedrock
    arn = batch.submit(tags=[{"key": "partition", "value": "2024/01/02"}, {"key": "attempt", "value": "1"}])
    bedrock.tag_resource(resourceARN=arn, tags=[{"key": "attempt", "value": "2"}, {"key": "space", "value": "nova"}])
    bedrock.untag_resource(resourceARN=arn, tagKeys=["partition"])
    tags = bedrock.list_tags_for_resource(resourceARN=arn)["tags"]
    assert tags == [{"key": "attempt", "value": "2"}, {"key": "space", "value": "nova"}]


def test_a_finished_job_cannot_be_stopped(batch: Batch) -> None:
    """Stop after the end is a ValidationException that names the status."""
    ended = batch.run(text_records())
    code, message = refusal(lambda: batch.aws.bedrock.stop_model_invocation_job(jobIdentifier=ended["jobArn"]))
    assert code == "ValidationException"
    assert "Completed" in message
