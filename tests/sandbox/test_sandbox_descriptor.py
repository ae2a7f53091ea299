"""The colour and texture descriptor that stands in for an embedding model."""

import hashlib
import importlib.resources
import io
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance, ImageOps

from batch_assets.sandbox.descriptor import (
    DIMENSIONS,
    UndecodableImageError,
    embed_image,
    embed_text,
    image_format,
)

PHOTOGRAPHS = {
    file.name.removesuffix(".jpg"): file.read_bytes()
    for file in (importlib.resources.files("batch_assets.sandbox") / "pictures").iterdir()
    if file.name.endswith(".jpg")
}
PAINTS = {
    "red": (200, 20, 25),
    "orange": (250, 140, 20),
    "yellow": (245, 220, 30),
    "green": (40, 150, 50),
    "cyan": (40, 200, 210),
    "blue": (30, 60, 200),
    "purple": (120, 40, 160),
    "pink": (250, 130, 180),
    "brown": (110, 65, 35),
}
CHINESE = {
    "red": "红色",
    "orange": "橙色",
    "yellow": "黄色",
    "green": "绿色",
    "cyan": "青色",
    "blue": "蓝色",
    "purple": "紫色",
    "pink": "粉红色",
    "brown": "棕色",
}


def encoded(image: Image.Image, file_format: str = "JPEG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def photograph(name: str) -> Image.Image:
    return Image.open(io.BytesIO(PHOTOGRAPHS[name])).convert("RGB")


def half_painted(paint: tuple[int, int, int]) -> bytes:
    image = Image.new("RGB", (160, 120), (128, 128, 128))
    image.paste(paint, (20, 10, 130, 100))
    return encoded(image)


def nearest_photograph(data: bytes) -> str:
    query = embed_image(data, 1024)
    return max(PHOTOGRAPHS, key=lambda name: float(query @ embed_image(PHOTOGRAPHS[name], 1024)))


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_a_picture_becomes_a_finite_unit_vector(dimension: int) -> None:
    """Any dimension of the model gives float32 of length one."""
    vector = embed_image(PHOTOGRAPHS["astronaut"], dimension)
    assert vector.shape == (dimension,)
    assert vector.dtype == np.float32
    assert np.isfinite(vector).all()
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("shade", [0, 128, 255])
def test_a_plain_picture_is_no_zero_vector(shade: int) -> None:
    """A picture without one edge or colour still has a direction, which a cosine index needs."""
    vector = embed_image(encoded(Image.new("L", (5, 3), shade), "PNG"), 256)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("dimension", [0, 512, 4096])
def test_a_dimension_the_model_lacks_is_refused(dimension: int) -> None:
    """The message names the wrong dimension and the right ones."""
    with pytest.raises(ValueError, match=f"{dimension}; allowed are 256, 384, 1024, 3072"):
        embed_image(PHOTOGRAPHS["astronaut"], dimension)
    with pytest.raises(ValueError, match=f"{dimension}; allowed are 256, 384, 1024, 3072"):
        embed_text("red", dimension)


def test_another_process_gives_the_same_vector() -> None:
    """Nothing depends on a process: hash seeds, caches, the order of calls."""
    program = (
        "import hashlib, sys; from batch_assets.sandbox.descriptor import embed_image, embed_text;"
        "image = embed_image(sys.stdin.buffer.read(), 384); text = embed_text('a dog', 384);"
        "print(hashlib.sha256(image.tobytes() + text.tobytes()).hexdigest())"
    )
    other = subprocess.run(
        [sys.executable, "-c", program], input=PHOTOGRAPHS["coffee"], capture_output=True, check=True
    )
    here = embed_image(PHOTOGRAPHS["coffee"], 384).tobytes() + embed_text("a dog", 384).tobytes()
    assert other.stdout.decode().strip() == hashlib.sha256(here).hexdigest()


def test_the_largest_dimension_keeps_all_angles() -> None:
    """The projection to 3,072 dimensions is an isometry, so smaller ones only approximate it."""
    first, second = PHOTOGRAPHS["coffee"], PHOTOGRAPHS["flower"]
    exact = float(embed_image(first, 3072) @ embed_image(second, 3072))
    rough = float(embed_image(first, 1024) @ embed_image(second, 1024))
    assert rough == pytest.approx(exact, abs=0.1)


@pytest.mark.parametrize("name", sorted(PHOTOGRAPHS))
def test_a_mirror_image_is_nearly_the_same(name: str) -> None:
    """Nothing in the descriptor tells left from right."""
    mirrored = encoded(ImageOps.mirror(photograph(name)), quality=95)
    assert float(embed_image(mirrored, 1024) @ embed_image(PHOTOGRAPHS[name], 1024)) > 0.97


@pytest.mark.parametrize("brightness", [0.6, 1.4])
@pytest.mark.parametrize("name", sorted(PHOTOGRAPHS))
def test_a_cropped_and_re_lit_picture_finds_its_source(name: str, brightness: float) -> None:
    """What search by image is for: a changed copy is nearest to its original."""
    image = photograph(name)
    cropped = image.crop((image.width // 10, image.height // 10, image.width, image.height))
    changed = ImageEnhance.Brightness(ImageOps.mirror(cropped)).enhance(brightness)
    assert nearest_photograph(encoded(changed, quality=50)) == name


@pytest.mark.parametrize("colour", sorted(PAINTS))
def test_a_colour_word_finds_the_picture_of_that_colour(colour: str) -> None:
    """Of pictures that differ in their colour alone the right one is nearest, in both languages."""
    pictures = {name: embed_image(half_painted(paint), 1024) for name, paint in PAINTS.items()}
    for words in (f"something {colour}", CHINESE[colour]):
        query = embed_text(words, 1024)
        assert max(pictures, key=lambda name: float(query @ pictures[name])) == colour


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("dark", "hubble-deep-field"),
        ("red", "retina"),
        ("棕色", "chelsea"),
    ],
)
def test_words_find_photographs(words: str, name: str) -> None:
    """Colour and tone words name real photographs as a person would."""
    query = embed_text(words, 1024)
    found = max(PHOTOGRAPHS, key=lambda each: float(query @ embed_image(PHOTOGRAPHS[each], 1024)))
    assert found == name


def test_a_tone_word_changes_the_colour_after_it() -> None:
    """Light blue is nearer to a pale sky than plain blue is."""
    sky = embed_image(half_painted((190, 215, 250)), 1024)
    assert float(embed_text("light blue", 1024) @ sky) > float(embed_text("dark blue", 1024) @ sky)


@pytest.mark.parametrize("text", ["dog", "predator", "credit", "狗", "", "?"])
def test_words_that_are_no_colours_find_nothing_in_particular(text: str) -> None:
    """An unknown text is nearly orthogonal to every picture, and always the same."""
    query = embed_text(text, 1024)
    assert np.array_equal(query, embed_text(text, 1024))
    assert np.linalg.norm(query) == pytest.approx(1, abs=1e-5)
    assert max(abs(float(query @ embed_image(data, 1024))) for data in PHOTOGRAPHS.values()) < 0.2


def test_spelling_does_not_change_a_query() -> None:
    """Case, full-width letters and blanks are folded."""
    assert np.array_equal(embed_text("  Big DOG ", 256), embed_text("big dog", 256))
    assert np.array_equal(embed_text("ＲＥＤ", 256), embed_text("red", 256))  # noqa: RUF001 - full width is meant


@pytest.mark.parametrize(
    ("file_format", "modes"),
    [
        ("JPEG", ["1", "L", "RGB", "CMYK"]),
        ("PNG", ["1", "L", "P", "RGB", "LA", "RGBA", "I;16"]),
        ("GIF", ["1", "L", "P", "RGB", "LA", "RGBA"]),
        ("WEBP", ["1", "L", "P", "RGB", "LA", "RGBA"]),
    ],
)
def test_every_kind_of_pixels_is_understood(file_format: str, modes: list[str]) -> None:
    """Whatever the four formats can store is decoded alike, and its format named."""
    flag = Image.new("L", (64, 48))
    flag.paste(255, (0, 16, 64, 48))
    plain = embed_image(encoded(flag, "PNG"), 256)
    for mode in modes:
        data = encoded(
            flag.convert("I;16").point(lambda level: level * 257) if mode == "I;16" else flag.convert(mode), file_format
        )
        assert image_format(data) == file_format.lower()
        assert float(embed_image(data, 256) @ plain) > 0.95, mode


def test_transparent_pixels_are_white() -> None:
    """A transparent picture looks as it would on paper, whatever colour lies under."""
    clear = encoded(Image.new("RGBA", (20, 20), (255, 0, 0, 0)), "PNG")
    white = encoded(Image.new("RGB", (20, 20), "white"), "PNG")
    assert np.allclose(embed_image(clear, 256), embed_image(white, 256), atol=1e-6)


def test_a_photograph_is_turned_upright() -> None:
    """The orientation that a camera wrote into the file is heeded."""
    upright = photograph("china")
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = encoded(upright.transpose(Image.Transpose.ROTATE_90), quality=95, exif=exif)
    assert float(embed_image(lying, 1024) @ embed_image(PHOTOGRAPHS["china"], 1024)) > 0.98


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", r"empty \(0 bytes\)"),
        (b"milk, bread, six eggs", "no JPEG, PNG, GIF or WebP picture"),
        (encoded(Image.new("RGB", (8, 8)), "TIFF"), "no JPEG, PNG, GIF or WebP picture"),
        (PHOTOGRAPHS["coffee"][:4000], "begin like a JPEG picture but cannot be decoded"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "begin like a PNG picture but its header is damaged"),
        (b"GIF89a", "begin like a GIF picture but its header is damaged"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "begin like a WEBP picture but its header is damaged"),
    ],
)
def test_what_is_no_picture_is_refused(data: bytes, message: str) -> None:
    """The error is a ValueError that says what the bytes are."""
    with pytest.raises(UndecodableImageError, match=message) as refused:
        embed_image(data, 256)
    assert isinstance(refused.value, ValueError)


def test_a_decompression_bomb_is_refused_before_it_is_decoded() -> None:
    """A few bytes that claim billions of pixels raise the same error, without a warning."""
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    with pytest.raises(UndecodableImageError, match="60000 x 60000 pixels"):
        embed_image(data + struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT")), 256)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["JPEG", "PNG", "GIF", "WEBP"]), st.integers(0, 400), st.binary(min_size=1, max_size=30))
def test_damaged_files_raise_nothing_else(file_format: str, place: int, rubbish: bytes) -> None:
    """Whatever damage a file has, it is embedded or refused with the one error."""
    data = encoded(Image.linear_gradient("L").resize((32, 24)), file_format)
    damaged = data[:place] + rubbish + data[place + len(rubbish) :]
    try:
        vector = embed_image(damaged, 256)
    except UndecodableImageError:
        return
    assert np.isfinite(vector).all()


@given(st.text(max_size=60))
def test_every_text_becomes_a_unit_vector(text: str) -> None:
    """No text, however strange, makes an invalid vector."""
    assert np.linalg.norm(embed_text(text, 256)) == pytest.approx(1, abs=1e-5)
