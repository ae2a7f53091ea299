"""What the commands say when AWS, the settings or the network do not play along: one message, never a traceback."""

from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from batch_assets.cli import clients
from tests.cli.conftest import Command
from tests.world import World, deployment_settings, pictures

DENIED = {"code": "AccessDenied", "status": 403, "message": "Access Denied"}
DENIED_BY_POLICY = {"code": "AccessDeniedException", "status": 403, "message": "User is not authorized"}
PERMISSIONS = "batch-assets iam policy prints those that are needed"


@pytest.fixture
def deployed(command: Command, world: World) -> Command:
    """The command for this test's deployment, which asks each service once."""
    command.monkeypatch.setattr(clients, "FOR_A_PERSON", Config(retries={"total_max_attempts": 1}))
    return command.use(world.settings)


@pytest.mark.parametrize("arguments", [["status"], ["search", "--text", "red"]])
def test_without_settings_all_that_are_needed_are_listed(command: Command, arguments: list[str]) -> None:
    """Each with its variable and its meaning, in one message."""
    for name in ("SOURCE_BUCKET", "FIRST_PARTITION", "ACCOUNT_ID", "ROLE_ARN", "VECTOR_BUCKET"):
        command.monkeypatch.delenv(f"BATCH_ASSETS_{name}", raising=False)
    refusal = command.refused(*arguments, code=1)
    assert refusal.startswith("Error: these settings are wrong (environment or .env)")
    for name in ("SOURCE_BUCKET", "FIRST_PARTITION", "ACCOUNT_ID", "ROLE_ARN", "VECTOR_BUCKET"):
        assert f"BATCH_ASSETS_{name} is not set: " in refusal


def test_settings_are_read_from_a_file_too(command: Command, world: World, tmp_path: Path) -> None:
    """`.env` of the folder in which the command is called."""
    names = ("source_bucket", "first_partition", "account_id", "role_arn", "vector_bucket")
    lines = [f"BATCH_ASSETS_{name.upper()}={getattr(world.settings, name)}\n" for name in names]
    (tmp_path / ".env").write_text("".join(lines), encoding="utf-8")
    assert command("status").output.startswith("No partition has been listed yet")


def test_a_missing_bucket_is_named(deployed: Command, world: World) -> None:
    """With its name, and where to look."""
    settings = deployment_settings(world.aws, source_bucket="a-bucket-that-is-not-there")
    refusal = deployed.use(settings).refused("status", code=1)
    assert refusal.startswith("Error: s3://a-bucket-that-is-not-there/")
    assert "the bucket does not exist: check the setting and the account (NoSuchBucket)" in refusal


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (DENIED, "access denied: the credentials need s3:ListBucket and s3:GetObject there"),
        ({"code": "PermanentRedirect", "status": 301}, "the bucket is in another Region: set BATCH_ASSETS_REGION"),
        ({"code": "AuthorizationHeaderMalformed", "status": 400}, "the bucket is in another Region"),
        ({"code": "ExpiredToken", "status": 400}, "the session has expired: sign in again"),
        (
            {"code": "SlowDown", "status": 503, "message": "Please reduce your request rate."},
            "reduce your request rate",
        ),
    ],
)
def test_what_s3_refuses_is_explained(deployed: Command, world: World, fault: dict[str, Any], said: str) -> None:
    """With the bucket, the reason, and the cure."""
    world.fault(service="s3", operation="ListObjectsV2", error=fault)
    refusal = deployed.refused("status", code=1)
    assert f"s3://{world.settings.source_bucket}/" in refusal
    assert said in refusal


def test_jobs_that_may_not_be_listed_are_explained(deployed: Command, world: World) -> None:
    """The operation is named, and where the permissions stand."""
    world.put(pictures(100))
    world.plan()
    world.fault(service="bedrock", operation="ListModelInvocationJobs", error=DENIED_BY_POLICY)
    refusal = deployed.refused("status", code=1)
    assert "ListModelInvocationJobs: User is not authorized (AccessDeniedException)" in refusal
    assert PERMISSIONS in refusal


@pytest.mark.parametrize(("service", "operation"), [("bedrock-runtime", "InvokeModel"), ("s3vectors", "QueryVectors")])
def test_searching_without_permission_is_explained(
    deployed: Command, world: World, service: str, operation: str
) -> None:
    """The operation is named, and where the permissions stand."""
    world.put(pictures(100))
    world.embed()
    world.fault(service=service, operation=operation, error=DENIED_BY_POLICY)
    refusal = deployed.refused("search", "--text", "red", code=1)
    assert operation in refusal
    assert PERMISSIONS in refusal


@pytest.mark.parametrize("arguments", [["status"], ["search", "--text", "red"]])
def test_without_credentials_it_says_how_to_sign_in(deployed: Command, tmp_path: Path, arguments: list[str]) -> None:
    """Neither keys, nor a profile, nor a machine's role."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        deployed.monkeypatch.delenv(name)
    deployed.monkeypatch.setenv("HOME", str(tmp_path))
    assert "sign in (aws sso login, aws configure), or set AWS_PROFILE" in deployed.refused(*arguments, code=1)


def test_a_profile_that_is_not_there_is_named(deployed: Command, tmp_path: Path) -> None:
    """A typing error in AWS_PROFILE."""
    deployed.monkeypatch.setenv("HOME", str(tmp_path))
    deployed.monkeypatch.setenv("AWS_PROFILE", "prodution")
    refusal = deployed.refused("status", code=1)
    assert "prodution" in refusal
    assert "sign in" in refusal


@pytest.mark.parametrize("arguments", [["status"], ["search", "--text", "red"]])
def test_a_sandbox_that_has_ended_is_noticed(deployed: Command, arguments: list[str]) -> None:
    """Exports of a sandbox that is gone: nobody answers at the address."""
    for service in ("", "_S3", "_S3VECTORS", "_BEDROCK", "_BEDROCK_RUNTIME"):
        deployed.monkeypatch.setenv(f"AWS_ENDPOINT_URL{service}", "http://127.0.0.1:9")
    refusal = deployed.refused(*arguments, code=1)
    assert "http://127.0.0.1:9" in refusal
    assert "a sandbox must still be running" in refusal
