"""A gallery that is opened before anything is loaded, and stays open while something is."""

from collections.abc import Iterator
from typing import Any

import pytest

from batch_assets.gallery import indexed_partitions, survey
from tests.conftest import Aws, wait_for
from tests.gallery.conftest import Gallery, error_in, served
from tests.world import KEY, new_world, pictures


@pytest.fixture(scope="module")
def fresh(still: Aws) -> Iterator[Gallery]:
    """The server of a deployment without pictures, which looks for new tables every time."""
    with pytest.MonkeyPatch.context() as patch, new_world(still) as world:
        patch.setattr(indexed_partitions, "_SECONDS", 0.0)
        with served(world) as gallery:
            yield gallery


def map_of(gallery: Gallery, count: int) -> Any:
    """The map, once it has so many points."""

    def drawn() -> Any:
        told = gallery.json("map")
        return told if (told["state"], told["count"]) == ("ready", count) else None

    return wait_for(drawn, what=f"a map of {count} pictures")


def test_an_empty_deployment_is_shown_as_empty(fresh: Gallery) -> None:
    """What there is to search in is told; it is no failure of the server."""
    told = fresh.json("about")
    assert (told["count"], told["first_date"], told["last_date"]) == (0, "2026-11-18", "2026-11-18")
    assert (told["dagster_url"], told["note"]) == (None, None)
    assert fresh.json("search")["results"] == []
    assert "does not exist: load a partition first" in fresh.refused("search", 404, text="red")
    assert map_of(fresh, 0)["explained"] == [0, 0]
    assert fresh.json("near-duplicates") == {
        "threshold": 0.02,
        "groups": [],
        "next_offset": None,
        "state": "ready",
    }


def test_what_is_loaded_meanwhile_is_shown(fresh: Gallery) -> None:
    """Without a restart; a map that has been replaced is told from the new one."""
    before = map_of(fresh, 0)["version"]
    fresh.world.put(pictures(3))
    fresh.world.embed()
    assert len(fresh.json("search", text="red")["results"]) == 3
    assert [picture["partition"] for picture in fresh.json("search")["results"]] == [KEY] * 3
    assert map_of(fresh, 3)["version"] != before
    assert "replaced" in fresh.refused("map/points", 404, version=before)


def test_a_table_that_cannot_be_read_is_told(fresh: Gallery) -> None:
    """With the reason, and no longer when it can be."""
    denied = {"code": "AccessDenied", "status": 403, "message": "no"}
    fresh.world.fault(service="s3", operation="ListObjectsV2", error=denied, times=1)
    assert "access denied: the credentials need s3:ListBucket" in fresh.refused("search", 502)
    assert len(fresh.json("search")["results"]) == 3


def test_a_map_that_cannot_be_made_is_told(fresh: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    """Instead of letting everybody wait; it is tried again after a pause."""
    monkeypatch.setattr(survey, "_PAUSE_SECONDS", 1.0)
    world = fresh.world
    world.put(pictures(3))
    world.embed()
    with served(world) as gallery:
        world.fault(service="s3", operation="GetObject", error={"code": "AccessDenied", "status": 403, "message": "no"})
        refusal = wait_for(lambda: (told := gallery.get("map")).status_code == 502 and told, what="a refusal")
        assert "access denied: the credentials need s3:ListBucket and s3:GetObject" in error_in(refusal, 502)
        world.forget_faults()
        wait_for(lambda: gallery.get("map").status_code == 200, what="another attempt")
        map_of(gallery, 3)
