"""Whether a trust policy lets Bedrock assume a role."""

from typing import Any

import pytest

from batch_assets.doctor.trust_policy import Trust, trust_in_bedrock

ACCOUNT = "123456789012"
JOB = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:model-invocation-job/abcdefghijkl"


def statement(**changes: Any) -> dict[str, Any]:
    """A statement that trusts Bedrock, with changes."""
    trusting = {"Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"}, "Action": "sts:AssumeRole"}
    return {**trusting, **changes}


def judged(*statements: dict[str, Any]) -> Trust:
    """What a policy of these statements says."""
    return trust_in_bedrock({"Statement": list(statements)}, account=ACCOUNT, job_arn=JOB)


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
        {"StringEquals": {"AWS:sourceaccount": ["999999999999", ACCOUNT]}},
        {"StringEqualsIfExists": {"aws:SourceAccount": ACCOUNT}},
        {"ArnLike": {"aws:SourceArn": f"arn:aws:bedrock:us-east-1:{ACCOUNT}:model-invocation-job/*"}},
        {"ArnEquals": {"aws:SourceArn": "arn:aws:bedrock:*:123456789012:*"}},
        {"StringLike": {"aws:SourceArn": "arn:aws:bedrock:us-east-?:*"}},
    ],
)
def test_conditions_that_hold_guard_the_role(condition: dict[str, Any]) -> None:
    """For jobs of this account."""
    assert judged(statement(Condition=condition)) == Trust(allowed=True, guarded=True)


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"aws:SourceAccount": "999999999999"}},
        {"StringEquals": {"aws:SourceArn": f"arn:aws:bedrock:us-east-1:{ACCOUNT}:model-invocation-job/*"}},
        {"ArnLike": {"aws:SourceArn": "arn:aws:bedrock:eu-west-1:*"}},
        {"ArnLike": {"aws:SourceArn": f"arn:aws:bedrock:us-east-1:{ACCOUNT}:model-customization-job/*"}},
    ],
)
def test_a_condition_that_does_not_hold_is_named(condition: dict[str, Any]) -> None:
    """Another account or Region, another kind of job, wildcards where they stand for themselves."""
    trust = judged(statement(Condition=condition))
    ((operator, tests),) = condition.items()
    ((key, value),) = tests.items()
    assert (trust.allowed, trust.unmet) == (False, (f"{operator} {key} {value}",))


@pytest.mark.parametrize(
    "other",
    [
        {"Principal": {"Service": "lambda.amazonaws.com"}},
        {"Principal": {"AWS": "*"}},
        {"Action": "sts:TagSession"},
        {"Effect": "Deny"},
    ],
)
def test_other_statements_trust_nobody_in_bedrock(other: dict[str, Any]) -> None:
    """Another service, another action, a denial."""
    assert not judged(statement(**other)).allowed


def test_a_denial_wins_over_a_permission() -> None:
    """In whatever order."""
    denying = statement(Effect="Deny", Condition={"StringEquals": {"aws:SourceAccount": ACCOUNT}})
    assert judged(statement(), denying) == Trust(allowed=False, unmet=("a statement denies it",))
    other = statement(Effect="Deny", Condition={"StringEquals": {"aws:SourceAccount": "999999999999"}})
    assert judged(other, statement()).allowed


def test_a_denial_under_unknown_conditions_is_a_doubt() -> None:
    """It is named, and the permission stands."""
    trust = judged(statement(), statement(Effect="Deny", Condition={"Bool": {"aws:SecureTransport": "false"}}))
    assert trust == Trust(allowed=True, unjudged=("Bool aws:SecureTransport false",))


def test_one_statement_that_allows_is_enough() -> None:
    """A single statement need not be a list, nor its action."""
    wrong = statement(Condition={"StringEquals": {"aws:SourceAccount": "999999999999"}})
    assert judged(wrong, statement(Action=["sts:AssumeRole", "sts:TagSession"])).allowed
    assert trust_in_bedrock({"Statement": statement()}, account=ACCOUNT, job_arn=JOB).allowed


def test_conditions_that_are_not_known_are_named() -> None:
    """They may hold or not."""
    trust = judged(statement(Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}}))
    assert trust == Trust(allowed=True, guarded=False, unjudged=("StringEquals aws:PrincipalOrgID o-1",))
