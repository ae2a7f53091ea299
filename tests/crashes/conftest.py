"""A sandbox whose clock stands still, as everywhere where the order of things matters."""

from collections.abc import Iterator

import pytest

from tests.conftest import Aws
from tests.world import World, new_world, still_sandbox


@pytest.fixture(autouse=True, scope="module")
def _still_sandbox(aws: Aws) -> Iterator[None]:
    with still_sandbox(aws):
        yield


@pytest.fixture
def world(aws: Aws) -> Iterator[World]:
    """A deployment that no other test knows."""
    with new_world(aws) as fresh:
        yield fresh
