"""The events of batch jobs, through the rules of moto's EventBridge into the queues that the rules name.

Form and best effort as in the Amazon Bedrock user guide, "How EventBridge for Amazon Bedrock works": two of the times
are not ISO 8601 there either. As in AWS, a queue whose policy does not let the rule send gets nothing, without a word.
"""

import json
import uuid
from collections.abc import Iterator
from typing import Any

from moto.events.models import events_backends
from moto.sqs.models import sqs_backends

from batch_assets.sandbox.bedrock.job import Job
from batch_assets.sandbox.clock import VirtualClock
from batch_assets.sandbox.config import ACCOUNT_ID

DETAIL_TYPE = "Batch Inference Job State Change"
_EVENT_TIME = "%a %b %d %H:%M:%S UTC %Y"
_CREATION_TIME = "%b %d, %Y, %I:%M:%S %p"


class JobEvents:
    """The way from the batch engine to the default event bus of each Region."""

    def __init__(self, clock: VirtualClock) -> None:
        """Date the events by the jobs' clock."""
        self._clock = clock

    def send(self, job: Job, status: str) -> None:
        """Tell every rule that matches, as often as the job's faults say."""
        event = self._event(job, status)
        for backend, queue in _queues(event):
            for _ in range(job.faults.event_copies):
                backend.send_message(queue, json.dumps(event))

    def _event(self, job: Job, status: str) -> dict[str, Any]:
        region, now = job.arn.split(":")[3], self._clock.now()
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": DETAIL_TYPE,
            "source": "aws.bedrock",
            "account": ACCOUNT_ID,
            "time": now.strftime(_EVENT_TIME),
            "region": region,
            "resources": [job.arn],
            "detail": {
                "version": "0.0",
                "accountId": ACCOUNT_ID,
                "batchJobName": job.name,
                "batchJobArn": job.arn,
                "batchModelId": _model_arn(job.parameters["modelId"], region),
                "status": status,
                "failureMessage": job.describe(now)["message"] or "",
                "creationTime": job.timeline.submitted.strftime(_CREATION_TIME),
            },
        }


def _queues(event: Any) -> Iterator[tuple[Any, str]]:
    """The SQS queues that the rules of the event's Region send it to, each with its backend."""
    queues = sqs_backends[ACCOUNT_ID][event["region"]]
    bus = events_backends[ACCOUNT_ID][event["region"]].describe_event_bus("default")
    for rule in list(bus.rules.values()):
        if rule.state != "ENABLED" or not rule.event_pattern.matches_event(event):
            continue
        for target in rule.targets:
            service, name = target["Arn"].split(":")[2], target["Arn"].rsplit(":", 1)[-1]
            if service == "sqs" and name in queues.queues and _may_send(queues.queues[name], rule.arn):
                yield queues, name


def _may_send(queue: Any, rule_arn: str) -> bool:
    """Whether the policy of a queue lets EventBridge send to it for a rule."""
    statements = json.loads(queue.policy or "{}").get("Statement", [])
    return any(
        statement["Effect"] == "Allow"
        and statement.get("Principal", {}).get("Service") == "events.amazonaws.com"
        and statement.get("Action") in {"sqs:SendMessage", "sqs:*"}
        and _source(statement) in {None, rule_arn}
        for statement in statements
    )


def _source(statement: dict[str, Any]) -> str | None:
    conditions = [condition.get("aws:SourceArn") for condition in statement.get("Condition", {}).values()]
    return next((source for source in conditions if source), None)


def _model_arn(model_id: str, region: str) -> str:
    return model_id if model_id.startswith("arn:") else f"arn:aws:bedrock:{region}::foundation-model/{model_id}"
