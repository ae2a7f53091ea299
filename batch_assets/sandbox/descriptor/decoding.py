"""From the bytes of a picture to a small square of pixels."""

import io
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

ImageFormat = Literal["jpeg", "png", "gif", "webp"]

EDGE_PIXELS = 96
MAXIMUM_PIXELS = 89_478_485
"""A quarter of a gibibyte of 24-bit pixels, Pillow's own limit against decompression bombs."""

_WHITE = (255, 255, 255, 255)
_READERS: dict[ImageFormat, type[ImageFile]] = {
    "jpeg": JpegImageFile,
    "png": PngImageFile,
    "gif": GifImageFile,
    "webp": WebPImageFile,
}


class UndecodableImageError(ValueError):
    """The bytes are no JPEG, PNG, GIF or WebP picture, or one that cannot be decoded."""


def image_format(data: bytes) -> ImageFormat | None:
    """Tell the format of a picture from its bytes, whatever its name says.

    Returns:
        The format as Bedrock names it, or ``None`` when the header is not one of the four
        formats or cannot be read. The pixels are not decoded.
    """
    try:
        _, found = _open(data)
    except UndecodableImageError:
        return None
    return found


def decode_square(data: bytes) -> NDArray[np.uint8]:
    """Decode a picture, upright and on white, squeezed to a square.

    Of an animation the first frame counts.

    Returns:
        ``[96, 96, 3]`` sRGB bytes.

    Raises:
        UndecodableImageError: Nothing that can be decoded, or too many pixels.
    """
    image, found = _open(data)
    try:
        # A JPEG decoder can leave out the detail that the square would not show.
        image.draft(None, (2 * EDGE_PIXELS, 2 * EDGE_PIXELS))
        image.load()
        return np.asarray(_square(image), dtype=np.uint8)
    # Decoders of damaged files raise nearly anything.
    except Exception as error:
        raise UndecodableImageError(
            f"The {len(data)} bytes begin like a {found.upper()} picture but cannot be decoded: {error}"
        ) from error


def _open(data: bytes) -> tuple[ImageFile, ImageFormat]:
    """Read the header with the reader of its format, past ``Image.open`` and its warnings."""
    found = _format_of_header(data)
    if found is None:
        raise UndecodableImageError(_unknown(data))
    try:
        image = _READERS[found](io.BytesIO(data))
    # So do readers of damaged headers.
    except Exception as error:
        raise UndecodableImageError(
            f"The {len(data)} bytes begin like a {found.upper()} picture but its header is damaged: {error}"
        ) from error
    if image.width * image.height > MAXIMUM_PIXELS:
        raise UndecodableImageError(
            f"The {found.upper()} picture has {image.width} x {image.height} pixels;"
            f" at most {MAXIMUM_PIXELS:,} are decoded"
        )
    return image, found


def _format_of_header(data: bytes) -> ImageFormat | None:
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    return None


def _unknown(data: bytes) -> str:
    if not data:
        return "The image is empty (0 bytes)"
    return f"The {len(data)} bytes are no JPEG, PNG, GIF or WebP picture; they begin with {data[:12]!r}"


def _square(image: ImageFile) -> Image.Image:
    """Shrink first, then turn and convert, which is cheap on a small picture."""
    straight = _eight_bits(image)
    small = straight.resize((EDGE_PIXELS, EDGE_PIXELS), Image.Resampling.BOX, reducing_gap=2.0)
    # The orientation is read from the file, since a resized copy carries none.
    small.info["exif"] = image.info.get("exif", b"")
    upright = ImageOps.exif_transpose(small)
    if upright.mode != "RGBA":
        return upright.convert("RGB")
    paper = Image.new("RGBA", upright.size, _WHITE)
    return Image.alpha_composite(paper, upright).convert("RGB")


def _eight_bits(image: ImageFile) -> Image.Image:
    """Convert to RGB or RGBA; 16-bit greys are scaled rather than cut off."""
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    transparent = image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info
    return image.convert("RGBA" if transparent else "RGB")
