"""The PutVectors sink of the benchmarks: what it takes, refuses and tells."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from benchmarks.stages.vector_sink import counted, vector_sink


@pytest.fixture(scope="module", params=[False, True], ids=["kept", "paced"])
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the address of a sink in a process of its own."""
    with vector_sink(paced=request.param) as services:
        yield services["s3vectors"]


def put(address: str, numbers: range, *, padding: int = 0) -> None:
    """Put a call of small vectors."""
    vectors = [
        {"key": f"{n}", "data": {"float32": [0.5 + n]}, "metadata": {"n": n, "p": "x" * padding}} for n in numbers
    ]
    body = json.dumps({"vectorBucketName": "b", "indexName": "i", "vectors": vectors}, separators=(",", ":")).encode()
    urlopen(Request(f"{address}/PutVectors", data=body, method="POST")).close()  # noqa: S310 - loopback


def outcome(address: str, *calls: range) -> dict[str, Any]:
    """Return what a contender that makes these calls gives, its digest included."""

    def put_all() -> None:
        for numbers in calls:
            put(address, numbers)

    given = dict(counted(address, put_all, figures=("calls", "throttled_calls"))())
    return given | {"digest": given["digest"]()}


def test_the_digest_knows_vectors_but_neither_order_nor_calls(address: str) -> None:
    """Equal vectors in other calls are equal; a missing one is not."""
    whole = outcome(address, range(10))
    parts = outcome(address, range(5, 10), range(5))
    assert (whole["calls"], parts["calls"]) == (1, 2)
    assert whole["digest"] == parts["digest"]
    assert outcome(address, range(9))["digest"] != whole["digest"]


def test_a_call_of_more_than_500_is_refused(address: str) -> None:
    """As the service refuses it, and it does not count."""
    with pytest.raises(HTTPError, match="400"):
        outcome(address, range(501))
    assert outcome(address, range(500))["throttled_calls"] == 0


def test_a_body_over_20_mib_is_refused(address: str) -> None:
    """By its size alone."""
    with pytest.raises(HTTPError, match="400"):
        put(address, range(1), padding=20 * 1024**2)


def test_only_a_paced_sink_throttles() -> None:
    """A second's worth goes at once, six full calls do not."""
    calls = [range(500)] * 6
    with vector_sink() as services:
        assert outcome(services["s3vectors"], *calls)["calls"] == 6
    with vector_sink(paced=True) as services, pytest.raises(HTTPError, match="429"):
        outcome(services["s3vectors"], *calls)
