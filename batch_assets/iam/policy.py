"""Policy documents that allow the calls of a purpose, and nothing else."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from batch_assets.iam.calls import CALLS, Calls, Purpose
from batch_assets.iam.needs import NEEDS
from batch_assets.iam.places import Place, partition
from batch_assets.settings import Settings

VERSION = "2012-10-17"
"""Of the policy language."""

Document = dict[str, Any]


@dataclass
class Statement:
    """Actions that are allowed on a place."""

    sid: str
    place: Place
    actions: set[str] = field(default_factory=set)

    def document(self) -> Document:
        resources = list(self.place.resources)
        return {
            "Sid": self.sid,
            "Effect": "Allow",
            "Action": sorted(self.actions),
            "Resource": resources[0] if len(resources) == 1 else resources,
            **({"Condition": dict(self.place.condition)} if self.place.condition else {}),
        }


def permissions(purpose: Purpose, settings: Settings) -> Document:
    """The policy that whoever makes the calls of a purpose needs; an action stands only where a call needs it."""
    made = [calls for calls in CALLS[purpose] if calls.made(settings)]
    return {"Version": VERSION, "Statement": [statement.document() for statement in _statements(made, settings)]}


def trust(settings: Settings) -> Document:
    """The trust policy of the service role: Bedrock may assume it, for batch jobs of this account and Region alone.

    Source: Amazon Bedrock user guide, "Create a custom service role for batch inference".
    """
    account = settings.role_arn.split(":")[4]
    jobs = f"arn:{partition(settings)}:bedrock:{settings.region}:{account}:model-invocation-job/*"
    return {
        "Version": VERSION,
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "bedrock.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": account},
                    "ArnEquals": {"aws:SourceArn": jobs},
                },
            }
        ],
    }


def _statements(made: Iterable[Calls], settings: Settings) -> Iterator[Statement]:
    """One statement for each place; the first calls on it give it its id."""
    statements: list[Statement] = []
    for calls in made:
        on = calls.on(settings)
        for need in (need for operation in calls.operations for need in NEEDS[operation]):
            place = on[need.kind]
            same = next((statement for statement in statements if statement.place == place), None)
            if same is None:
                same = Statement(f"{calls.name}{need.kind}", place)
                statements.append(same)
            same.actions.add(need.action)
    yield from statements
