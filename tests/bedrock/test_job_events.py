"""What a message of the queue of events is taken for."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch_assets.bedrock.job_events import DETAIL_TYPE, JobEvent, read_event

ARN = "arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/abcdefghijkl"


def event(**detail: Any) -> dict[str, Any]:
    """An event as EventBridge has it, as far as it is read."""
    told = {"batchJobArn": ARN, "status": "Completed", **detail}
    return {"source": "aws.bedrock", "detail-type": DETAIL_TYPE, "time": "Wed Aug 28 22:58:30 UTC 2024", "detail": told}


def test_an_event_names_a_job_and_its_state() -> None:
    """Times and whatever else there is are not looked at."""
    assert read_event(json.dumps(event(creationTime="no time at all"))) == JobEvent(ARN, "Completed")


@pytest.mark.parametrize(
    ("status", "ended"),
    [("Completed", True), ("PartiallyCompleted", True), ("Expired", True), ("Stopped", True), ("Failed", True)]
    + [(status, False) for status in ("Submitted", "Validating", "Scheduled", "InProgress", "Stopping", "Unheard")],
)
def test_some_states_are_ends(status: str, ended: bool) -> None:
    """A state that is not known is none."""
    assert JobEvent(ARN, status).ended is ended


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "null",
        "[]",
        '"text"',
        json.dumps({**event(), "source": "aws.s3"}),
        json.dumps({**event(), "detail-type": "Model Customization Job State Change"}),
        json.dumps({**event(), "detail": None}),
        json.dumps(event(batchJobArn=None)),
        json.dumps(event(status=["Completed"])),
        "[" * 100_000,
    ],
    ids=range(11),
)
def test_anything_else_is_no_event(body: str) -> None:
    """Whoever put it there."""
    assert read_event(body) is None


@settings(deadline=None)
@given(st.text() | st.recursive(st.none() | st.text(), lambda part: st.dictionaries(st.text(), part)).map(json.dumps))
def test_no_body_breaks_the_reader(body: str) -> None:
    """It is an event or it is not."""
    assert read_event(body) is None
