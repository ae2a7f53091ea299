"""The service role as it is and as it should be, and making the one the other."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff
from typing import Any

from batch_assets.errors import BatchAssetsError
from batch_assets.iam.calls import Purpose
from batch_assets.iam.policy import Document, permissions, trust
from batch_assets.iam.role_name import RoleName
from batch_assets.iam.templates import POLICY_NAME
from batch_assets.settings import Settings

_DESCRIPTION = "Amazon Bedrock assumes it for batch jobs of batch_assets"


@dataclass(frozen=True)
class RoleDocuments:
    """Who may assume a role and what it may do; None for what is not there."""

    trust: Document | None
    permissions: Document | None

    def difference(self, wanted: "RoleDocuments") -> Iterator[str]:
        """Lines of a unified difference to other documents; none if they say the same."""
        pairs = (("trust policy", self.trust, wanted.trust), ("permissions", self.permissions, wanted.permissions))
        for name, now, then in pairs:
            yield from unified_diff(_lines(now), _lines(then), f"{name} now", f"{name} wanted", lineterm="")


@dataclass(frozen=True)
class ServiceRole:
    """The role of the settings, in IAM."""

    iam: Any
    settings: Settings

    @property
    def wanted(self) -> RoleDocuments:
        return RoleDocuments(trust(self.settings), permissions(Purpose.BEDROCK_ROLE, self.settings))

    def read(self) -> RoleDocuments:
        """The role as it stands. Raises `BatchAssetsError` if the name is taken by one of another path."""
        name = self._name.name
        missing = self.iam.exceptions.NoSuchEntityException
        try:
            role = self.iam.get_role(RoleName=name)["Role"]
        except missing:
            return RoleDocuments(None, None)
        if role["Arn"] != self.settings.role_arn:
            raise BatchAssetsError(
                f"the role {name} is {role['Arn']}, not {self.settings.role_arn}: set BATCH_ASSETS_ROLE_ARN to it, or "
                "to a name that is free"
            )
        try:
            policy = self.iam.get_role_policy(RoleName=name, PolicyName=POLICY_NAME)["PolicyDocument"]
        except missing:
            policy = None
        return RoleDocuments(role["AssumeRolePolicyDocument"], policy)

    def write(self, standing: RoleDocuments) -> None:
        """Create what is not there and replace what is different; other policies of the role stay as they are."""
        wanted, name = self.wanted, self._name
        if standing.trust is None:
            self.iam.create_role(
                RoleName=name.name,
                Path=name.path,
                AssumeRolePolicyDocument=json.dumps(wanted.trust),
                Description=_DESCRIPTION,
            )
        elif standing.trust != wanted.trust:
            self.iam.update_assume_role_policy(RoleName=name.name, PolicyDocument=json.dumps(wanted.trust))
        if standing.permissions != wanted.permissions:
            self.iam.put_role_policy(
                RoleName=name.name, PolicyName=POLICY_NAME, PolicyDocument=json.dumps(wanted.permissions)
            )

    @property
    def _name(self) -> RoleName:
        return RoleName.parse(self.settings.role_arn)


def require_account(sts: Any, settings: Settings) -> None:
    """Raise `BatchAssetsError` if the credentials are of another account than the role."""
    account, theirs = RoleName.parse(settings.role_arn).account_id, sts.get_caller_identity()["Account"]
    if theirs != account:
        raise BatchAssetsError(
            f"the credentials are of account {theirs}, and {settings.role_arn} is to be in {account}: sign in there, "
            "or correct BATCH_ASSETS_ROLE_ARN"
        )


def _lines(document: Document | None) -> list[str]:
    return [] if document is None else json.dumps(document, indent=2).splitlines()
