"""A colour and texture descriptor that stands in for an embedding model on this machine.

It is classical image processing, not Nova or any other learned model: image-to-image search
finds what looks alike, text search understands colour and tone words, and nothing here knows
what a picture shows. Every place that shows its results must say so.
"""

from batch_assets.sandbox.descriptor.decoding import ImageFormat, UndecodableImageError, image_format
from batch_assets.sandbox.descriptor.embedding import embed_image, embed_text
from batch_assets.sandbox.descriptor.projection import DIMENSIONS

__all__ = [
    "DIMENSIONS",
    "ImageFormat",
    "UndecodableImageError",
    "embed_image",
    "embed_text",
    "image_format",
]
