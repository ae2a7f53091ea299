"""The package's photographs cropped, mirrored and re-lit into as many different pictures as asked."""

import importlib.resources
import io
import os
import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from PIL import Image, ImageEnhance, ImageOps

from batch_assets.sandbox.demo_pictures.demo_object import MINIMUM_PER_DAY, DemoObject

_LONG_EDGE_PIXELS = 320
_JPEG_QUALITY = 86
_SEED = 20_261_122


@dataclass(frozen=True)
class _Photograph:
    name: str
    image: Image.Image


def demo_objects(template_prefixes: Sequence[str], *, images: int = 640, seed: int = _SEED) -> Iterator[DemoObject]:
    """Make different JPEG pictures out of the package's photographs, plus four that must be rejected.

    The first picture of every photograph is the whole photograph, so that a search has an original
    to find. The rejected ones are a text named ``.jpg``, an empty ``.jpg``, a ``.tiff`` and a JPEG
    that cannot be decoded. Names and bytes depend on the seed alone, never on the prefixes.

    Args:
        template_prefixes: Key prefixes, one a day, each with its trailing slash; the pictures are
            dealt out to them in turn.
        images: How many pictures, without the rejected ones.
        seed: Another seed makes other pictures.

    Yields:
        The pictures, about 320 pixels and 20 kB each, then the four rejected objects.

    Raises:
        ValueError: No prefix, two equal ones, or fewer than 100 pictures for each.
    """
    _check(template_prefixes, images)
    photographs = _photographs()
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        pictures = pool.map(lambda number: _picture(photographs, number, seed), range(images))
        for number, (name, data) in enumerate(pictures):
            prefix = template_prefixes[number % len(template_prefixes)]
            yield DemoObject(key=prefix + name, data=data, content_type="image/jpeg")
    for number, (name, data, content_type) in enumerate(_rejected(photographs[0])):
        prefix = template_prefixes[number % len(template_prefixes)]
        yield DemoObject(key=prefix + name, data=data, content_type=content_type)


def _check(prefixes: Sequence[str], images: int) -> None:
    if not prefixes:
        raise ValueError("No prefix was given to put the demo pictures under")
    if len(set(prefixes)) != len(prefixes):
        raise ValueError(f"Demo prefixes must differ, but there are two equal ones among {list(prefixes)}")
    if images < MINIMUM_PER_DAY * len(prefixes):
        raise ValueError(
            f"{images} demo pictures are too few for {len(prefixes)} prefixes:"
            f" each needs {MINIMUM_PER_DAY}, the minimum of a batch job"
        )


def _photographs() -> list[_Photograph]:
    folder = importlib.resources.files("batch_assets.sandbox") / "pictures"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".jpg")), key=lambda file: file.name)
    return [
        _Photograph(
            name=file.name.removesuffix(".jpg"),
            image=Image.open(io.BytesIO(file.read_bytes())).convert("RGB"),
        )
        for file in files
    ]


def _picture(photographs: Sequence[_Photograph], number: int, seed: int) -> tuple[str, bytes]:
    """Make the picture of one number: its file name and its bytes."""
    variation, which = divmod(number, len(photographs))
    photograph = photographs[which]
    image = photograph.image
    if variation:
        image = _varied(image, random.Random(f"{seed} {number}"))  # noqa: S311 - no secret is made
    else:
        image = ImageOps.contain(image, (_LONG_EDGE_PIXELS, _LONG_EDGE_PIXELS))
    return f"{photograph.name}-{variation + 1:03d}.jpg", _jpeg(image)


def _varied(image: Image.Image, chance: random.Random) -> Image.Image:
    """Cut out a part, perhaps mirror it, and change its light and colours a little."""
    share = chance.uniform(0.55, 0.95)
    width, height = image.width * share, image.height * share
    left, top = chance.uniform(0, image.width - width), chance.uniform(0, image.height - height)
    scale = _LONG_EDGE_PIXELS / max(width, height)
    size = (round(width * scale), round(height * scale))
    picture = image.resize(size, Image.Resampling.BICUBIC, box=(left, top, left + width, top + height))
    if chance.random() < 0.5:  # noqa: PLR2004 - every second one
        picture = ImageOps.mirror(picture)
    picture = ImageEnhance.Brightness(picture).enhance(chance.uniform(0.7, 1.3))
    picture = ImageEnhance.Contrast(picture).enhance(chance.uniform(0.8, 1.2))
    return ImageEnhance.Color(picture).enhance(chance.uniform(0.7, 1.3))


def _jpeg(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=_JPEG_QUALITY)
    return file.getvalue()


def _rejected(photograph: _Photograph) -> Iterator[tuple[str, bytes, str]]:
    """Make what no model can embed: name, bytes, content type."""
    small = ImageOps.contain(photograph.image, (96, 96))
    yield "shopping-list.jpg", b"Not a picture at all: milk, bread, six eggs.\n", "image/jpeg"
    yield "empty.jpg", b"", "image/jpeg"
    scan = io.BytesIO()
    small.save(scan, "TIFF")
    yield "scan.tiff", scan.getvalue(), "image/tiff"
    whole = _jpeg(small)
    yield "broken-download.jpg", whole[: len(whole) // 3], "image/jpeg"
