"""Policies are judged as IAM judges them."""

import fnmatch
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch_assets.sandbox.authorization.access_request import AccessRequest
from batch_assets.sandbox.authorization.conditions import UnknownConditionError, hold
from batch_assets.sandbox.authorization.policy import Decision, Policy, decide
from batch_assets.sandbox.authorization.wildcards import arn_matches, matches

OBJECT = "arn:aws:s3:::pictures/photos/a.png"
LETTERS = st.text("ab:/.[+*?$", max_size=8)
ACTIONS = st.sampled_from(["s3:GetObject", "s3:PutObject", "s3:DeleteObject"])
RESOURCES = st.sampled_from([OBJECT, "arn:aws:s3:::pictures/b", "arn:aws:s3:::other/b"])
STATEMENTS = st.fixed_dictionaries(
    {
        "Effect": st.sampled_from(["Allow", "Deny"]),
        "Action": st.sampled_from(["s3:*", "s3:Get*", "s3:?utObject", ["s3:DeleteObject", "s3:GetObject"]]),
        "Resource": st.sampled_from(["*", "arn:aws:s3:::pictures/*", "arn:aws:s3:::*/b", [OBJECT]]),
    }
)


def judge(statements: list[Any], request: AccessRequest) -> Decision:
    """What one policy says."""
    return decide([Policy.of({"Statement": statements})], request)


