"""What a request is told when it cannot be answered."""

from collections.abc import Mapping
from http import HTTPStatus

from batch_assets.errors import BatchAssetsError


class RequestError(BatchAssetsError):
    """A request that is wrong or asks for what is not there; the message is for the person who made it."""

    def __init__(self, status: HTTPStatus, message: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.headers = status, headers or {}


def wrong_input(message: str) -> RequestError:
    """What a person can mend by asking for something else."""
    return RequestError(HTTPStatus.BAD_REQUEST, message)


def not_found(message: str) -> RequestError:
    """What is not there, or not shown here."""
    return RequestError(HTTPStatus.NOT_FOUND, message)


def undecodable(message: str) -> RequestError:
    """A picture that cannot be shown."""
    return RequestError(HTTPStatus.UNPROCESSABLE_ENTITY, message)
