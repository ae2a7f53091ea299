"""A refused call as a finding that names the permission that is missing."""

from botocore.exceptions import ClientError

from batch_assets.doctor.finding import Finding, Findings
from batch_assets.iam.needs import NEEDS
from batch_assets.refusals import cure, service_message

_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "403", "Forbidden"})
_TRY_AGAIN = "run batch-assets doctor again; if it stays so, look the code up in the service's documentation"


def refusal(found: Findings, error: Exception) -> Finding:
    """What a failed call says about the check that made it; the cause of our own errors is looked at."""
    source = error if isinstance(error, ClientError) else error.__cause__
    if not isinstance(source, ClientError):
        return found.wrong(str(error), cure(error) or cure(source) or _TRY_AGAIN)
    if is_denied(source):
        action = _action(source.operation_name)
        return found.wrong(
            f"the credentials may not call {action}: {service_message(source)}",
            f"allow {action} to the credentials; batch-assets iam policy prints all permissions",
        )
    return found.wrong(service_message(source), cure(source) or _TRY_AGAIN)


def _action(operation: str) -> str:
    """The IAM action that permits an operation, which is told here without its service."""
    for name, needs in NEEDS.items():
        if name.partition(".")[2] == operation:
            return needs[0].action if needs else name.replace(".", ":")
    return operation


def is_denied(error: ClientError) -> bool:
    """Whether a permission is missing; a HEAD request is told by its status alone."""
    return str(error.response.get("Error", {}).get("Code")) in _DENIED
