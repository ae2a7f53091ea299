"""Which colours a picture has: the share of each colour name, and where in Lab its pixels lie."""

import functools
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

PROTOTYPES: dict[str, tuple[str, ...]] = {
    "black": ("000000", "181818"),
    "grey": ("585858", "808080", "a8a8a8"),
    "white": ("ffffff", "e6e6e6"),
    "red": ("ff0000", "c81414", "8b0000", "e0403a"),
    "orange": ("ff8000", "ffa320", "e0661a"),
    "yellow": ("ffff00", "ffd700", "f5e56b", "c8b41e"),
    "green": ("00ff00", "008000", "4caf50", "9acd32", "2e4d1e", "6b8e23"),
    "cyan": ("00ffff", "008b8b", "40e0d0", "a0e8e8"),
    "blue": ("0000ff", "00008b", "1e6fd9", "87b8eb", "3f5f9a"),
    "purple": ("800080", "8a2be2", "9370db", "4b1a70"),
    "pink": ("ff69b4", "ffb6c8", "ff1493", "e88aa8", "ff40ff"),
    "brown": ("8b4513", "55301a", "a0724a"),
    "beige": ("f5ecd2", "d2b48c", "e6cfa8"),
}
"""Typical shades of each colour name, in sRGB."""

NAMES = tuple(PROTOTYPES)

_NAME_WIDTH = 14.0  # Lab units over which one name fades into the next
_BITS = 5  # of each channel that the look-up tables tell apart
_LAB_CELLS = (6, 8, 8)
_LAB_LOW = np.array([0.0, -80.0, -80.0], dtype=np.float32)
_LAB_HIGH = np.array([100.0, 80.0, 80.0], dtype=np.float32)


class _Tables(NamedTuple):
    """What every coarse RGB value means: Lab ``[n, 3]``, names ``[n, 13]``, cell ``[n]``."""

    lab: NDArray[np.float32]
    names: NDArray[np.float32]
    cell: NDArray[np.intp]


def lab_of(rgb: NDArray[np.float32]) -> NDArray[np.float32]:
    """Convert sRGB (0 to 255, last axis 3) to CIE L*a*b* under D65 (IEC 61966-2-1, CIE 15)."""
    share = rgb / 255.0
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)  # noqa: PLR2004 - sRGB's knee
    to_xyz = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    )
    xyz = linear @ to_xyz.T / np.array([0.95047, 1.0, 1.08883])
    root = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = root[..., 0], root[..., 1], root[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1).astype(np.float32)


def coarse_index(pixels: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Number the coarse colour of each pixel: ``[96, 96, 3]`` bytes to ``[96, 96]``."""
    high = pixels.astype(np.intp) >> (8 - _BITS)
    return (high[..., 0] << (2 * _BITS)) | (high[..., 1] << _BITS) | high[..., 2]


def lab_pixels(index: NDArray[np.intp]) -> NDArray[np.float32]:
    """Look up the Lab value of each coarse colour."""
    return _tables().lab[index]


def name_shares(index: NDArray[np.intp]) -> NDArray[np.float32]:
    """Measure the share of each colour name, overall, in three bands and in the centre.

    Returns:
        ``[5 * 13]`` square roots of shares, so that a dot product is a Bhattacharyya coefficient.
    """
    weights = _tables().names[index]
    edge = len(weights)
    third, quarter = edge // 3, edge // 4
    bands = weights.reshape(3, third * edge, -1).mean(axis=1)
    centre = weights[quarter:-quarter, quarter:-quarter].mean(axis=(0, 1))
    shares = np.stack([2 * bands.mean(axis=0), *bands, centre])
    root: NDArray[np.float32] = np.sqrt(shares).ravel()
    return root


def lab_histogram(index: NDArray[np.intp]) -> NDArray[np.float32]:
    """Count pixels in Lab cells, smoothed so that a slight change of light moves little.

    Returns:
        ``[6 * 8 * 8]`` square roots of shares.
    """
    cells = _tables().cell[index].ravel()
    histogram = np.bincount(cells, minlength=int(np.prod(_LAB_CELLS))).astype(np.float32) / cells.size
    lightness, green_red, blue_yellow = (_blur(count) for count in _LAB_CELLS)
    cube = histogram.reshape(_LAB_CELLS)
    cube = np.matmul(np.matmul(green_red, cube), blue_yellow)
    cube = np.tensordot(lightness, cube, axes=1)
    root: NDArray[np.float32] = np.sqrt(cube).ravel().astype(np.float32)
    return root


@functools.cache
def _tables() -> _Tables:
    """Build the look-up tables over coarse RGB, once a process."""
    steps = np.arange(1 << _BITS, dtype=np.float32) * (255.0 / ((1 << _BITS) - 1))
    rgb = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    lab = lab_of(rgb)
    counts = np.array(_LAB_CELLS)
    place = (lab - _LAB_LOW) / (_LAB_HIGH - _LAB_LOW) * counts
    cell = np.clip(place.astype(np.intp), 0, counts - 1)
    flat = np.ravel_multi_index((cell[:, 0], cell[:, 1], cell[:, 2]), _LAB_CELLS)
    return _Tables(lab=lab, names=_name_weights(lab), cell=flat)


def _name_weights(lab: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give each Lab value its degree of belonging to each name; the degrees sum to one."""
    degrees = []
    for shades in PROTOTYPES.values():
        centres = lab_of(np.array([list(bytes.fromhex(shade)) for shade in shades], dtype=np.float32))
        distances = ((lab[:, None, :] - centres) ** 2).sum(axis=-1).min(axis=1)
        degrees.append(distances)
    nearness = np.stack(degrees, axis=1)
    # Measured from the nearest name, so that a colour far from all prototypes still has one.
    nearness = np.exp((nearness.min(axis=1, keepdims=True) - nearness) / (2 * _NAME_WIDTH**2))
    weights: NDArray[np.float32] = (nearness / nearness.sum(axis=1, keepdims=True)).astype(np.float32)
    return weights


@functools.cache
def _blur(count: int) -> NDArray[np.float32]:
    """Build the symmetric ``[count, count]`` matrix that spreads a quarter to each neighbour."""
    matrix = np.eye(count) / 2 + np.eye(count, k=1) / 4 + np.eye(count, k=-1) / 4
    return matrix.astype(np.float32)
