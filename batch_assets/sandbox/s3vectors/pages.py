"""Opaque page tokens, and query results kept between pages."""

import base64
import binascii
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import orjson

from batch_assets.sandbox.errors import ModelledError, validation_error
from batch_assets.sandbox.s3vectors import limits

_Item = TypeVar("_Item")
_SESSIONS_KEPT = 64

Ranked = Sequence[tuple[str, float, Mapping[str, Any]]]


def encode_token(*parts: str | int) -> str:
    """Return a token that says nothing to the client."""
    return base64.urlsafe_b64encode(orjson.dumps(parts)).decode()


def decode_token(token: str, *types: type) -> list[Any]:
    """Return the parts of a token.

    Raises:
        ModelledError: ``ValidationException`` if this service did not make it so.
    """
    try:
        parts = orjson.loads(base64.urlsafe_b64decode(token))
    except (ValueError, binascii.Error) as error:
        raise invalid_token() from error
    if not isinstance(parts, list) or [type(part) for part in parts] != list(types):
        raise invalid_token()
    return parts


def invalid_token() -> ModelledError:
    """Build the refusal of a token that is wrong, expired or of another request."""
    return validation_error("Invalid nextToken", path="/nextToken")


def name_page(
    items: Mapping[str, _Item], *, prefix: str, token: str | None, page_size: int
) -> tuple[list[_Item], str | None]:
    """Return one page of items in the order of their names, and the token of the next page."""
    (after,) = decode_token(token, str) if token is not None else ("",)
    names = sorted(name for name in items if name.startswith(prefix) and name > after)
    page = names[:page_size]
    following = encode_token(page[-1]) if len(names) > page_size else None
    return [items[name] for name in page], following


class QuerySessions:
    """Ranked results of queries that have more pages.

    A session outlives later writes to the index, is bound to its request, and expires after
    some minutes (s3-vectors-query says "several"; here five, in real time).
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Start without sessions."""
        self._monotonic = monotonic
        self._sessions: dict[str, tuple[float, str, Ranked]] = {}

    def first_page(self, fingerprint: str, ranked: Ranked) -> tuple[Ranked, str | None]:
        """Return the first page of new results and, if there is more, a token."""
        if len(ranked) <= limits.QUERY_PAGE_SIZE:
            return ranked, None
        session = uuid.uuid4().hex
        self._sessions[session] = (self._monotonic(), fingerprint, ranked)
        while len(self._sessions) > _SESSIONS_KEPT:
            del self._sessions[next(iter(self._sessions))]
        return self._page(session, ranked, 0)

    def next_page(self, fingerprint: str, token: str) -> tuple[Ranked, str | None]:
        """Return the page that a token stands for; the same token may be used again."""
        session, offset = decode_token(token, str, int)
        begun, bound_to, ranked = self._sessions.get(session, (0.0, "", ()))
        expired = self._monotonic() - begun > limits.QUERY_SESSION_SECONDS
        if expired or bound_to != fingerprint or not 0 <= offset < len(ranked):
            raise invalid_token()
        return self._page(session, ranked, offset)

    def _page(self, session: str, ranked: Ranked, offset: int) -> tuple[Ranked, str | None]:
        end = offset + limits.QUERY_PAGE_SIZE
        return ranked[offset:end], encode_token(session, end) if end < len(ranked) else None
