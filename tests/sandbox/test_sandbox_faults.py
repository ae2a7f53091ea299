"""Calls that fail on request, or lose their connection."""

import time
import urllib.error
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError
from hypothesis import given
from hypothesis import strategies as st

from batch_assets.sandbox.faults.plan import FaultPlan
from tests.conftest import Aws

SLOW_DOWN = {"code": "SlowDown", "status": 503, "message": "Please reduce your request rate."}
THROTTLING = {"code": "ThrottlingException", "status": 429, "message": "Too many requests"}


@pytest.fixture
def faulty(frozen: Aws) -> Iterator[Callable[..., Any]]:
    """Give a function that adds a rule; all rules end with the test."""
    yield lambda **rule: frozen.control("faults", [rule])
    frozen.control("faults", method="DELETE")


def outcome(call: Callable[[], Any]) -> str:
    """Return the code of the error a call ends with, or an empty text."""
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    except ConnectionClosedError:
        return "cut"
    return ""


def test_s3_slows_down_a_number_of_times(frozen: Aws, faulty: Callable[..., Any]) -> None:
    """The rule counts the calls it hits; other operations are not touched."""
    bucket = frozen.new_bucket()
    faulty(service="s3", operation="PutObject", times=2, error=SLOW_DOWN)
    seen = [outcome(lambda: frozen.s3.put_object(Bucket=bucket, Key="k")) for _ in range(3)]
    assert seen == ["SlowDown", "SlowDown", ""]
    assert outcome(lambda: frozen.s3.list_objects_v2(Bucket=bucket)) == ""


@pytest.mark.parametrize(
    ("service", "operation", "call"),
    [
        ("bedrock", "ListModelInvocationJobs", lambda aws: aws.bedrock.list_model_invocation_jobs()),
        ("s3vectors", "ListVectorBuckets", lambda aws: aws.s3vectors.list_vector_buckets()),
        ("iam", "ListRoles", lambda aws: aws.iam.list_roles()),
        ("sts", "GetCallerIdentity", lambda aws: aws.sts.get_caller_identity()),
    ],
)
def test_every_service_can_fail(
    frozen: Aws, faulty: Callable[..., Any], service: str, operation: str, call: Callable[[Aws], Any]
) -> None:
    """In the service's own error format."""
    faulty(service=service, operation=operation, times=1, error=THROTTLING)
    assert [outcome(lambda: call(frozen)) for _ in range(2)] == ["ThrottlingException", ""]


def test_boto3_recovers_by_trying_again(frozen: Aws, faulty: Callable[..., Any]) -> None:
    """An injected error is one that the SDK's retries understand."""
    faulty(service="s3", operation="ListBuckets", times=1, error=SLOW_DOWN)
    patient = frozen.client("s3", config=Config(retries={"mode": "standard", "total_max_attempts": 2}))
    assert patient.list_buckets()["ResponseMetadata"]["RetryAttempts"] == 1


def test_a_call_can_be_late(frozen: Aws, faulty: Callable[..., Any]) -> None:
    """A rule without an error delays."""
    faulty(service="s3", operation="ListBuckets", latency_seconds=0.2)
    started = time.monotonic()
    frozen.s3.list_buckets()
    assert time.monotonic() - started >= 0.2


@pytest.mark.parametrize(
    "rule", [{"service": "s3", "colour": "red"}, {"nonsense": 1}, {"service": "s3", "operations": "x"}]
)
def test_a_rule_with_an_unknown_field_is_refused(frozen: Aws, faulty: Callable[..., Any], rule: Any) -> None:
    """And none of the rules posted with it is added."""
    with pytest.raises(urllib.error.HTTPError) as caught:
        faulty(**rule)
    caught.value.close()
    assert caught.value.code == 400
    assert frozen.control("faults") == []


