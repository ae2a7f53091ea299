"""A sandbox whose clock stands still, for histories that take long."""

from collections.abc import Iterator

import pytest

from tests.conftest import Aws
from tests.world import still_sandbox


@pytest.fixture(autouse=True, scope="module")
def _still_sandbox(aws: Aws) -> Iterator[None]:
    with still_sandbox(aws):
        yield
