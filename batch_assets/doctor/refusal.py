"""A refused call as a finding that names the permission that is missing."""

from botocore.exceptions import ClientError

from batch_assets.doctor.finding import Finding, Findings
from batch_assets.refusals import cure, service_message

ACTIONS = {
    "GetCallerIdentity": "sts:GetCallerIdentity",
    "GetFoundationModel": "bedrock:GetFoundationModel",
    "GetFoundationModelAvailability": "bedrock:GetFoundationModelAvailability",
    "GetIndex": "s3vectors:GetIndex",
    "GetRole": "iam:GetRole",
    "GetVectorBucket": "s3vectors:GetVectorBucket",
    "HeadObject": "s3:GetObject",
    "ListModelInvocationJobs": "bedrock:ListModelInvocationJobs",
    "ListObjectsV2": "s3:ListBucket",
    "ListTagsForResource": "s3vectors:ListTagsForResource",
}
"""The IAM action that permits each call of the checks. Source: AWS service authorization reference."""

_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "403", "Forbidden"})
_TRY_AGAIN = "run batch-assets doctor again; if it stays so, look the code up in the service's documentation"


def refusal(found: Findings, error: Exception) -> Finding:
    """What a failed call says about the check that made it; the cause of our own errors is looked at."""
    source = error if isinstance(error, ClientError) else error.__cause__
    if not isinstance(source, ClientError):
        return found.wrong(str(error), cure(error) or cure(source) or _TRY_AGAIN)
    if is_denied(source):
        action = ACTIONS.get(source.operation_name, source.operation_name)
        return found.wrong(
            f"the credentials may not call {action}: {service_message(source)}",
            f"allow {action} to the credentials; docs/real-account.md lists all permissions",
        )
    return found.wrong(service_message(source), cure(source) or _TRY_AGAIN)


def is_denied(error: ClientError) -> bool:
    """Whether a permission is missing; a HEAD request is told by its status alone."""
    return str(error.response.get("Error", {}).get("Code")) in _DENIED
