"""What brings Bedrock's job events into an SQS queue: rule, queue and policy, as CloudFormation and Terraform.

Sources: Amazon EventBridge user guide, "Using resource-based policies" (Amazon SQS permissions) and "Comparison
operators in event patterns"; CloudFormation and Terraform references of the resource types.
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from batch_assets.bedrock.job_events import DETAIL_TYPE, SOURCE
from batch_assets.bedrock.jobs import ENDED_STATUSES, JOB_NAME_START
from batch_assets.settings import Settings

MAX_RECEIVES = 5
_DAY_SECONDS = 86_400
# An event that is not read for a day was found by polling long ago; what nobody understood is kept for people.
_QUEUE = {"VisibilityTimeout": 60, "MessageRetentionPeriod": _DAY_SECONDS, "SqsManagedSseEnabled": True}
_DEAD_LETTERS = {"MessageRetentionPeriod": 14 * _DAY_SECONDS, "SqsManagedSseEnabled": True}

Document = dict[str, Any]


def event_pattern() -> Document:
    """Ends of batch jobs whose names are ours; the states before an end start nothing."""
    return {
        "source": [SOURCE],
        "detail-type": [DETAIL_TYPE],
        "detail": {"batchJobName": [{"prefix": JOB_NAME_START}], "status": list(ENDED_STATUSES)},
    }


def queue_policy(queue_arn: Any, rule_arn: Any) -> Document:
    """Lets one rule of EventBridge send to the queue, and nobody else."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": queue_arn,
                "Condition": {"ArnEquals": {"aws:SourceArn": rule_arn}},
            }
        ],
    }


def queue_arn(settings: Settings) -> str | None:
    """ARN of the queue that the settings name, for the pipeline's policy; None if they name none."""
    if not settings.events_queue_url:
        return None
    account, name = urlsplit(settings.events_queue_url).path.strip("/").split("/")
    return f"arn:aws:sqs:{settings.region}:{account}:{name}"


def cloudformation() -> Document:
    """A template whose output `EventsQueueUrl` is the value of `BATCH_ASSETS_EVENTS_QUEUE_URL`."""
    dead_letters, queue = _arn("EventsDeadLetters"), _arn("EventsQueue")
    redrive = {"deadLetterTargetArn": dead_letters, "maxReceiveCount": MAX_RECEIVES}
    rule = {"State": "ENABLED", "EventPattern": event_pattern(), "Targets": [{"Id": "queue", "Arn": queue}]}
    policy = {"Queues": [{"Ref": "EventsQueue"}], "PolicyDocument": queue_policy(queue, _arn("EventsRule"))}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Ends of batch jobs, from Amazon Bedrock to the completion sensor of batch_assets",
        "Resources": {
            "EventsDeadLetters": _resource("AWS::SQS::Queue", _DEAD_LETTERS),
            "EventsQueue": _resource("AWS::SQS::Queue", {**_QUEUE, "RedrivePolicy": redrive}),
            "EventsRule": _resource("AWS::Events::Rule", rule),
            "EventsQueuePolicy": _resource("AWS::SQS::QueuePolicy", policy),
        },
        "Outputs": {"EventsQueueUrl": {"Value": {"Ref": "EventsQueue"}}},
    }


def terraform() -> Document:
    """The same in Terraform's JSON syntax."""
    queue, rule = "${aws_sqs_queue.events.arn}", "${aws_cloudwatch_event_rule.events.arn}"
    redrive = {"deadLetterTargetArn": "${aws_sqs_queue.events_dead_letters.arn}", "maxReceiveCount": MAX_RECEIVES}
    return {
        "resource": {
            "aws_sqs_queue": {
                "events_dead_letters": {"name_prefix": "batch-assets-dead-letters-", **_for_terraform(_DEAD_LETTERS)},
                "events": {
                    "name_prefix": "batch-assets-events-",
                    **_for_terraform(_QUEUE),
                    "redrive_policy": json.dumps(redrive),
                },
            },
            "aws_cloudwatch_event_rule": {
                "events": {"name_prefix": "batch-assets-", "event_pattern": json.dumps(event_pattern())}
            },
            "aws_cloudwatch_event_target": {
                "events": {"rule": "${aws_cloudwatch_event_rule.events.name}", "arn": queue}
            },
            "aws_sqs_queue_policy": {
                "events": {
                    "queue_url": "${aws_sqs_queue.events.url}",
                    "policy": json.dumps(queue_policy(queue, rule)),
                }
            },
        },
        "output": {"events_queue_url": {"value": "${aws_sqs_queue.events.url}"}},
    }


_TERRAFORM_NAMES = {
    "VisibilityTimeout": "visibility_timeout_seconds",
    "MessageRetentionPeriod": "message_retention_seconds",
    "SqsManagedSseEnabled": "sqs_managed_sse_enabled",
}


def _for_terraform(properties: Mapping[str, Any]) -> Document:
    return {_TERRAFORM_NAMES[name]: value for name, value in properties.items()}


def _resource(kind: str, properties: Mapping[str, Any]) -> Document:
    return {"Type": kind, "Properties": dict(properties)}


def _arn(name: str) -> Document:
    return {"Fn::GetAtt": [name, "Arn"]}
