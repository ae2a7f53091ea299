"""The descriptor's two calls: a picture to a vector, a text to a vector."""

import numpy as np
from numpy.typing import NDArray

from batch_assets.sandbox.descriptor import colours, texture, words
from batch_assets.sandbox.descriptor.decoding import decode_square
from batch_assets.sandbox.descriptor.projection import check_dimension, project, random_direction, unit

# How much each kind of feature says; chosen so that changed copies find their source and colour
# words find pictures of that colour.
_NAMES_WEIGHT = 0.8
_LAB_WEIGHT = 0.6
_EDGES_WEIGHT = 1.6
_TEXTURE_WEIGHT = 0.3
_LAYOUT_WEIGHT = 1.0
_TONES_WEIGHT = 0.15


def embed_image(data: bytes, dimension: int) -> NDArray[np.float32]:
    """Describe the colours and textures of a picture as a unit vector.

    A stand-in for an embedding model: pictures that look alike are near each other, whatever they
    show. A picture and its mirror image have nearly the same vector. The same bytes give the same
    vector in every process, apart from rounding in the last bits on other processors.

    Args:
        data: A JPEG, PNG, GIF or WebP file.
        dimension: 256, 384, 1024 or 3072.

    Returns:
        ``[dimension]``, finite and of length one.

    Raises:
        UndecodableImageError: The bytes are no picture of these formats.
        ValueError: Another dimension.
    """
    check_dimension(dimension)
    pixels = decode_square(data)
    index = colours.coarse_index(pixels)
    lab = colours.lab_pixels(index)
    brightness = texture.luma(pixels)
    features = [
        *_colour_blocks(index),
        _EDGES_WEIGHT * unit(texture.edge_histograms(brightness)),
        _TEXTURE_WEIGHT * unit(texture.fine_texture(brightness)),
        _LAYOUT_WEIGHT * unit(texture.layout(lab)),
        _TONES_WEIGHT * unit(texture.tones(brightness, lab)),
    ]
    return project(np.concatenate(features), dimension)


def embed_text(text: str, dimension: int) -> NDArray[np.float32]:
    """Describe the colour and tone words of a text as a unit vector near such pictures.

    The words are English or Chinese ("dark blue", "colourful", "粉红"); words of any other kind
    are not understood and left out. A text without one known word gets a vector of its own that is
    nearly orthogonal to everything else, so that it finds nothing in particular.

    Args:
        text: What is searched for.
        dimension: 256, 384, 1024 or 3072.

    Returns:
        ``[dimension]``, finite and of length one.

    Raises:
        ValueError: Another dimension.
    """
    check_dimension(dimension)
    pixels = words.paint(text)
    if pixels is None:
        return random_direction(words.normalised(text), dimension)
    blocks = np.concatenate(_colour_blocks(colours.coarse_index(pixels)))
    # The colour blocks come first in a picture's features; all the others are zero here.
    return project(blocks, dimension)


def _colour_blocks(index: NDArray[np.intp]) -> list[NDArray[np.float32]]:
    return [
        _NAMES_WEIGHT * unit(colours.name_shares(index)),
        _LAB_WEIGHT * unit(colours.lab_histogram(index)),
    ]
