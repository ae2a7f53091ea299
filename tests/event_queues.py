"""A queue that gets the events of batch jobs, made in a sandbox from the project's own CloudFormation template."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from batch_assets.iam.events import cloudformation, queue_policy
from tests.conftest import Aws


@dataclass(frozen=True)
class Made:
    """A queue, its dead letters, and the rule that fills it."""

    aws: Aws
    rule: str
    url: str
    dead_letters_url: str

    def bodies(self) -> list[Any]:
        """What is in the queue now, as JSON; it is left there, but not to be received again for a while."""
        received = self.receive()
        return [json.loads(message["Body"]) for message in received]

    def receive(self, *, invisible_seconds: int = 30) -> list[Any]:
        """All messages that can be received."""
        found: dict[str, Any] = {}
        while new := {
            message["MessageId"]: message
            for message in self._sqs.receive_message(
                QueueUrl=self.url, MaxNumberOfMessages=10, VisibilityTimeout=invisible_seconds
            ).get("Messages", [])
            if message["MessageId"] not in found
        }:
            found |= new
        return list(found.values())

    def send(self, *bodies: str) -> None:
        """Put messages in by hand."""
        for body in bodies:
            self._sqs.send_message(QueueUrl=self.url, MessageBody=body)

    def tells_of(self, arn: str) -> bool:
        """Whether an event about a job is there to be received."""
        return any(arn in message["Body"] for message in self.receive(invisible_seconds=0))

    def number(self) -> int:
        """How many messages are there, seen or not."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        told = self._sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return sum(int(told[name]) for name in names)

    @property
    def _sqs(self) -> Any:
        return self.aws.client("sqs")


@contextmanager
def events_queue(aws: Aws, *, max_receives: int | None = None) -> Iterator[Made]:
    """Rule, queue and policy as the template has them, or with other receives; the rule ends with the test."""
    resources, name = cloudformation()["Resources"], f"events-{uuid.uuid4().hex[:8]}"
    sqs, events = aws.client("sqs"), aws.client("events")
    dead = sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
    dead_arn = _arn(sqs, dead)
    properties = resources["EventsQueue"]["Properties"]
    redrive = {**properties["RedrivePolicy"], "deadLetterTargetArn": dead_arn}
    redrive["maxReceiveCount"] = max_receives or redrive["maxReceiveCount"]
    attributes = {"VisibilityTimeout": str(properties["VisibilityTimeout"]), "RedrivePolicy": json.dumps(redrive)}
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    arn = _arn(sqs, url)
    pattern = json.dumps(resources["EventsRule"]["Properties"]["EventPattern"])
    rule_arn = events.put_rule(Name=name, EventPattern=pattern, State="ENABLED")["RuleArn"]
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(queue_policy(arn, rule_arn))})
    try:
        yield Made(aws, name, url, dead)
    finally:
        events.remove_targets(Rule=name, Ids=["queue"])
        events.delete_rule(Name=name)


def _arn(sqs: Any, url: str) -> str:
    return str(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"])
