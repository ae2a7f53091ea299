"""`batch-assets iam`: printing permissions, and the service role."""

import io
import json
import uuid
from typing import Any

import pytest

from batch_assets.iam import events
from batch_assets.iam.calls import Purpose
from batch_assets.iam.policy import permissions, trust
from batch_assets.iam.templates import POLICY_NAME, cloudformation, terraform
from batch_assets.settings import Settings
from tests.cli.conftest import Command
from tests.conftest import ADMINISTRATOR, Aws
from tests.world import deployment_settings


@pytest.fixture
def settings(still: Aws) -> Settings:
    """Settings with a role that does not exist yet."""
    return deployment_settings(still, role_arn=f"arn:aws:iam::123456789012:role/batch/new-{uuid.uuid4().hex[:8]}")


@pytest.fixture
def iam(command: Command, settings: Settings) -> Command:
    """The command of an administrator: the pipeline may not do this."""
    command.monkeypatch.setenv("AWS_ACCESS_KEY_ID", ADMINISTRATOR)
    return command.use(settings)


def standing(aws: Aws, settings: Settings) -> tuple[Any, Any]:
    """Trust policy and permissions of the role."""
    name = settings.role_arn.rsplit("/", 1)[-1]
    policy = aws.iam.get_role_policy(RoleName=name, PolicyName=POLICY_NAME)["PolicyDocument"]
    return aws.iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"], policy


def wanted(settings: Settings) -> tuple[Any, Any]:
    """What they should be."""
    return trust(settings), permissions(Purpose.BEDROCK_ROLE, settings)


@pytest.mark.parametrize("purpose", Purpose)
def test_policies_are_printed_in_three_forms(iam: Command, settings: Settings, purpose: Purpose) -> None:
    """Of the role also who may assume it."""
    allowed = permissions(purpose, settings)
    role = purpose is Purpose.BEDROCK_ROLE
    plain = {"trust": trust(settings), "permissions": allowed} if role else allowed
    assert json.loads(iam("iam", "policy", "--for", purpose).output) == plain
    for form, document in (("cloudformation", cloudformation), ("terraform", terraform)):
        printed = iam("iam", "policy", "--for", purpose, "--format", form).output
        assert json.loads(printed) == document(purpose, settings)


def test_the_rule_and_the_queue_of_events_are_printed(iam: Command) -> None:
    """As templates alone: there is no document without them."""
    assert json.loads(iam("iam", "events").output) == events.cloudformation()
    assert json.loads(iam("iam", "events", "--format", "terraform").output) == events.terraform()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Missing option '--for'"),
        (["--for", "everybody"], "'everybody' is not one of 'pipeline', 'bedrock-role', 'search'"),
        (["--for", "search", "--format", "yaml"], "'yaml' is not one of 'json', 'cloudformation', 'terraform'"),
    ],
)
def test_what_is_not_there_is_refused(iam: Command, arguments: list[str], said: str) -> None:
    """With what there is."""
    assert said in iam.refused("iam", "policy", *arguments, code=2)


def test_the_role_is_created_once(iam: Command, still: Aws, settings: Settings) -> None:
    """The difference is shown and the ARN printed; the second time there is nothing to do."""
    created = iam("iam", "apply", "--yes")
    assert (created.code, created.output) == (0, f"{settings.role_arn}\n")
    assert "--- trust policy now" in created.errors
    assert '+      "Sid": "OutputObjects"' in created.errors
    assert standing(still, settings) == wanted(settings)
    again = iam("iam", "apply", "--yes")
    assert (again.output, again.errors) == (
        f"{settings.role_arn}\n",
        "The role is as it should be: nothing was changed.\n",
    )


def test_what_was_changed_is_put_right(iam: Command, still: Aws, settings: Settings) -> None:
    """Only the documents of this project; what others attached to the role stays."""
    iam("iam", "apply", "--yes")
    name = settings.role_arn.rsplit("/", 1)[-1]
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    for policy in (POLICY_NAME, "others"):
        still.iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(everything))
    shown = iam("iam", "apply", "--yes").errors
    assert '-      "Action": "s3:*"' in shown
    assert "trust policy" not in shown
    assert standing(still, settings) == wanted(settings)
    assert still.iam.list_role_policies(RoleName=name)["PolicyNames"] == [POLICY_NAME, "others"]


def test_another_trust_policy_is_replaced(iam: Command, still: Aws, settings: Settings) -> None:
    """Somebody else could assume the role."""
    iam("iam", "apply", "--yes")
    open_to_all = trust(settings)
    del open_to_all["Statement"][0]["Condition"]
    name = settings.role_arn.rsplit("/", 1)[-1]
    still.iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(open_to_all))
    assert '+      "Condition": {' in iam("iam", "apply", "--yes").errors
    assert standing(still, settings) == wanted(settings)


class Terminal(io.StringIO):
    """A terminal at which somebody types."""

    def isatty(self) -> bool:
        """Whether somebody sits there."""
        return True


def test_a_person_is_asked_first(iam: Command, still: Aws, settings: Settings) -> None:
    """Only a yes changes anything."""
    iam.monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    refused = iam("iam", "apply")
    assert (refused.code, refused.output) == (1, "")
    assert "Create the role? [y/N]" in refused.errors
    assert "Nothing was changed." in refused.errors
    with pytest.raises(still.iam.exceptions.NoSuchEntityException):
        standing(still, settings)
    iam.monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    assert iam("iam", "apply").output == f"{settings.role_arn}\n"


def test_without_a_terminal_it_has_to_be_said(iam: Command) -> None:
    """A script says --yes."""
    iam.monkeypatch.setattr("sys.stdin", io.StringIO())
    ended = iam("iam", "apply")
    assert (ended.code, "add --yes" in ended.errors) == (2, True)


def test_a_role_of_another_path_or_account_is_refused(iam: Command, still: Aws, settings: Settings) -> None:
    """IAM takes a name only once, and a role is made where the credentials are."""
    name = settings.role_arn.rsplit("/", 1)[-1]
    still.iam.create_role(RoleName=name, Path="/other/", AssumeRolePolicyDocument=json.dumps(trust(settings)))
    assert f"is arn:aws:iam::123456789012:role/other/{name}, not" in iam.refused("iam", "apply", "--yes", code=1)
    elsewhere = settings.model_copy(update={"role_arn": f"arn:aws:iam::210987654321:role/{name}"})
    refusal = iam.use(elsewhere).refused("iam", "apply", "--yes", code=1)
    assert "the credentials are of account 123456789012" in refusal
