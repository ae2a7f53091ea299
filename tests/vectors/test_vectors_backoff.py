"""Repeating calls."""

from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from batch_assets.errors import VectorIndexError
from batch_assets.vectors.backoff import Backoff


def refusal(status: int) -> ClientError:
    """Return what boto3 raises for an answer with this status."""
    details = {"Error": {"Code": f"E{status}", "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(details, "PutVectors")  # type: ignore[arg-type]  # the real thing has more members


def call_that_fails(*errors: Exception) -> Callable[[], str]:
    """Return a call that raises these one after the other and then answers."""
    remaining = list(errors)

    def call() -> str:
        if remaining:
            raise remaining.pop(0)
        return "answer"

    return call


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_transient_refusal_is_repeated(status: int) -> None:
    """The second attempt's answer counts."""
    backoff = Backoff(waiter=lambda _: None)
    assert backoff.run(call_that_fails(refusal(status)), where="here") == "answer"


def test_a_lost_connection_is_repeated() -> None:
    """A timeout of the connection is transient as well."""
    backoff = Backoff(waiter=lambda _: None)
    lost = ReadTimeoutError(endpoint_url="http://127.0.0.1")
    assert backoff.run(call_that_fails(lost), where="here") == "answer"


@pytest.mark.parametrize("status", [400, 402, 403, 404, 409])
def test_any_other_refusal_is_final(status: int) -> None:
    """It is raised at once, saying where."""
    waits: list[float] = []
    with pytest.raises(VectorIndexError, match=f"here: .*E{status}"):
        Backoff(waiter=waits.append).run(call_that_fails(refusal(status)), where="here")
    assert not waits


def test_attempts_are_bounded() -> None:
    """After the last attempt the error says how many there were."""
    waits: list[float] = []
    backoff = Backoff(max_attempts=3, waiter=waits.append)
    with pytest.raises(VectorIndexError, match="still failing after 3 attempts"):
        backoff.run(call_that_fails(*[refusal(503)] * 3), where="here")
    assert len(waits) == 2


def test_waits_double_up_to_a_ceiling_and_jitter() -> None:
    """With full jitter at one half, waits are half of 0.2, 0.4, 0.8, 1.0 and 1.0 seconds."""
    waits: list[float] = []
    backoff = Backoff(last_ceiling_seconds=1.0, waiter=waits.append, jitter=lambda: 0.5)
    backoff.run(call_that_fails(*[refusal(429)] * 5), where="here")
    assert waits == pytest.approx([0.1, 0.2, 0.4, 0.5, 0.5])


def test_only_throttling_is_reported_as_such() -> None:
    """429 and 503 are told to the limiter, 500 is not."""
    reports: list[str] = []
    Backoff(waiter=lambda _: None).run(
        call_that_fails(refusal(429), refusal(500), refusal(503)),
        where="here",
        on_throttled=lambda: reports.append("throttled"),
    )
    assert reports == ["throttled", "throttled"]
