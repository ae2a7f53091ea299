"""The checks together: which fail, which are skipped, and what they may do."""

import pytest

from batch_assets.doctor.examination import CHECKS
from batch_assets.doctor.finding import Level
from batch_assets.settings import load_settings
from batch_assets.vectors.index import IndexOwner, ensure_index
from tests.doctor.conftest import Doctor

READS = {
    "s3": {"ListObjectsV2", "HeadObject"},
    "sts": {"GetCallerIdentity"},
    "iam": {"GetRole"},
    "bedrock": {"GetFoundationModel", "GetFoundationModelAvailability", "ListModelInvocationJobs"},
    "s3vectors": {"GetVectorBucket", "GetIndex", "ListTagsForResource"},
}


def test_a_deployment_with_which_all_is_well(doctor: Doctor) -> None:
    """Every check says ok, once, and nothing is to be done."""
    findings = doctor.examine()
    assert [finding.check for finding in findings] == list(CHECKS)
    assert {finding.level for finding in findings} == {Level.OK}
    assert {finding.cure for finding in findings} == {""}


def test_it_only_reads(doctor: Doctor) -> None:
    """No call but those that are free and change nothing."""
    settings = load_settings()
    owner = IndexOwner(source_bucket=settings.source_bucket, space=settings.space.slug)
    ensure_index(
        doctor.aws.s3vectors, bucket=settings.vector_bucket, index=settings.index_name, dimension=256, owner=owner
    )
    doctor.aws.control("calls", method="DELETE")
    doctor.examine()
    calls = doctor.aws.control("calls")
    assert {service: set(operations) for service, operations in calls.items()} == READS


@pytest.mark.parametrize(
    ("service", "operation", "action", "failing"),
    [
        ("sts", "GetCallerIdentity", "sts:GetCallerIdentity", {"credentials"}),
        ("s3", "ListObjectsV2", "s3:ListBucket", {"source_bucket", "results_bucket"}),
        ("s3", "HeadObject", "s3:GetObject", {"source_bucket", "results_bucket"}),
        ("iam", "GetRole", "iam:GetRole", {"role"}),
        ("bedrock", "GetFoundationModel", "bedrock:GetFoundationModel", {"model"}),
        ("bedrock", "GetFoundationModelAvailability", "bedrock:GetFoundationModelAvailability", {"model"}),
        ("bedrock", "ListModelInvocationJobs", "bedrock:ListModelInvocationJobs", {"quota"}),
        ("s3vectors", "GetVectorBucket", "s3vectors:GetVectorBucket", {"vector_bucket"}),
        ("s3vectors", "GetIndex", "s3vectors:GetIndex", {"index"}),
    ],
)
def test_a_missing_permission_is_named_by_the_check_that_needs_it(
    doctor: Doctor, service: str, operation: str, action: str, failing: set[str]
) -> None:
    """The other checks go on, but for those that would only repeat it."""
    doctor.deny(service, operation)
    findings = doctor.examine()
    wrong = [finding for finding in findings if finding.level is Level.WRONG]
    assert {finding.check for finding in wrong} == failing
    for finding in wrong:
        assert f"the credentials may not call {action}: {operation}: " in finding.message
        assert f"allow {action}" in finding.cure
    skipped = {finding.check for finding in findings if finding.level is Level.SKIPPED}
    needing = {name for name, check in CHECKS.items() if failing & set(check.needs)}
    assert needing <= skipped


def test_all_checks_but_the_settings_need_settings(doctor: Doctor) -> None:
    """What is wrong with them is told as when Dagster loads."""
    doctor.change(dimension="7", vector_bucket="Not-A-Bucket")
    first, *others = doctor.examine()
    assert (first.check, first.level) == ("settings", Level.WRONG)
    assert "BATCH_ASSETS_DIMENSION=" in first.message
    assert "BATCH_ASSETS_VECTOR_BUCKET=" in first.message
    assert {finding.level for finding in others} == {Level.SKIPPED}
    assert [finding.check for finding in others] == [name for name in CHECKS if name != "settings"]


def test_named_checks_are_told_alone(doctor: Doctor) -> None:
    """What they need is examined too, and told if it is in their way."""
    assert doctor.only("quota").level is Level.OK
    doctor.fail("sts", "GetCallerIdentity", code="ExpiredToken", status=400, message="expired")
    assert doctor.only("quota").message == "not looked at: credentials has to be mended first"
    assert "sign in" in doctor.only("credentials").cure


def test_a_service_that_cannot_be_reached_is_told(doctor: Doctor) -> None:
    """By the check that calls it, with the network as the cure."""
    doctor.monkeypatch.setenv("AWS_ENDPOINT_URL_IAM", "http://127.0.0.1:9")
    assert doctor.of_level(Level.WRONG) == {"role"}
    assert "check the network" in doctor.only("role").cure
