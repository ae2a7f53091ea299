"""Colour and tone words, in English and Chinese, painted as a small picture."""

import re
import unicodedata
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from batch_assets.sandbox.descriptor.colours import PROTOTYPES
from batch_assets.sandbox.descriptor.decoding import EDGE_PIXELS

_COLOUR_WORDS: dict[str, tuple[str, ...]] = {
    "black": ("black", "黑"),
    "grey": ("grey", "gray", "silver", "灰", "银色"),
    "white": ("white", "snow", "snowy", "白"),
    "red": ("red", "reddish", "crimson", "scarlet", "红", "紅"),
    "orange": ("orange", "橙", "橘"),
    "yellow": ("yellow", "yellowish", "golden", "gold", "黄", "黃", "金色"),
    "green": ("green", "greenish", "绿", "綠"),
    "cyan": ("cyan", "turquoise", "teal", "青", "蓝绿", "藍綠"),
    "blue": ("blue", "bluish", "navy", "azure", "蓝", "藍"),
    "purple": ("purple", "violet", "lilac", "紫"),
    "pink": ("pink", "pinkish", "magenta", "rose", "粉", "粉红", "粉紅", "洋红", "洋紅"),
    "brown": ("brown", "brownish", "棕", "褐", "咖啡色"),
    "beige": ("beige", "cream", "tan", "米色", "米黄", "米黃"),
}
_SCENE_WORDS: dict[str, tuple[str, ...]] = {
    "colourful": ("colourful", "colorful", "multicoloured", "multicolored", "rainbow", "彩色", "多彩", "五颜六色"),
    "monochrome": ("monochrome", "greyscale", "grayscale", "黑白", "单色", "單色"),
}
_TONE_WORDS: dict[str, tuple[str, ...]] = {
    "dark": ("dark", "deep", "dim", "night", "深", "暗", "夜"),
    "light": ("light", "bright", "pale", "pastel", "浅", "淺", "淡", "明亮", "亮"),
    "vivid": ("vivid", "saturated", "鲜艳", "鮮豔"),
}
_SCENE_SHADES: dict[str, tuple[str, ...]] = {
    "colourful": tuple(PROTOTYPES[name][0] for name in ("red", "orange", "yellow", "green", "blue", "purple", "pink")),
    "monochrome": PROTOTYPES["black"] + PROTOTYPES["grey"] + PROTOTYPES["white"],
    "dark": ("000000", "101010", "202024", "181410"),
    "light": ("ffffff", "f0f0f0", "e8eef4", "f4efe6"),
    "vivid": tuple(PROTOTYPES[name][0] for name in ("red", "orange", "yellow", "green", "blue", "purple", "pink")),
}
_LIGHTNESS = {"dark": 0.6, "light": 0.5}

_TERMS = {
    word: term
    for table in (_COLOUR_WORDS, _SCENE_WORDS, _TONE_WORDS)
    for term, words in table.items()
    for word in words
}
# The longest word first: 粉红 is pink, not red, and 黑白 is monochrome, not black and white.
_PATTERN = re.compile(
    r"black[\s-]+and[\s-]+white|"
    + "|".join(rf"\b{word}\b" if word.isascii() else word for word in sorted(_TERMS, key=len, reverse=True))
)


@dataclass(frozen=True)
class _Colour:
    """One colour asked for, and the tone words that stand before it."""

    term: str
    tones: tuple[str, ...]


def normalised(text: str) -> str:
    """Fold case, width and blanks, so that two spellings of one query are one query."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def paint(text: str) -> NDArray[np.uint8] | None:
    """Paint the colour and tone words of a text as a picture.

    The colours are strewn evenly, since a word says nothing about a place; words that are
    neither are left out.

    Returns:
        ``[96, 96, 3]`` sRGB bytes, or ``None`` when the text has no such word.
    """
    shades = [shade for colour in _colours(normalised(text)) for shade in _shades(colour)]
    if not shades:
        return None
    paints = np.array(shades, dtype=np.uint8)
    # Steps of a prime keep every band and the centre equally mixed.
    order = np.arange(EDGE_PIXELS * EDGE_PIXELS) * 7919 % (EDGE_PIXELS * EDGE_PIXELS)
    return paints[order % len(paints)].reshape(EDGE_PIXELS, EDGE_PIXELS, 3)


def _colours(text: str) -> list[_Colour]:
    """Find the colours in a text; tone words change the colour that follows them."""
    colours: list[_Colour] = []
    tones: list[str] = []
    for match in _PATTERN.finditer(text):
        term = _TERMS.get(match.group(), "monochrome")
        if term in _TONE_WORDS:
            tones.append(term)
        else:
            colours.append(_Colour(term, tuple(tones)))
            tones = []
    if not colours:
        colours = [_Colour(tone, ()) for tone in tones]
    return colours


def _shades(colour: _Colour) -> list[tuple[int, ...]]:
    """List the shades of a colour as sRGB, lightened or darkened as its tone words ask."""
    names = PROTOTYPES.get(colour.term) or _SCENE_SHADES[colour.term]
    shades = np.array([list(bytes.fromhex(name)) for name in names], dtype=np.float64)
    if "vivid" in colour.tones:
        shades = shades[:1]
    if "dark" in colour.tones:
        shades = shades * _LIGHTNESS["dark"]
    if "light" in colour.tones:
        shades = 255 - (255 - shades) * _LIGHTNESS["light"]
    return [tuple(int(value) for value in shade) for shade in shades.round()]
