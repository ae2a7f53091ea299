"""The sandbox's batch jobs send their events as EventBridge passes them on, to queues that rules name."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import Aws, wait_for
from tests.event_queues import Made, events_queue
from tests.sandbox.conftest import MODEL_ID, Batch, text_records

NAME = "ba-2024-01-02-0123456789abcdef-a1"
LONGER_THAN_A_JOB_SECONDS = 2000


@pytest.fixture
def queue(frozen: Aws) -> Iterator[Made]:
    """A queue as the template makes it."""
    with events_queue(frozen) as made:
        yield made


def ended(batch: Batch, **changes: Any) -> str:
    """ARN of a job that has just ended."""
    batch.put_records(text_records())
    arn = batch.submit(**{"jobName": NAME, **changes})
    batch.aws.advance(LONGER_THAN_A_JOB_SECONDS)
    batch.aws.wait_for_job(arn, "Completed", "Failed")
    return arn


def received(queue: Made) -> list[Any]:
    """The events in the queue, as soon as there are any: the job is seen to end a moment before."""
    found: list[Any] = wait_for(queue.bodies, what="an event")
    return found


def test_the_end_of_a_job_has_the_documented_form(batch: Batch, queue: Made) -> None:
    """Field by field as in the sample of the Bedrock user guide, with its times."""
    arn = ended(batch)
    (event,) = received(queue)
    assert re.fullmatch(r"\w{3} \w{3} \d\d [\d:]{8} UTC \d{4}", event.pop("time"))
    assert re.fullmatch(r"\w{3} \d\d, \d{4}, [\d:]{8} [AP]M", event["detail"].pop("creationTime"))
    assert len(event.pop("id")) == 36
    assert event == {
        "version": "0",
        "detail-type": "Batch Inference Job State Change",
        "source": "aws.bedrock",
        "account": "123456789012",
        "region": "us-east-1",
        "resources": [arn],
        "detail": {
            "version": "0.0",
            "accountId": "123456789012",
            "batchJobName": NAME,
            "batchJobArn": arn,
            "batchModelId": f"arn:aws:bedrock:us-east-1::foundation-model/{MODEL_ID}",
            "status": "Completed",
            "failureMessage": "",
        },
    }


def test_a_rule_for_all_states_gets_them_all(batch: Batch, queue: Made) -> None:
    """In the order of a job's life; each from the moment that it is reached."""
    frozen = batch.aws
    pattern = json.dumps({"source": ["aws.bedrock"]})
    frozen.client("events").put_rule(Name=queue.rule, EventPattern=pattern)
    ended(batch)
    seen: list[str] = []

    def all_told() -> bool:
        seen.extend(event["detail"]["status"] for event in queue.bodies())
        return "Completed" in seen

    wait_for(all_told, what="the last event")
    assert seen == ["Submitted", "Validating", "Scheduled", "InProgress", "Completed"]


def test_a_failure_says_why(batch: Batch, queue: Made) -> None:
    """In failureMessage, as the service's own message has it."""
    batch.fault(fail_job="The role cannot be assumed.")
    ended(batch)
    assert [event["detail"]["failureMessage"] for event in received(queue)] == ["The role cannot be assumed."]


def test_a_stop_is_two_events(batch: Batch, queue: Made) -> None:
    """Stopping does not match the rule; the end does."""
    batch.put_records(text_records())
    arn = batch.submit(jobName=NAME)
    batch.aws.bedrock.stop_model_invocation_job(jobIdentifier=arn)
    batch.aws.advance(60)
    batch.aws.wait_for_job(arn, "Stopped")
    assert [event["detail"]["status"] for event in received(queue)] == ["Stopped"]


def test_jobs_of_others_do_not_match_the_rule(batch: Batch, queue: Made) -> None:
    """The pattern names our jobs by how their names begin."""
    ended(batch, jobName="somebody-elses")
    batch.aws.wait_for_job(ended(batch), "Completed")
    assert [event["detail"]["batchJobName"] for event in received(queue)] == [NAME]


def test_without_a_policy_nothing_is_delivered(batch: Batch, queue: Made) -> None:
    """EventBridge says nothing of it either; the next event tells that the first was not sent."""
    sqs = batch.aws.client("sqs")
    policy = sqs.get_queue_attributes(QueueUrl=queue.url, AttributeNames=["Policy"])["Attributes"]["Policy"]
    sqs.set_queue_attributes(QueueUrl=queue.url, Attributes={"Policy": policy.replace(queue.rule, "another")})
    ended(batch)
    sqs.set_queue_attributes(QueueUrl=queue.url, Attributes={"Policy": policy})
    second = ended(batch)
    assert [event["detail"]["batchJobArn"] for event in received(queue)] == [second]


@pytest.mark.parametrize("copies", [0, 2])
def test_events_are_lost_and_doubled_on_request(batch: Batch, queue: Made, copies: int) -> None:
    """By a rule about jobs."""
    batch.fault(event_copies=copies, times=1)
    ended(batch)
    batch.aws.control("faults", method="DELETE")
    last = ended(batch)
    seen: list[str] = []

    def last_is_told() -> bool:
        seen.extend(event["detail"]["batchJobArn"] for event in queue.bodies())
        return last in seen

    wait_for(last_is_told, what="the event of the second job")
    assert len(seen) == copies + 1


def test_events_are_late_on_request(batch: Batch, queue: Made) -> None:
    """By the jobs' clock: those of a job that ended later come earlier."""
    batch.fault(event_late_seconds=10_000, times=1)
    first = ended(batch)
    second = ended(batch)
    assert [event["detail"]["batchJobArn"] for event in received(queue)] == [second]
    batch.aws.advance(10_000)
    assert [event["detail"]["batchJobArn"] for event in received(queue)] == [first]
