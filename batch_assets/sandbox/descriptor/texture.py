"""How a picture is built: edges, fine texture, layout and tones, the same for its mirror image."""

import functools

import numpy as np
from numpy.typing import NDArray

_ORIENTATIONS = 8
_LAYOUT_CELLS = 8
_TONES = 16
_NEIGHBOURS = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))
_UNIFORM_CHANGES = 2
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601


def luma(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Weigh sRGB bytes ``[96, 96, 3]`` to brightness ``[96, 96]`` from 0 to 255."""
    return pixels.astype(np.float32) @ _LUMA


def edge_histograms(brightness: NDArray[np.float32]) -> NDArray[np.float32]:
    """Histograms of oriented gradients at two scales, folded over their mirror image.

    Returns:
        ``[6 * 3 * 8 + 3 * 2 * 8]`` square roots of edge strength.
    """
    half = brightness.reshape(48, 2, 48, 2).mean(axis=(1, 3))
    return np.concatenate([_gradients(brightness, cells=6), _gradients(half, cells=3)])


def fine_texture(brightness: NDArray[np.float32]) -> NDArray[np.float32]:
    """Local binary patterns (uniform, rotation invariant) at two scales.

    Returns:
        ``[2 * 10]`` square roots of shares.
    """
    half = brightness.reshape(48, 2, 48, 2).mean(axis=(1, 3))
    return np.concatenate([_binary_patterns(brightness), _binary_patterns(half)])


def layout(lab: NDArray[np.float32]) -> NDArray[np.float32]:
    """An 8 by 8 Lab thumbnail, folded over its mirror image into mean and difference.

    Returns:
        ``[2 * 8 * 4 * 3]``; lightness counts from its mean, so that another exposure changes little.
    """
    size = len(lab) // _LAYOUT_CELLS
    thumbnail = lab.reshape(_LAYOUT_CELLS, size, _LAYOUT_CELLS, size, 3).mean(axis=(1, 3))
    thumbnail[..., 0] -= thumbnail[..., 0].mean()
    left, right = thumbnail[:, :4], thumbnail[:, :3:-1]
    folded = np.concatenate([left + right, np.abs(left - right)], axis=None)
    return (folded / 2).astype(np.float32)


def tones(brightness: NDArray[np.float32], lab: NDArray[np.float32]) -> NDArray[np.float32]:
    """The tone curve, and the mean and spread of chroma, about the values of a plain grey ramp.

    Returns:
        ``[16 + 2]``.
    """
    steps = np.bincount((brightness.ravel() * (_TONES / 256)).astype(np.intp), minlength=_TONES)[:_TONES]
    curve = np.cumsum(steps) / brightness.size - np.arange(1, _TONES + 1) / _TONES
    chroma = np.hypot(lab[..., 1], lab[..., 2]) / 50
    return np.append(curve, [chroma.mean() - 0.5, chroma.std() - 0.3]).astype(np.float32)


def _gradients(brightness: NDArray[np.float32], *, cells: int) -> NDArray[np.float32]:
    across = np.zeros_like(brightness)
    down = np.zeros_like(brightness)
    across[:, 1:-1] = brightness[:, 2:] - brightness[:, :-2]
    down[1:-1] = brightness[2:] - brightness[:-2]
    strength = np.hypot(across, down)
    # In units of one orientation, from 0 to 8; a mirror image turns k into -k.
    angle = np.arctan2(down, across) * (_ORIENTATIONS / np.pi) % _ORIENTATIONS
    lower = angle.astype(np.intp)
    upper_share = angle - lower
    cell = _cell_numbers(len(brightness), cells) * _ORIENTATIONS
    index = np.concatenate([cell + lower % _ORIENTATIONS, cell + (lower + 1) % _ORIENTATIONS], axis=None)
    weights = np.concatenate([strength * (1 - upper_share), strength * upper_share], axis=None)
    histogram = np.bincount(index, weights, cells * cells * _ORIENTATIONS)
    histogram = histogram.reshape(cells, cells, _ORIENTATIONS)
    mirrored = histogram[:, ::-1, -np.arange(_ORIENTATIONS)]
    folded = (histogram + mirrored)[:, : (cells + 1) // 2]
    root: NDArray[np.float32] = np.sqrt(folded).ravel().astype(np.float32)
    return root


@functools.cache
def _cell_numbers(edge: int, cells: int) -> NDArray[np.intp]:
    row = np.arange(edge) * cells // edge
    return row[:, None] * cells + row


def _binary_patterns(brightness: NDArray[np.float32]) -> NDArray[np.float32]:
    edge = len(brightness)
    # A margin of two grey levels keeps flat areas flat after another JPEG compression.
    threshold = brightness[1:-1, 1:-1] + 2
    code = np.zeros(threshold.shape, dtype=np.intp)
    for bit, (row, column) in enumerate(_NEIGHBOURS):
        neighbour = brightness[1 + row : edge - 1 + row, 1 + column : edge - 1 + column]
        code |= (neighbour > threshold).astype(np.intp) << bit
    shares = np.bincount(_pattern_classes()[code].ravel(), minlength=len(_NEIGHBOURS) + 2) / code.size
    root: NDArray[np.float32] = np.sqrt(shares).astype(np.float32)
    return root


@functools.cache
def _pattern_classes() -> NDArray[np.intp]:
    """Class of each 8-bit pattern: its number of ones if it is one run, else 9."""
    codes = np.arange(256)
    bits = (codes[:, None] >> np.arange(len(_NEIGHBOURS))) & 1
    changes = (bits != np.roll(bits, 1, axis=1)).sum(axis=1)
    return np.where(changes <= _UNIFORM_CHANGES, bits.sum(axis=1), len(_NEIGHBOURS) + 1)
