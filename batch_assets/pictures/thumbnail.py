"""Small copies of pictures, for pages and metadata."""

import base64
import io

from PIL import Image, ImageOps

MEDIA_TYPE = "image/jpeg"
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
        ValueError: The bytes cannot be decoded as a picture.
    """
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            image.draft("RGB", (2 * edge_pixels, 2 * edge_pixels))
            if image.width * image.height > _MOST_PIXELS:
                raise ValueError(f"it has {image.width} x {image.height} pixels")  # noqa: TRY301 told as the others
            small = _on_white(_small(image, edge_pixels))
    # Decoders of damaged files raise nearly anything, and a huge picture is a warning or an error.
    except Exception as error:
        raise ValueError(f"The {len(data)} bytes cannot be shown as a picture: {error}") from error
    file = io.BytesIO()
    small.save(file, "JPEG", quality=quality, optimize=True)
    return file.getvalue()


def data_uri(thumbnail: bytes) -> str:
    """A thumbnail as an address that stands in the page itself."""
    return f"data:{MEDIA_TYPE};base64,{base64.b64encode(thumbnail).decode()}"


def _small(image: Image.Image, edge_pixels: int) -> Image.Image:
    upright = ImageOps.exif_transpose(image)
    upright = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    upright.thumbnail((edge_pixels, edge_pixels))
    return upright


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