def allow(**element: Any) -> dict[str, Any]:
    """A statement that allows reading the pictures, but for the elements that are given."""
    return {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::pictures/*", **element}


@given(LETTERS, LETTERS)
def test_wildcards_match_as_a_shells_do(pattern: str, text: str) -> None:
    """A star any letters, a question mark one; nothing else is special."""
    pattern = pattern.replace("$", "")
    shell = fnmatch.translate(pattern.replace("[", "[[]"))
    assert matches(pattern, text, {}) is (re.match(shell, text) is not None)


@given(LETTERS, LETTERS)
def test_an_escaped_text_matches_itself_alone(text: str, other: str) -> None:
    """Wildcards in a key are letters when they are written as variables."""
    escaped = re.sub(r"[*?$]", lambda found: f"${{{found.group()}}}", text)
    assert matches(escaped, other, {}) is (text == other)


@pytest.mark.parametrize(
    ("pattern", "arn", "expected"),
    [
        ("*", OBJECT, True),
        ("arn:aws:s3:::pictures/*", OBJECT, True),
        ("arn:aws:s3:::pictures/*", "arn:aws:s3:::pictures", False),
        ("arn:aws:s3:::pictures/photos/?.png", OBJECT, True),
        ("arn:*:s3:::pictures/*", OBJECT, True),
        ("arn:aws:*", OBJECT, False),
        ("arn:aws:iam::1:role/*", "arn:aws:iam::1:role/path/name", True),
        ("arn:aws:bedrock:*::foundation-model/a:0", "arn:aws:bedrock:us-east-1::foundation-model/a:0", True),
        ("arn:aws:iam::*:user/x", "arn:aws:iam::1:2:user/x", False),
        ("arn:aws:iam::1:user/${aws:username}", "arn:aws:iam::1:user/ann", True),
        ("arn:aws:iam::1:user/${aws:username}", "arn:aws:iam::1:user/bob", False),
        ("arn:aws:iam::1:user/${aws:userid}", "arn:aws:iam::1:user/ann", False),
    ],
)
def test_an_arn_matches_part_by_part(pattern: str, arn: str, *, expected: bool) -> None:
    """A star ends at a colon but for those in the last part; a variable has the caller's value or matches nothing."""
    assert arn_matches(pattern, arn, {"aws:username": "ann"}) is expected


@given(st.lists(STATEMENTS, max_size=5), ACTIONS, RESOURCES)
def test_a_denial_wins_and_nothing_is_allowed_by_itself(statements: list[Any], action: str, resource: str) -> None:
    """By the effects of the statements that are about the request, whatever their order and policy."""
    request = AccessRequest(action, resource)
    told = [judge([{**statement, "Effect": "Allow"}], request) is Decision.ALLOWED for statement in statements]
    effects = {statement["Effect"] for statement, about in zip(statements, told, strict=True) if about}
    expected = (
        Decision.EXPLICITLY_DENIED
        if "Deny" in effects
        else Decision.ALLOWED
        if "Allow" in effects
        else Decision.IMPLICITLY_DENIED
    )
    assert judge(statements, request) is judge(statements[::-1], request) is expected
    assert decide([Policy.of({"Statement": statement}) for statement in statements], request) is expected


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        ({}, True),
        ({"Action": "S3:getobject"}, True),
        ({"Action": "s3:Get?bject"}, True),
        ({"Action": "s3:GetObject.*"}, False),
        ({"Action": ["s3:PutObject", "s3:GetObject"]}, True),
        ({"Resource": "arn:aws:s3:::PICTURES/*"}, False),
        ({"Condition": {"StringEquals": {"aws:resourceaccount": ["1", "2"]}}}, True),
        ({"Condition": {"StringEquals": {"aws:ResourceAccount": "3"}}}, False),
        ({"Condition": {"StringEquals": {"aws:ResourceAccount": "2"}, "Null": {"s3:prefix": "false"}}}, False),
    ],
)
def test_a_statement_is_about_a_request(element: dict[str, Any], *, expected: bool) -> None:
    """Names of actions and keys ignore case, resources do not, and all conditions have to hold."""
    request = AccessRequest("s3:GetObject", OBJECT, {"aws:ResourceAccount": "2"})
    assert (judge([allow(**element)], request) is Decision.ALLOWED) is expected


def test_all_but_some_actions_and_resources() -> None:
    """NotAction and NotResource."""
    request = AccessRequest("s3:GetObject", OBJECT)
    others = {"Effect": "Allow", "NotAction": "s3:PutObject", "NotResource": "arn:aws:s3:::other/*"}
    assert judge([others], request) is Decision.ALLOWED
    assert judge([{**others, "NotAction": "s3:Get*"}], request) is Decision.IMPLICITLY_DENIED
    assert judge([{**others, "NotResource": "arn:aws:s3:::pictures/*"}], request) is Decision.IMPLICITLY_DENIED


@pytest.mark.parametrize(
    ("operator", "value", "present", "absent"),
    [
        ("StringEquals", "photos/", True, False),
        ("StringEquals", "PHOTOS/", False, False),
        ("StringEqualsIgnoreCase", "PHOTOS/", True, False),
        ("StringNotEquals", "photos/", False, True),
        ("StringLike", "ph?tos*", True, False),
        ("StringNotLike", "other/*", True, True),
        ("StringLikeIfExists", "other/*", False, True),
        ("StringLikeIfExists", "photos/*", True, True),
        ("ArnLike", "arn:aws:s3:::*", False, False),
        ("ArnNotEquals", "arn:aws:s3:::*", True, True),
        ("Null", "true", False, True),
        ("Null", False, True, False),
    ],
)
def test_a_condition_on_a_key(operator: str, value: Any, *, present: bool, absent: bool) -> None:
    """With the key in the request, and without it."""
    conditions = {operator: {"s3:prefix": value}}
    assert hold(conditions, {"s3:prefix": "photos/"}) is present
    assert hold(conditions, {}) is absent


@given(st.sampled_from(["StringEquals", "StringLike", "ArnLike"]), st.lists(LETTERS, min_size=1), LETTERS)
def test_a_negated_operator_says_the_opposite(operator: str, values: list[str], actual: str) -> None:
    """Of all its values together."""
    negated = operator.replace("String", "StringNot").replace("Arn", "ArnNot")
    assert hold({operator: {"k": values}}, {"k": actual}) is not hold({negated: {"k": values}}, {"k": actual})


def test_an_operator_that_is_not_known_is_named() -> None:
    """Rather than taken for met or unmet."""
    with pytest.raises(UnknownConditionError, match="numericlessthan"):
        hold({"NumericLessThan": {"s3:max-keys": "10"}}, {"s3:max-keys": "5"})
