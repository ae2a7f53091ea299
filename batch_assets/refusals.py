"""What a person is told when AWS or the network refuses: what is wrong, where, and what to do."""

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 botocore's name
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
)

from batch_assets.errors import BatchAssetsError

FORESEEN = (BatchAssetsError, BotoCoreError, ClientError)
"""The project's own errors, and what AWS clients raise."""

_SIGN_IN = "sign in (aws sso login, aws configure), or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
_PERMISSIONS = "the credentials lack a permission: batch-assets iam policy prints those that are needed"
_CURES = {
    "AccessDenied": _PERMISSIONS,
    "AccessDeniedException": _PERMISSIONS,
    "ExpiredToken": _SIGN_IN,
    "ExpiredTokenException": _SIGN_IN,
    "InvalidClientTokenId": _SIGN_IN,
    "SignatureDoesNotMatch": _SIGN_IN,
    "UnrecognizedClientException": _SIGN_IN,
}


def explanation(error: BaseException) -> str:
    """The error's own message, or that of the service, and the cure if there is a known one."""
    text = service_message(error) if isinstance(error, ClientError) else str(error)
    known = cure(error) or cure(error.__cause__)
    return f"{text.rstrip('.')}: {known}" if known else text


def service_message(error: ClientError) -> str:
    """Operation, message and code of a refusal."""
    told = error.response.get("Error", {})
    return f"{error.operation_name}: {told.get('Message') or 'no message'} ({told.get('Code') or 'no code'})"


def cure(error: BaseException | None) -> str | None:
    """What a person can do about an error of the AWS clients, if that is known."""
    if isinstance(error, ClientError):
        return _CURES.get(str(error.response.get("Error", {}).get("Code")))
    if isinstance(error, NoCredentialsError | PartialCredentialsError | ProfileNotFound | SSOError):
        return _SIGN_IN
    if isinstance(error, ConnectionError | HTTPClientError):
        return "check the network, BATCH_ASSETS_REGION and AWS_ENDPOINT_URL; a sandbox must still be running"
    return None
