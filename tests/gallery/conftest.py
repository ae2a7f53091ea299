"""The gallery on a port of its own, over a deployment of two days in the sandbox."""

import importlib.resources
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from PIL import Image

from batch_assets.cli.clients import Clients
from batch_assets.cli.gallery_server import GalleryServer
from tests.conftest import Aws
from tests.world import KEY, NEXT_KEY, World, new_world, pictures, still_sandbox

SCRIPT_NAME = "<img src=x onerror=alert(1)> & \"quotes\" 'ü'.jpg"
DAGSTER_URL = "http://127.0.0.1:3000"
NOTE = "Vectors of a stand-in"
COPIES = 3
ON_FIRST_DAY, ON_NEXT_DAY = 100, 3 + COPIES


def photograph(name: str) -> bytes:
    """A photograph of the package."""
    return (importlib.resources.files("batch_assets.sandbox") / "pictures" / name).read_bytes()


def encoded(image: Image.Image, file_format: str, **options: Any) -> bytes:
    """A picture as a file."""
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def saved_again(data: bytes, quality: int) -> bytes:
    """The same picture, with other bytes."""
    with Image.open(io.BytesIO(data)) as image:
        return encoded(image.convert("RGB"), "JPEG", quality=quality)


@dataclass(frozen=True)
class Gallery:
    """The server as a browser meets it, and the world behind it."""

    client: httpx.Client
    world: World

    def get(self, path: str, **query: Any) -> httpx.Response:
        """Ask below /api/."""
        return self.client.get(f"/api/{path}", params=query)

    def json(self, path: str, **query: Any) -> Any:
        """What is answered, which is no error."""
        response = self.get(path, **query)
        assert response.status_code == 200, response.text
        return response.json()

    def refused(self, path: str, status: int, **query: Any) -> str:
        """The message of a refusal."""
        return error_in(self.get(path, **query), status)

    def key(self, name: str, partition: str = NEXT_KEY) -> str:
        """The key of a file of the world."""
        return self.world.settings.template.prefix(partition) + name


def error_in(response: httpx.Response, status: int) -> str:
    """The message of a refusal, which is all that it holds."""
    assert response.status_code == status, response.text
    told: dict[str, str] = response.json()
    assert list(told) == ["error"]
    assert "Traceback" not in told["error"]
    return told["error"]


@pytest.fixture(scope="package")
def still(aws: Aws) -> Iterator[Aws]:
    """The sandbox, with its clock stopped and this process pointed at it."""
    with still_sandbox(aws):
        yield aws


@pytest.fixture(scope="package")
def loaded(still: Aws) -> Iterator[World]:
    """A hundred plain pictures on one day, on the next a few photographs, of which one is there several times."""
    coffee = photograph("coffee.jpg")
    with new_world(still) as world:
        world.put(pictures(ON_FIRST_DAY))
        world.put(
            {
                SCRIPT_NAME: photograph("astronaut.jpg"),
                "chelsea.jpg": photograph("chelsea.jpg"),
                "coffee.jpg": coffee,
                **{f"coffee-{quality}.jpg": saved_again(coffee, quality) for quality in range(90, 90 + COPIES)},
            },
            NEXT_KEY,
        )
        for key in (KEY, NEXT_KEY):
            world.embed(key)
        yield world


@contextmanager
def served(world: World, **options: Any) -> Iterator[Gallery]:
    """A server of a world, and a client of it."""
    with GalleryServer.of(Clients(world.settings), port=0, **options) as server:
        server.start()
        with httpx.Client(base_url=server.url, trust_env=False, timeout=60) as client:
            yield Gallery(client, world)


@pytest.fixture(scope="package")
def gallery(loaded: World) -> Iterator[Gallery]:
    """The server of that world."""
    with served(loaded, dagster_url=DAGSTER_URL, note=NOTE) as gallery:
        yield gallery
