"""The documents as CloudFormation and Terraform take them, both in their JSON forms.

Sources: AWS CloudFormation user guide, `AWS::IAM::ManagedPolicy` and `AWS::IAM::Role`; Terraform language, "JSON
Configuration Syntax", in which every string is a template.
"""

import json
from typing import Any

from batch_assets.iam.calls import Purpose
from batch_assets.iam.policy import Document, permissions, trust
from batch_assets.iam.role_name import RoleName
from batch_assets.settings import Settings

POLICY_NAME = "batch-assets"
"""Of the policy within the service role."""

_ROLE = "BatchAssetsBedrockRole"
_NAMES = {Purpose.PIPELINE: "BatchAssetsPipelinePolicy", Purpose.SEARCH: "BatchAssetsSearchPolicy"}


def cloudformation(purpose: Purpose, settings: Settings) -> Document:
    """A template with the service role, or with a managed policy, and its ARN as an output."""
    role = purpose is Purpose.BEDROCK_ROLE
    name = _ROLE if role else _NAMES[purpose]
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": _description(purpose),
        "Resources": {name: _role_resource(settings) if role else _policy_resource(purpose, settings)},
        "Outputs": {f"{name}Arn": {"Value": {"Fn::GetAtt": [name, "Arn"]} if role else {"Ref": name}}},
    }


def terraform(purpose: Purpose, settings: Settings) -> Document:
    """Configuration for a `*.tf.json` file: the service role, or a managed policy, and its ARN as an output."""
    name = f"batch_assets_{purpose.replace('-', '_')}"
    allowed = _template(permissions(purpose, settings))
    if purpose is not Purpose.BEDROCK_ROLE:
        policy = {"name": name.replace("_", "-"), "description": _description(purpose), "policy": allowed}
        return {"resource": {"aws_iam_policy": {name: policy}}, "output": _output(name, "aws_iam_policy")}
    role = RoleName.parse(settings.role_arn)
    return {
        "resource": {
            "aws_iam_role": {
                name: {"name": role.name, "path": role.path, "assume_role_policy": _template(trust(settings))}
            },
            "aws_iam_role_policy": {
                name: {"name": POLICY_NAME, "role": f"${{aws_iam_role.{name}.id}}", "policy": allowed}
            },
        },
        "output": _output(name, "aws_iam_role"),
    }


def _policy_resource(purpose: Purpose, settings: Settings) -> dict[str, Any]:
    return {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {"Description": _description(purpose), "PolicyDocument": permissions(purpose, settings)},
    }


def _role_resource(settings: Settings) -> dict[str, Any]:
    role = RoleName.parse(settings.role_arn)
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": role.name,
            "Path": role.path,
            "AssumeRolePolicyDocument": trust(settings),
            "Policies": [{"PolicyName": POLICY_NAME, "PolicyDocument": permissions(Purpose.BEDROCK_ROLE, settings)}],
        },
    }


def _description(purpose: Purpose) -> str:
    return {
        Purpose.PIPELINE: "What the pipeline of batch_assets calls",
        Purpose.BEDROCK_ROLE: "The role that Bedrock assumes for the batch jobs of batch_assets",
        Purpose.SEARCH: "What searches of batch_assets call",
    }[purpose]


def _output(name: str, kind: str) -> dict[str, Any]:
    return {f"{name}_arn": {"value": f"${{{kind}.{name}.arn}}"}}


def _template(document: Document) -> str:
    """A document as a string in which Terraform replaces nothing."""
    return json.dumps(document).replace("${", "$${").replace("%{", "%%{")
