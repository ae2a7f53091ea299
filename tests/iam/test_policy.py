"""The documents that `batch-assets iam policy` prints."""

import json
import re
from functools import cache
from typing import Any

import pytest
from cfnlint.api import lint
from cfnlint.core import get_rules

from batch_assets.iam import events
from batch_assets.iam.calls import CALLS, Purpose
from batch_assets.iam.needs import NEEDS
from batch_assets.iam.policy import permissions, trust
from batch_assets.iam.templates import cloudformation, terraform
from batch_assets.settings import Settings

MANAGED_POLICY_MAX_CHARACTERS = 6144
"""White space is not counted. Source: IAM user guide, "IAM and AWS STS quotas"."""


def deployment(**settings: Any) -> Settings:
    """Settings of an account that does not exist."""
    values: dict[str, Any] = {
        "_env_file": None,
        "source_bucket": "pictures",
        "first_partition": "2024/01/01",
        "account_id": "123456789012",
        "role_arn": "arn:aws:iam::123456789012:role/service/bedrock",
        "vector_bucket": "vectors",
        "index_name": "photos",
        **settings,
    }
    return Settings(**values)


def statements(purpose: Purpose, **settings: Any) -> dict[str, Any]:
    """The statements of a purpose by their ids."""
    found = permissions(purpose, deployment(**settings))["Statement"]
    assert len({statement["Sid"] for statement in found}) == len(found)
    return {statement["Sid"]: statement for statement in found}


def actions(purpose: Purpose, **settings: Any) -> set[str]:
    """All actions that a purpose is allowed."""
    return {action for statement in statements(purpose, **settings).values() for action in statement["Action"]}


def test_s3_is_limited_to_the_prefixes_and_to_buckets_of_the_account() -> None:
    """Pictures are read and never written: only the lock file in each input folder is."""
    found = statements(Purpose.PIPELINE)
    assert found["PicturesBucket"]["Condition"] == {
        "StringEquals": {"aws:ResourceAccount": "123456789012"},
        "StringLike": {"s3:prefix": ["photos/*"]},
    }
    assert found["LocksObjects"]["Resource"] == "arn:aws:s3:::pictures/photos/????/??/??/_batch_assets.jsonl"
    writable = {
        statement["Resource"]
        for statement in found.values()
        if {"s3:PutObject", "s3:DeleteObject"} & set(statement["Action"])
    }
    assert writable == {
        "arn:aws:s3:::pictures/photos/????/??/??/_batch_assets.jsonl",
        "arn:aws:s3:::pictures/batch-assets/tables/*",
        "arn:aws:s3:::pictures/batch-assets/tables/retry_requests/*",
        "arn:aws:s3:::pictures/batch-assets/results/on-demand/*",
    }
    assert all("aws:ResourceAccount" in json.dumps(one) for one in found.values() if "s3:" in json.dumps(one["Action"]))


def test_the_role_is_passed_to_bedrock_alone() -> None:
    """And to nobody else that could assume it."""
    found = statements(Purpose.PIPELINE)["BatchPassedRole"]
    assert found["Action"] == ["iam:PassRole"]
    assert found["Resource"] == "arn:aws:iam::123456789012:role/service/bedrock"
    assert found["Condition"] == {"StringEquals": {"iam:PassedToService": "bedrock.amazonaws.com"}}


def test_vectors_are_limited_to_the_index() -> None:
    """A search gets metadata, and so needs GetVectors; it writes nothing."""
    index = "arn:aws:s3vectors:us-east-1:123456789012:bucket/vectors/index/photos"
    found = statements(Purpose.SEARCH)["SearchIndex"]
    assert found["Resource"] == statements(Purpose.PIPELINE)["LoadIndex"]["Resource"] == index
    assert found["Action"] == ["s3vectors:GetVectors", "s3vectors:QueryVectors"]
    assert not {action for action in actions(Purpose.SEARCH) if re.search(":(Put|Create|Delete|Tag)", action)}


