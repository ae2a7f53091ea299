"""What people see of a partition's pictures in the web UI, and that seeing them never costs a step."""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import dagster as dg
import pytest

from tests.conftest import Aws
from tests.world import Run, World, new_world, pictures

IMAGE = re.compile(r"data:image/(webp|svg\+xml);base64,([A-Za-z0-9+/=]+)")
WITH_PICTURES = ("image_inventory", "rejected_images", "embedding_table")
MAX_BYTES, MAX_BYTES_WITHOUT = 200_000, 130_000


@dataclass(frozen=True)
class Seen:
    """A partition that was planned and loaded, and what its events hold."""

    world: World
    planned: Run
    loaded: Run

    @property
    def metadata(self) -> dict[str, dict[str, Any]]:
        """Metadata of all materialisations, by asset."""
        return self.planned.metadata | self.loaded.metadata

    def stored_bytes(self) -> int:
        """Bytes of all events of the two runs in the event log, however they came there."""
        runs = [run.result.run_id for run in (self.planned, self.loaded)]
        events = [event for run in runs for event in self.world.instance.all_logs(run)]
        return sum(len(dg.serialize_value(event)) for event in events)

    def drawn(self, asset: str) -> list[bytes]:
        """The pictures in an asset's Markdown."""
        return [base64.b64decode(body) for _, body in IMAGE.findall(self.metadata[asset]["pictures"])]


def seen(world: World) -> Seen:
    """Plan and load 120 pictures, one of them twice, and one that is none."""
    found = pictures(120)
    world.put({**found, "copy.png": found["0007.png"], "note.png": b"milk, bread", "scan.tiff": b"II*"})
    planned = world.plan()
    world.finish_jobs()
    return Seen(world, planned, world.load())


@pytest.fixture(scope="module")
def shown(aws: Aws, _still_sandbox: None) -> Iterator[Seen]:
    """A partition whose pictures are shown."""
    with new_world(aws, pictures=True) as world:
        yield seen(world)


def test_the_inventory_has_a_contact_sheet(shown: Seen) -> None:
    """Two dozen thumbnails by name, the same whenever the prefix is the same."""
    sheet = shown.metadata["image_inventory"]["pictures"]

    assert sheet.startswith("24 of 122 pictures that can be embedded")
    assert len(shown.drawn("image_inventory")) == 24
    assert r"0000\.png" in sheet
    again = shown.world.plan().metadata["image_inventory"]["pictures"]
    assert again == sheet


def test_refused_pictures_stand_beside_their_reason(shown: Seen) -> None:
    """What the model refused comes first, then what was never sent."""
    told = shown.metadata["rejected_images"]["pictures"].splitlines()

    assert told[0] == "2 of 2 refused objects."
    assert r"note\.png" in told[4]
    assert "400" in told[4]
    assert "unsupported" in told[5]


def test_the_embedding_table_shows_how_its_vectors_lie(shown: Seen) -> None:
    """Map, distributions and near-duplicates as pictures; the numbers as numbers."""
    told = shown.metadata["embedding_table"]

    assert "Map of 121 of 121 vectors" in told["pictures"]
    assert len(shown.drawn("embedding_table")) >= 4
    groups = told["near_duplicate_keys"].records
    assert told["near_duplicate_groups"] >= len(groups) >= 1
    assert told["near_duplicates"] >= sum(group.data["pictures"] for group in groups) >= 2
    assert told["median_length"] == pytest.approx(1)
    assert 0 < told["median_distance"] < 2


def test_the_events_of_a_partition_stay_small(shown: Seen, record_property: Any) -> None:
    """What is told is stored once, with the materialisation and not with the step's output, too."""
    size = shown.stored_bytes()
    record_property("bytes_of_a_partition", size)

    assert size < MAX_BYTES
    assert len(shown.metadata["image_inventory"]["pictures"]) < 50_000


def test_pictures_can_be_turned_off(aws: Aws, shown: Seen, record_property: Any) -> None:
    """Then nothing of them is drawn or stored; the numbers are there all the same."""
    with new_world(aws, pictures=False) as world:
        plain = seen(world)
        size = plain.stored_bytes()

    record_property("bytes_of_a_partition", size)
    assert not any("pictures" in plain.metadata[asset] for asset in WITH_PICTURES)
    assert plain.metadata["embedding_table"]["near_duplicates"] == shown.metadata["embedding_table"]["near_duplicates"]
    assert size < MAX_BYTES_WITHOUT


def test_pictures_that_cannot_be_read_fail_no_step(aws: Aws) -> None:
    """The role may lack s3:GetObject on the pictures, which nothing else needs."""
    with new_world(aws, pictures=True) as world:
        world.put(pictures(30))
        world.fault(service="s3", operation="GetObject", error={"code": "AccessDenied", "status": 403})
        told = world.materialize("image_inventory").metadata["image_inventory"]

    assert told["eligible"] == 30
    assert told["pictures"].endswith(
        r"No picture can be shown: access denied\: the credentials need s3\:ListBucket and s3\:GetObject there "
        r"\(AccessDenied\)."
    )


def test_a_prefix_without_pictures_has_no_sheet(aws: Aws) -> None:
    """Nothing to show is no entry."""
    with new_world(aws, pictures=True) as world:
        assert "pictures" not in world.materialize("image_inventory").metadata["image_inventory"]
