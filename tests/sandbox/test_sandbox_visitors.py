"""A web page that a browser of this machine has open gets nothing from a sandbox."""

import http.client
from urllib.parse import urlsplit

import pytest

from batch_assets.sandbox.visitors import Visitors
from tests.conftest import Aws


@pytest.mark.parametrize(
    "host", ["127.0.0.1:4566", "localhost:4566", "localhost", "[::1]:4566", "bucket.localhost:4566", "LOCALHOST"]
)
def test_the_names_of_loopback_are_served(host: str) -> None:
    """With and without a port, and with a bucket before them."""
    assert Visitors(()).refusal({"host": host.encode()}) is None


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example:4566", "localhost.evil.example", "10.0.0.1", ""]
)
def test_other_names_are_refused(host: str) -> None:
    """A name that somebody else lets point to loopback, or none at all."""
    assert "does not answer to the Host" in str(Visitors(()).refusal({"host": host.encode()}))


def test_a_name_can_be_allowed() -> None:
    """With the names of buckets before it, and no other."""
    visitors = Visitors(("Sandbox",))
    assert visitors.refusal({"host": b"sandbox:4566"}) is None
    assert visitors.refusal({"host": b"bucket.sandbox:4566"}) is None
    assert visitors.refusal({"host": b"notsandbox:4566"}) is not None


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:3000", "http://localhost:4566"])
def test_pages_of_others_are_refused(origin: str) -> None:
    """Also those of another server of this machine."""
    headers = {"host": b"127.0.0.1:4566", "origin": origin.encode()}
    assert "web pages of" in str(Visitors(()).refusal(headers))


def test_its_own_origin_is_served() -> None:
    """Which is the address that the request is sent to."""
    assert Visitors(()).refusal({"host": b"127.0.0.1:4566", "origin": b"http://127.0.0.1:4566"}) is None


@pytest.mark.parametrize("path", ["/_local/state", "/", "/a-bucket/key"])
@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}])
def test_nothing_is_told_to_them(aws: Aws, path: str, headers: dict[str, str]) -> None:
    """Neither by the endpoints that steer it nor by a service, and no header lets a page read the refusal."""
    address = urlsplit(aws.sandbox.endpoint_url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port or 0, timeout=30)
    connection.request("GET", path, headers=headers)
    reply = connection.getresponse()
    text = reply.read().decode()
    connection.close()
    assert reply.status == 403
    assert "the sandbox does not answer to" in text
    assert not [name for name, _ in reply.getheaders() if name.lower().startswith("access-control")]
