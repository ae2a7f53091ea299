"""The rule and the queue of job events, as documents."""

import json
from typing import Any

from batch_assets.iam.events import cloudformation, queue_arn, terraform
from batch_assets.settings import Settings

NEEDED: dict[str, Any] = {
    "_env_file": None,
    "source_bucket": "pictures",
    "first_partition": "2026/01/01",
    "account_id": "123456789012",
    "role_arn": "arn:aws:iam::123456789012:role/batch",
    "vector_bucket": "vectors",
}


def test_cloudformation_refers_to_nothing_that_it_does_not_make() -> None:
    """Every Ref and GetAtt names a resource of the template."""
    template = cloudformation()
    assert _references(template) == {"EventsQueue", "EventsDeadLetters", "EventsRule"}
    assert _references(template) < set(template["Resources"])


def test_both_say_the_same() -> None:
    """The pattern, the policy's condition and the limits do not depend on the tool."""
    resources, terraformed = cloudformation()["Resources"], terraform()["resource"]
    rule = terraformed["aws_cloudwatch_event_rule"]["events"]
    assert json.loads(rule["event_pattern"]) == resources["EventsRule"]["Properties"]["EventPattern"]
    queue = terraformed["aws_sqs_queue"]["events"]
    assert json.loads(queue["redrive_policy"])["maxReceiveCount"] == 5
    assert queue["visibility_timeout_seconds"] == resources["EventsQueue"]["Properties"]["VisibilityTimeout"]
    (statement,) = json.loads(terraformed["aws_sqs_queue_policy"]["events"]["policy"])["Statement"]
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": "${aws_cloudwatch_event_rule.events.arn}"}}


def test_the_queue_of_the_settings_has_an_arn() -> None:
    """What the pipeline's policy names."""
    url = "https://sqs.us-east-1.amazonaws.com/123456789012/batch-assets-events"
    assert queue_arn(Settings(**NEEDED, events_queue_url=url)) == (
        "arn:aws:sqs:us-east-1:123456789012:batch-assets-events"
    )
    assert queue_arn(Settings(**NEEDED)) is None


def _references(part: Any) -> set[str]:
    if isinstance(part, list):
        return set().union(*map(_references, part)) if part else set()
    if not isinstance(part, dict):
        return set()
    found = set().union(*map(_references, part.values())) if part else set()
    if "Ref" in part:
        found.add(part["Ref"])
    if "Fn::GetAtt" in part:
        found.add(part["Fn::GetAtt"][0])
    return found