def test_bedrock_may_assume_the_role_for_jobs_of_this_account_alone() -> None:
    """Both conditions that its user guide recommends."""
    (statement,) = trust(deployment())["Statement"]
    assert statement["Principal"] == {"Service": "bedrock.amazonaws.com"}
    assert statement["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "123456789012"},
        "ArnEquals": {"aws:SourceArn": "arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/*"},
    }


def test_bedrock_reads_the_input_and_writes_the_output() -> None:
    """Not the other way round."""
    found = statements(Purpose.BEDROCK_ROLE, results_bucket="results")
    assert (found["InputObjects"]["Action"], found["OutputObjects"]["Action"]) == (["s3:GetObject"], ["s3:PutObject"])
    assert found["InputObjects"]["Resource"] == "arn:aws:s3:::pictures/photos/????/??/??/*"
    assert found["OutputObjects"]["Resource"] == "arn:aws:s3:::results/batch-assets/results/*"


@pytest.mark.parametrize(
    ("setting", "action", "allowed"),
    [
        ({"under_minimum": "on_demand"}, "bedrock:InvokeModel", True),
        ({"under_minimum": "hold"}, "bedrock:InvokeModel", False),
    ],
)
def test_what_the_settings_rule_out_is_not_allowed(setting: dict[str, Any], action: str, *, allowed: bool) -> None:
    """Permissions are those of the settings at hand."""
    assert (action in actions(Purpose.PIPELINE, **setting)) is allowed


def test_results_are_deleted_only_where_they_are_kept_for_a_time() -> None:
    """Without a retention nothing may delete what was paid for."""
    assert "s3:DeleteObject" not in statements(Purpose.PIPELINE)["ResultsObjects"]["Action"]
    kept = statements(Purpose.PIPELINE, results_retention_days=30)
    assert "s3:DeleteObject" in kept["ResultsObjects"]["Action"]


def test_reports_are_read_where_one_is_named() -> None:
    """Their folder, and no other of its bucket."""
    assert "ReportsObjects" not in statements(Purpose.PIPELINE)
    found = statements(Purpose.PIPELINE, inventory_report="s3://reports/inventory/pictures/daily/")
    assert found["ReportsObjects"]["Resource"] == "arn:aws:s3:::reports/inventory/pictures/daily/*"
    assert found["ReportsBucket"]["Condition"]["StringLike"] == {"s3:prefix": ["inventory/pictures/daily/*"]}


def test_queue_and_topic_are_named() -> None:
    """Where events and alerts use them."""
    assert {"EventsQueue", "AlertsTopic"}.isdisjoint(statements(Purpose.PIPELINE))
    queue, topic = "https://sqs.us-east-1.amazonaws.com/123456789012/ends", "arn:aws:sns:us-east-1:123456789012:alerts"
    found = statements(Purpose.PIPELINE, events_queue_url=queue, alert_topic_arn=topic)
    assert found["EventsQueue"]["Action"] == ["sqs:DeleteMessage", "sqs:ReceiveMessage"]
    assert found["EventsQueue"]["Resource"] == "arn:aws:sqs:us-east-1:123456789012:ends"
    assert (found["AlertsTopic"]["Action"], found["AlertsTopic"]["Resource"]) == (["sns:Publish"], topic)


def test_indexes_by_date_are_named_by_their_digits() -> None:
    """An index a year, and no other index of the bucket."""
    found = statements(Purpose.SEARCH, index_name="photos-%Y")["SearchIndex"]
    assert found["Resource"].endswith(":bucket/vectors/index/photos-????")


def test_a_shared_input_folder_is_the_place_of_the_lock() -> None:
    """Where Bedrock refuses the folders of the partitions, it is given the one above."""
    hive = {"prefix_template": "photos/dt=%Y-%m-%d/", "first_partition": "2024-01-01"}
    assert statements(Purpose.PIPELINE, **hive)["LocksObjects"]["Resource"] == (
        "arn:aws:s3:::pictures/photos/_batch_assets.jsonl"
    )
    assert statements(Purpose.SEARCH, **hive)["PicturesObjects"]["Resource"] == (
        "arn:aws:s3:::pictures/photos/dt=????-??-??/*"
    )
    top = {"prefix_template": "%Y/%m/%d/"}
    assert statements(Purpose.PIPELINE, **top)["PicturesBucket"]["Condition"]["StringLike"] == {"s3:prefix": ["*"]}


