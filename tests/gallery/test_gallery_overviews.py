"""`/api/map` and `/api/near-duplicates`: everything at once."""

from typing import Any

import numpy as np
import pytest

from tests.conftest import wait_for
from tests.gallery.conftest import COPIES, ON_FIRST_DAY, ON_NEXT_DAY, Gallery
from tests.world import KEY, NEXT_KEY

ALL = ON_FIRST_DAY + ON_NEXT_DAY


def ready(gallery: Gallery, path: str, **query: Any) -> Any:
    """The answer, once it is not being computed any more."""

    def answer() -> Any:
        told = gallery.json(path, **query)
        return told if told["state"] == "ready" else None

    return wait_for(answer, what=path)


def test_the_map_has_a_point_for_each_picture(gallery: Gallery) -> None:
    """All within the square, not all in one place, each with its picture."""
    told = ready(gallery, "map")
    assert told["count"] == ALL
    first, second = told["explained"]
    assert 0 < second <= first <= 1
    response = gallery.get("map/points", version=told["version"])
    assert response.headers["content-type"] == "application/octet-stream"
    points = np.frombuffer(response.content, "<f4").reshape(-1, 2)
    assert points.shape == (ALL, 2)
    assert np.abs(points).max() == pytest.approx(1)
    pictures = gallery.json("map/pictures", version=told["version"], **{"from": 0, "to": ALL})
    assert [picture["partition"] for picture in pictures] == [KEY] * ON_FIRST_DAY + [NEXT_KEY] * ON_NEXT_DAY
    part = gallery.json("map/pictures", version=told["version"], **{"from": 98, "to": 102})
    assert part == pictures[98:102]


def test_near_pictures_are_near_on_the_map(gallery: Gallery) -> None:
    """A picture lies nearer to its copy than to most others."""
    told = ready(gallery, "map")
    points = np.frombuffer(gallery.get("map/points", version=told["version"]).content, "<f4").reshape(-1, 2)
    pictures = gallery.json("map/pictures", version=told["version"], **{"from": 0, "to": ALL})
    place = {picture["key"]: point for picture, point in zip(pictures, points, strict=True)}
    distances = np.linalg.norm(points - place[gallery.key("coffee.jpg")], axis=1)
    copy = np.linalg.norm(place[gallery.key("coffee-90.jpg")] - place[gallery.key("coffee.jpg")])
    assert (distances > copy).mean() > 0.9


def test_copies_are_a_group(gallery: Gallery) -> None:
    """With all that the page shows of them."""
    told = ready(gallery, "near-duplicates", since=NEXT_KEY)
    assert told["threshold"] == 0.02
    (group,) = told["groups"]
    assert [picture["key"] for picture in group["pictures"]] == sorted(
        [gallery.key("coffee.jpg"), *(gallery.key(f"coffee-{quality}.jpg") for quality in range(90, 90 + COPIES))]
    )
    assert group["count"] == COPIES + 1
    assert 0 < group["largest_distance"] <= 0.02
    assert set(group["pictures"][0]) == {"key", "partition", "size_bytes", "format", "last_modified"}
    assert told["next_offset"] is None


def test_groups_come_in_pages(gallery: Gallery) -> None:
    """Together they are what one large page holds."""
    whole = ready(gallery, "near-duplicates", limit=200)["groups"]
    assert len(whole) > 1
    paged: list[Any] = []
    offset: int | None = 0
    while offset is not None:
        page = gallery.json("near-duplicates", offset=offset, limit=1)
        paged += page["groups"]
        offset = page["next_offset"]
    assert paged == whole


@pytest.mark.parametrize(
    ("path", "query", "status", "said"),
    [
        ("map/points", {}, 400, "version is missing"),
        ("map/points", {"version": "0123"}, 404, "this map has been replaced"),
        ("map/pictures", {"version": "../x"}, 404, "this map has been replaced"),
        ("near-duplicates", {"since": "never"}, 400, "'never' is no partition key"),
        ("near-duplicates", {"limit": 500}, 400, "limit=500"),
    ],
)
def test_wrong_input_is_told(gallery: Gallery, path: str, query: dict[str, Any], status: int, said: str) -> None:
    """One message that names what is wrong."""
    ready(gallery, "map")
    assert said in gallery.refused(path, status, **query)


@pytest.mark.parametrize(("first", "end"), [(5, 4), (0, 1001), ("a", 3)])
def test_a_wrong_range_is_told(gallery: Gallery, first: Any, end: Any) -> None:
    """At most a thousand pictures at once."""
    version = ready(gallery, "map")["version"]
    gallery.refused("map/pictures", 400, version=version, **{"from": first, "to": end})


def test_a_range_beyond_the_end_is_empty(gallery: Gallery) -> None:
    """As a slice of a list is."""
    version = ready(gallery, "map")["version"]
    assert gallery.json("map/pictures", version=version, **{"from": ALL, "to": ALL + 10}) == []
