"""Fresh deployments for the tests of this folder, in a sandbox whose clock stands still."""

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


@pytest.fixture
def patient(aws: Aws) -> Iterator[World]:
    """A deployment that holds pictures until a batch job takes them."""
    with new_world(aws, under_minimum="hold") as fresh:
        yield fresh