def test_letters_that_mean_something_to_iam_are_escaped() -> None:
    """A star in a prefix is a star, also in Terraform, where `${` begins a template."""
    starred = {"prefix_template": "a*/$b/%Y/%m/%d/"}
    resource = "arn:aws:s3:::pictures/a${*}/${$}b/????/??/??/*"
    assert statements(Purpose.SEARCH, **starred)["PicturesObjects"]["Resource"] == resource
    written = terraform(Purpose.SEARCH, deployment(**starred))["resource"]["aws_iam_policy"]
    (policy,) = written.values()
    assert resource.replace("${", "$${") in policy["policy"]
    assert json.loads(policy["policy"].replace("$${", "${")) == permissions(Purpose.SEARCH, deployment(**starred))


def test_another_partition_of_aws_is_named_in_every_arn() -> None:
    """As the role's ARN has it."""
    china = deployment(role_arn="arn:aws-cn:iam::123456789012:role/bedrock")
    assert "arn:aws:" not in json.dumps([trust(china), *(permissions(purpose, china) for purpose in Purpose)])


@pytest.mark.parametrize("purpose", Purpose)
def test_documents_fit_what_iam_takes(purpose: Purpose) -> None:
    """Size, and letters of the ids."""
    document = permissions(purpose, deployment(results_bucket="results", results_retention_days=1))
    assert len(json.dumps(document, separators=(",", ":"))) < MANAGED_POLICY_MAX_CHARACTERS
    assert all(re.fullmatch("[A-Za-z0-9]+", statement["Sid"]) for statement in document["Statement"])


def test_every_operation_is_known() -> None:
    """And none stands in the table that nothing calls."""
    called = {operation for made in CALLS.values() for calls in made for operation in calls.operations}
    assert called == set(NEEDS)


@cache
def rules() -> Any:
    """The linter's rules for errors and warnings."""
    return get_rules([], [], ["E", "W"])


def complaints(template: Any) -> list[str]:
    """What the linter has against a template."""
    return [str(match) for match in lint(json.dumps(template, indent=2), rules(), ["us-east-1"])]


@pytest.mark.parametrize("purpose", Purpose)
def test_cloudformation_takes_the_template(purpose: Purpose) -> None:
    """The linter knows the resources, their properties, and the actions of IAM."""
    assert complaints(cloudformation(purpose, deployment())) == []


def test_cloudformation_takes_the_rule_and_the_queue() -> None:
    """Of job events."""
    assert complaints(events.cloudformation()) == []


def test_the_linter_would_notice() -> None:
    """A property and an action that do not exist."""
    template = cloudformation(Purpose.BEDROCK_ROLE, deployment())
    properties = template["Resources"]["BatchAssetsBedrockRole"]["Properties"]
    properties["Rights"] = "all"
    properties["Policies"][0]["PolicyDocument"]["Statement"][0]["Action"] = ["s3:ListObjectsV2"]
    found = " ".join(complaints(template))
    assert "Rights" in found
    assert "listobjectsv2" in found.lower()


@pytest.mark.parametrize("purpose", Purpose)
def test_terraform_is_of_its_json_syntax(purpose: Purpose) -> None:
    """Blocks by type and name, as its JSON syntax has them; references name what is there."""
    written = terraform(purpose, deployment())
    named = {f"{kind}.{name}" for kind, blocks in written["resource"].items() for name in blocks}
    references = re.findall(r"\$\{([a-z_]+\.[a-z_]+)\.[a-z]+\}", json.dumps(written).replace("$${", ""))
    assert references
    assert set(references) <= named
    assert set(written) == {"resource", "output"}