def test_a_rule_can_name_several_operations_and_services(frozen: Aws, faulty: Callable[..., Any]) -> None:
    """Lists, and `*` for any."""
    faulty(service=["s3", "iam"], operation=["ListBuckets", "ListRoles"], error=THROTTLING)
    assert outcome(frozen.s3.list_buckets) == "ThrottlingException"
    assert outcome(frozen.iam.list_roles) == "ThrottlingException"
    assert outcome(frozen.iam.list_users) == ""
    faulty(service="*", error=SLOW_DOWN)
    assert outcome(frozen.iam.list_users) == "SlowDown"


def test_the_first_calls_can_be_let_through(frozen: Aws, faulty: Callable[..., Any]) -> None:
    """`after` of them, then `times` are hit."""
    faulty(service="sts", operation="GetCallerIdentity", after=1, times=2, error=THROTTLING)
    seen = [outcome(frozen.sts.get_caller_identity) for _ in range(4)]
    assert seen == ["", "ThrottlingException", "ThrottlingException", ""]


@pytest.mark.parametrize(("cut", "has_effect"), [("before", False), ("after", True)])
def test_a_connection_can_be_cut(frozen: Aws, faulty: Callable[..., Any], cut: str, has_effect: bool) -> None:
    """The client sees a closed connection, not an answer, whether or not the call had its effect."""
    bucket = frozen.new_bucket()
    faulty(service="s3", operation="PutObject", times=1, cut=cut)
    body = b"x" * 100_000
    assert outcome(lambda: frozen.s3.put_object(Bucket=bucket, Key="k", Body=body)) == "cut"
    assert (frozen.s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1) is has_effect
    assert outcome(lambda: frozen.s3.put_object(Bucket=bucket, Key="k", Body=body)) == ""


@pytest.mark.parametrize("cut", ["before", "after"])
@pytest.mark.parametrize(
    ("service", "call"),
    [
        ("s3vectors", lambda aws: aws.s3vectors.list_vector_buckets()),
        ("bedrock", lambda aws: aws.bedrock.list_model_invocation_jobs()),
        ("iam", lambda aws: aws.iam.list_roles()),
    ],
)
def test_every_service_can_be_cut_off(
    frozen: Aws, faulty: Callable[..., Any], service: str, call: Callable[[Aws], Any], cut: str
) -> None:
    """Other connections of the client live on."""
    faulty(service=service, times=1, cut=cut)
    assert [outcome(lambda: call(frozen)) for _ in range(2)] == ["cut", ""]


def test_boto3_repeats_a_call_that_was_cut_off(frozen: Aws, faulty: Callable[..., Any]) -> None:
    """As it does when a network breaks."""
    faulty(service="s3", operation="ListBuckets", times=1, cut="after")
    patient = frozen.client("s3", config=Config(retries={"mode": "standard", "total_max_attempts": 2}))
    assert patient.list_buckets()["ResponseMetadata"]["RetryAttempts"] == 1


def test_calls_are_counted(frozen: Aws, faulty: Callable[..., Any]) -> None:
    """Those that had their effect apart from those that were refused, by a rule or by the service."""
    bucket = frozen.new_bucket()
    faulty(service="s3", operation="PutObject", times=1, cut="before")
    faulty(service="s3", operation="PutObject", times=1, cut="after")
    frozen.control("calls", method="DELETE")
    for _ in range(3):
        outcome(lambda: frozen.s3.put_object(Bucket=bucket, Key="k"))
    outcome(lambda: frozen.s3.head_object(Bucket=bucket, Key="absent"))
    assert frozen.control("calls") == {
        "s3": {
            "HeadObject": {"calls": 1, "succeeded": 0, "disturbed": 0},
            "PutObject": {"calls": 3, "succeeded": 2, "disturbed": 2},
        }
    }


@given(rate=st.floats(0, 1), calls=st.integers(1, 200))
def test_a_rate_is_kept_evenly_and_always_alike(rate: float, calls: int) -> None:
    """The same calls are hit in every run, as many as the rate says."""

    def hits() -> list[bool]:
        plan = FaultPlan()
        plan.add([{"service": "s3", "rate": rate, "error": SLOW_DOWN}])
        return [plan.for_call("s3", "PutObject") is not None for _ in range(calls)]

    assert hits() == hits()
    assert abs(sum(hits()) - rate * calls) <= 1
