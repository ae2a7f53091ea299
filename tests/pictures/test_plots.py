"""Plots as small pictures, also of few, equal or odd values."""

import base64
import importlib.resources
import io
import sys
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from batch_assets.pictures.plots import LANDMARK_PIXELS, Histogram, distributions, landmarks, picture_map

PHOTOGRAPH = (importlib.resources.files("batch_assets.sandbox") / "pictures" / "coffee.jpg").read_bytes()


def image_of(address: str) -> NDArray[np.int64]:
    """The pixels of a plot."""
    head, _, body = address.partition(",")
    assert head == "data:image/webp;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(body))).convert("RGB")).astype(np.int64)


def places_of(rows: int) -> NDArray[np.float32]:
    return np.random.default_rng(0).standard_normal((rows, 2)).astype(np.float32)


def test_distributions_stand_below_each_other_in_a_few_kilobytes() -> None:
    """Two of many values, as high as a map."""
    values = np.random.default_rng(0).standard_normal(100_000).astype(np.float32)

    address = distributions([Histogram("lengths", values), Histogram("distances", values**2)])

    assert image_of(address).shape == (420, 310, 3)
    assert len(address) < 7000


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 1.0], [1.0, 1.0000001], [0.0, 0.0], [0.0, 1e-30]])
def test_few_and_equal_values_are_drawn_too(values: list[float]) -> None:
    """A partition may have one picture, or copies of one."""
    assert image_of(distributions([Histogram("values", np.array(values, np.float32))])).size


@pytest.mark.parametrize("rows", [0, 1, 2, 500])
def test_landmarks_do_not_cover_each_other(rows: int) -> None:
    """As many as there is room for, no two at the same place."""
    places = places_of(rows)

    chosen = landmarks(places, most=18)

    assert len(chosen) == len(set(chosen)) == min(rows, 18)
    if rows:
        pixels = (places - places.min(axis=0)) / np.maximum(np.ptp(places, axis=0), 1e-9) * (500, 310)
        for first, second in combinations(chosen, 2):
            assert np.abs(pixels[first] - pixels[second]).max() > LANDMARK_PIXELS


def test_pictures_at_one_place_have_one_landmark() -> None:
    """A partition of copies is one point."""
    assert landmarks(np.zeros((50, 2), np.float32), most=18) == [0]


def test_the_map_shows_pictures_at_their_places() -> None:
    """Where a picture stands there are its colours; one that is no picture remains a point."""
    places = np.array([[-1, -1], [1, 1], [-1, 1], [1, -1]], np.float32)

    empty = image_of(picture_map(places, {0: b"no picture", 1: None}, explained=(0.5, 0.25)))
    full = image_of(picture_map(places, {0: PHOTOGRAPH}, explained=(0.5, 0.25)))

    assert empty.shape == full.shape == (420, 620, 3)
    changed = np.argwhere(np.abs(full - empty).sum(axis=2) > 100)
    assert changed.size
    assert (changed.mean(axis=0) > (210, 0)).all()
    assert (changed.mean(axis=0) < (420, 310)).all()


def test_drawing_keeps_no_state_of_pyplot() -> None:
    """Two runs in one process do not share a figure."""
    picture_map(places_of(20), {}, explained=(0, 0))

    assert "matplotlib.pyplot" not in sys.modules
