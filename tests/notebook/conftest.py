"""Two loaded days of photographs in the sandbox, as a notebook finds them."""

import importlib.resources
from collections.abc import Iterator

import pytest

from batch_assets import EmbeddingDataset
from batch_assets.settings import ENVIRONMENT_PREFIX
from tests.conftest import Aws
from tests.world import KEY, NEXT_KEY, World, new_world, still_sandbox

TOLD = ("source_bucket", "first_partition", "account_id", "role_arn", "vector_bucket", "dimension")
SCRIPT = "<script>alert('picture')</script>.jpg"
FIRST_DAY = ("astronaut.jpg", "camera.jpg", "chelsea.jpg", "china.jpg", "coffee.jpg", "flower.jpg", "grass.jpg")
NEXT_DAY = ("brick.jpg", "clock.jpg", "grace-hopper.jpg", "gravel.jpg", "hubble-deep-field.jpg", "retina.jpg")


def photograph(name: str) -> bytes:
    """A photograph of the package."""
    return (importlib.resources.files("batch_assets.sandbox") / "pictures" / name).read_bytes()


@pytest.fixture(scope="session")
def world(aws: Aws) -> World:
    """Seven photographs on the first day, and one more whose name is markup; six on the next. Nobody changes it."""
    with still_sandbox(aws), new_world(aws) as fresh:
        fresh.put({name: photograph(name) for name in FIRST_DAY} | {SCRIPT: photograph("text.jpg")})
        fresh.put({name: photograph(name) for name in NEXT_DAY}, NEXT_KEY)
        for key in (KEY, NEXT_KEY):
            fresh.plan(key)
            fresh.load(key)
    return fresh


@pytest.fixture(scope="module", autouse=True)
def _sandbox(world: World) -> Iterator[None]:
    """Point this process, and the kernels that it starts, at the sandbox and the deployment."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in world.aws.sandbox.environment().items():
            patch.setenv(name, value)
        for name in TOLD:
            patch.setenv(f"{ENVIRONMENT_PREFIX}{name.upper()}", str(getattr(world.settings, name)))
        yield


@pytest.fixture
def dataset() -> EmbeddingDataset:
    """The dataset of the deployment, by the environment."""
    return EmbeddingDataset()
