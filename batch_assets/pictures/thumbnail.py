"""Small copies of pictures, for pages and metadata."""

import base64
import io

from PIL import Image, ImageOps

JPEG, WEBP = "image/jpeg", "image/webp"
_QUALITY = 82
_FORMATS = ("JPEG", "PNG", "GIF", "WEBP")
_MOST_PIXELS = 64_000_000
"""To be decoded, 256 MB. A large JPEG is decoded smaller than it is, so that photographs of any camera are shown."""


def thumbnail(data: bytes, *, edge_pixels: int = 200, quality: int = _QUALITY) -> bytes:
    """Shrink a picture to a JPEG, upright and on white.

    Args:
        data: A JPEG, PNG, GIF or WebP file.
        edge_pixels: The longest edge of the result; smaller pictures keep their size.
        quality: Of the JPEG, 1 to 95.

    Raises:
        ValueError: As `shrunk` does.
    """
    return encoded(shrunk(data, (edge_pixels, edge_pixels)), quality=quality)


def shrunk(data: bytes, box_pixels: tuple[int, int]) -> Image.Image:
    """The picture of a file, upright, on white, and no wider and higher than `box_pixels`.

    Raises:
        ValueError: The bytes cannot be decoded as a picture, or only into more than 64 million pixels.
    """
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            image.draft("RGB", (2 * max(box_pixels), 2 * max(box_pixels)))
            _refuse_huge(image)
            return _on_white(_small(image, box_pixels))
    # Decoders of damaged files raise nearly anything, and a huge picture is a warning or an error.
    except Exception as error:
        raise ValueError(f"The {len(data)} bytes cannot be shown as a picture: {error}") from error


def encoded(image: Image.Image, *, quality: int = _QUALITY, media_type: str = JPEG) -> bytes:
    """A drawn or decoded picture as a file: JPEG, or WebP, which is smaller for the smallest pictures."""
    file = io.BytesIO()
    if media_type == WEBP:
        image.save(file, "WEBP", quality=quality)
    else:
        image.save(file, "JPEG", quality=quality, optimize=True)
    return file.getvalue()


def data_uri(picture: bytes, media_type: str = JPEG) -> str:
    """A picture as an address that stands in the page itself."""
    return f"data:{media_type};base64,{base64.b64encode(picture).decode()}"


def _refuse_huge(image: Image.Image) -> None:
    """A small file can hold more pixels than there is memory."""
    if image.width * image.height > _MOST_PIXELS:
        raise ValueError(f"it has {image.width} x {image.height} pixels")


def _small(image: Image.Image, box_pixels: tuple[int, int]) -> Image.Image:
    upright = ImageOps.exif_transpose(image)
    upright = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    upright.thumbnail(box_pixels)
    return upright


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
