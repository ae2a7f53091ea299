"""Who may ask the gallery, and what its answers tell a browser."""

import socket
from collections.abc import Iterator

import httpx
import pytest

from batch_assets.cli.clients import Clients
from batch_assets.cli.gallery_server import GalleryServer
from tests.gallery.conftest import Gallery, error_in
from tests.world import World

ANY_ADDRESS = "0.0.0.0"  # noqa: S104 a server of a test
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def asked(gallery: Gallery, path: str = "/api/about", *, method: str = "GET", **headers: str) -> httpx.Response:
    return gallery.client.request(
        method, path, headers={name.replace("_", "-"): text for name, text in headers.items()}
    )


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "LOCALHOST", "localhost:9", "[::1]:8000"])
def test_loopback_names_are_known(gallery: Gallery, host: str) -> None:
    """With whatever port a tunnel gives them."""
    assert asked(gallery, Host=host).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:8000",
        "[::2]",
        "2130706433",
        "",
        "a b",
        "[::1",
        "localhost:80:80",
        "localhost@evil.example",
        ANY_ADDRESS,
    ],
)
@pytest.mark.parametrize("path", ["/", "/api/about", "/static/x.js"])
def test_other_names_are_refused(gallery: Gallery, host: str, path: str) -> None:
    """So that no name of somebody else can be made to lead here."""
    error_in(asked(gallery, path, Host=host), 403)


def test_a_browser_asks_again_for_parts_of_the_page(gallery: Gallery) -> None:
    """Modules of an earlier version would not fit the newer page."""
    for path in ("/", "/static/js/main.js"):
        assert asked(gallery, path).headers["Cache-Control"] == "no-cache"


def test_a_refused_name_is_told_what_to_do(gallery: Gallery) -> None:
    """The person who runs the server may have meant it."""
    assert "--allow-host gallery.example" in error_in(asked(gallery, Host="gallery.example"), 403)


@pytest.mark.parametrize("second", ["Host: evil.example\r\n", "Host: localhost\r\n"])
def test_two_names_are_refused(gallery: Gallery, second: str) -> None:
    """What is between the browser and here might have read the other one."""
    url = gallery.client.base_url
    with socket.create_connection((url.host, int(url.port or 0))) as connection:
        connection.sendall(f"GET /api/about HTTP/1.1\r\nHost: localhost\r\n{second}\r\n".encode())
        assert connection.recv(4096).split()[1] in {b"400", b"403"}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:1", "https://127.0.0.1", ""])
def test_other_origins_are_refused(gallery: Gallery, origin: str, method: str) -> None:
    """A page from elsewhere cannot make the browser search, which costs money."""
    response = asked(gallery, "/api/uploads" if method == "POST" else "/api/about", method=method, Origin=origin)
    assert error_in(response, 403) == "requests of other sites are not answered"


def test_the_own_origin_may_ask(gallery: Gallery) -> None:
    """As a browser names it."""
    origin = str(gallery.client.base_url).rstrip("/")
    assert asked(gallery, Origin=origin, Sec_Fetch_Site="same-origin").status_code == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_a_foreign_page_embeds_is_refused(gallery: Gallery, site: str) -> None:
    """A picture's address in a foreign page sends no origin, but browsers tell whose page it is."""
    error_in(asked(gallery, "/api/search?text=red", Sec_Fetch_Site=site), 403)
    error_in(asked(gallery, "/api/thumbnail?key=photos/2026/11/18/0000.png", Sec_Fetch_Site=site), 403)


@pytest.mark.parametrize("path", ["/api/about", "/api/search?limit=no", "/api/nothing", "/static/../../errors.py"])
def test_every_answer_is_strict(gallery: Gallery, path: str) -> None:
    """Refusals too."""
    headers = asked(gallery, path).headers
    assert headers["content-security-policy"] == CSP
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "access-control-allow-origin" not in headers
    assert "server" not in headers


@pytest.mark.parametrize(
    "path",
    [
        "/static/../application.py",
        "/static/%2e%2e/application.py",
        "/static/..%2fapplication.py",
        "/static//etc/passwd",
        "/static/%00",
        "/../application.py",
        "/api/../application.py",
        "/application.py",
    ],
)
def test_no_file_but_the_pages_own_is_served(gallery: Gallery, path: str) -> None:
    """Sent as it is written, which a client library would not do."""
    url = gallery.client.base_url
    with socket.create_connection((url.host, int(url.port or 0))) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.split()[1] == b"404"
    assert b"create_app" not in answer


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_changed(gallery: Gallery, method: str) -> None:
    """There is only reading; a search by a picture is the one thing that is posted."""
    error_in(asked(gallery, "/api/search", method=method), 405)


def test_what_is_unknown_is_told(gallery: Gallery) -> None:
    """In the form of all errors."""
    assert error_in(asked(gallery, "/api/nothing"), 404) == "Not Found"


@pytest.fixture
def named(loaded: World) -> Iterator[httpx.Client]:
    """A server on every address, known by a name."""
    with GalleryServer.of(Clients(loaded.settings), port=0, host=ANY_ADDRESS, names=["Gallery.example"]) as server:
        server.start()
        with httpx.Client(base_url=server.url.replace(ANY_ADDRESS, "127.0.0.1"), trust_env=False) as client:
            yield client


def test_further_names_can_be_allowed(named: httpx.Client) -> None:
    """The address that stands for every address is no name."""
    assert named.get("/api/about", headers={"Host": "gallery.example:8000"}).status_code == 200
    assert named.get("/api/about", headers={"Host": ANY_ADDRESS}).status_code == 403
