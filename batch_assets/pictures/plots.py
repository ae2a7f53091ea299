"""Plots as small pictures: distributions of values, and the map of a partition with some of its pictures on it.

Drawn by matplotlib, without a display and without the state that pyplot keeps. It is imported only when something is
drawn.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from batch_assets.pictures.thumbnail import WEBP, data_uri, encoded, shrunk

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Places = NDArray[np.float32]

LANDMARK_PIXELS = 44
_MAP_PIXELS = (620, 420)
_PLOT_PIXELS = (310, 210)
# Room for ticks and labels. A layout that measures them draws everything twice.
_MAP_MARGINS_PIXELS = (62, 12, 8, 40)  # left, right, top, bottom
_PLOT_MARGINS_PIXELS = (12, 16, 22, 22)
_MAP_AREA_PIXELS = (487, 332)  # what these and the margins within the axes leave for the points of a map
_DOTS_PER_INCH = 100
_BINS = 48
_INK, _SOFT, _BLUE = "#1c2230", "#566074", "#3d5fc4"
_QUALITY = 60


@dataclass(frozen=True)
class Histogram:
    """One distribution to be drawn: what the values are, and the values."""

    title: str
    values: NDArray[np.floating]


def distributions(histograms: Sequence[Histogram]) -> str:
    """Distributions below each other, as the address of a picture that is as high as a map if there are two."""
    width, height = _PLOT_PIXELS
    figure = _figure(width, height * len(histograms))
    for row, histogram in enumerate(histograms):
        axes = _axes(figure, (0, height * row, width, height), _PLOT_MARGINS_PIXELS)
        counts, edges = np.histogram(histogram.values, _BINS, _extent(histogram.values))
        axes.stairs(counts, edges, fill=True, color=_BLUE)
        axes.set_title(histogram.title, fontsize=8, color=_INK, loc="left")
        axes.set_yticks([])
        axes.ticklabel_format(axis="x", useOffset=False)
        axes.locator_params(axis="x", nbins=5)
        _quieten(axes, ("top", "right", "left"))
    return _address(figure)


def landmarks(places: Places, *, most: int) -> list[int]:
    """Rows whose pictures can stand on the map without covering each other, far apart first."""
    if not len(places):
        return []
    extents = np.ptp(places, axis=0)
    pixels = (places - places.min(axis=0)) / np.where(extents > 0, extents, 1) * _MAP_AREA_PIXELS
    chosen = [int(np.linalg.norm(pixels - pixels.mean(axis=0), axis=1).argmin())]
    distances = np.abs(pixels - pixels[chosen[0]]).max(axis=1)
    while len(chosen) < most and distances.max() > LANDMARK_PIXELS:
        chosen.append(int(distances.argmax()))
        distances = np.minimum(distances, np.abs(pixels - pixels[chosen[-1]]).max(axis=1))
    return chosen


def picture_map(places: Places, pictures: Mapping[int, bytes | None], *, explained: tuple[float, float]) -> str:
    """A point for each row of `places` (n, 2), and pictures at some of them; the address of a picture.

    A picture that cannot be had or decoded remains a point. `explained` is the share of the variance along each axis.
    """
    from matplotlib.offsetbox import AnnotationBbox, OffsetImage

    figure = _figure(*_MAP_PIXELS)
    axes = _axes(figure, (0, 0, *_MAP_PIXELS), _MAP_MARGINS_PIXELS)
    axes.scatter(places[:, 0], places[:, 1], s=5, color=_BLUE, alpha=0.6, linewidths=0)
    for row, data in pictures.items():
        try:
            image = shrunk(data or b"", (LANDMARK_PIXELS, LANDMARK_PIXELS))
        except ValueError:
            continue
        box = OffsetImage(np.asarray(image), dpi_cor=False)
        axes.add_artist(AnnotationBbox(box, tuple(places[row]), pad=0.1, bboxprops={"edgecolor": _SOFT, "lw": 0.4}))
    axes.margins(0.06)
    axes.set_xlabel(f"first principal axis, {explained[0]:.0%} of the variance", fontsize=8, color=_INK)
    axes.set_ylabel(f"second, {explained[1]:.0%}", fontsize=8, color=_INK)
    _quieten(axes, ("top", "right"))
    return _address(figure)


def _figure(width_pixels: int, height_pixels: int) -> "Figure":
    from matplotlib.figure import Figure

    size = width_pixels / _DOTS_PER_INCH, height_pixels / _DOTS_PER_INCH
    return Figure(figsize=size, dpi=_DOTS_PER_INCH)


def _axes(figure: "Figure", box: tuple[int, int, int, int], margins: tuple[int, int, int, int]) -> "Axes":
    """Axes within a box of the figure (left, top, width, height) that leave these margins; all in pixels."""
    across, down = figure.get_size_inches() * _DOTS_PER_INCH
    (left, top, width, height), (before, after, above, below) = box, margins
    bottom = down - top - height + below
    inner = (width - before - after) / across, (height - above - below) / down
    return figure.add_axes(((left + before) / across, bottom / down, *inner))


def _quieten(axes: "Axes", hidden: Sequence[str]) -> None:
    axes.tick_params(labelsize=7, colors=_SOFT, length=2)
    axes.spines[list(hidden)].set_visible(False)


def _extent(values: NDArray[np.floating]) -> tuple[float, float]:
    """What an axis shows: never so little that rounding looks like a distribution."""
    if not values.size:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    least = 0.01 * max(abs(low), abs(high), 0.01)
    padding = max(0.0, least - (high - low)) / 2
    return low - padding, high + padding


def _address(figure: "Figure") -> str:
    file = io.BytesIO()
    figure.savefig(file, format="rgba")
    size = round(figure.get_figwidth() * _DOTS_PER_INCH), round(figure.get_figheight() * _DOTS_PER_INCH)
    drawn = Image.frombytes("RGBA", size, file.getvalue()).convert("RGB")
    return data_uri(encoded(drawn, quality=_QUALITY, media_type=WEBP), WEBP)
