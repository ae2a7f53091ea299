"""Keys as numbers, so that a range of keys can be cut in the middle, as far as the keys seen so far tell where that is.

A key is read as a number whose digits are its characters: each place has the characters that were seen there, and those
of the same kind (`7` stands for all digits). Nothing but speed depends on how good that is.
"""

import math
import string
from bisect import bisect_left
from collections.abc import Iterable

_PLACES = 64
_DIGITS, _LETTERS = frozenset(string.digits), frozenset(string.ascii_letters)
_KINDS = tuple(
    frozenset(kind)
    for kind in (
        string.digits,
        string.digits + "abcdef",
        string.digits + "ABCDEF",
        string.ascii_lowercase,
        string.ascii_uppercase,
    )
)


class KeySpace:
    """The keys that there may be under a prefix, by what is known of them."""

    def __init__(self, prefix: str) -> None:
        """Nothing is known yet."""
        self._prefix = prefix
        self._seen: list[set[str]] = []
        self._alphabets: list[str] = []

    def learn(self, keys: Iterable[str]) -> None:
        """Take note of keys under the prefix. Numbers from before mean nothing any more."""
        for key in keys:
            name = key[len(self._prefix) :][:_PLACES]
            self._seen.extend(set() for _ in range(len(name) - len(self._seen)))
            for place, letter in enumerate(name):
                if letter not in self._seen[place]:
                    self._seen[place] = _completed(self._seen[place] | {letter})
        self._alphabets = ["".join(sorted(seen)) for seen in self._seen]

    @property
    def end(self) -> int:
        """The largest number of a key."""
        return math.prod(len(alphabet) + 1 for alphabet in self._alphabets) - 1

    def number(self, key: str) -> int:
        """The number of a key, or of one near it that is made of known characters."""
        name, number = key[len(self._prefix) :], 0
        for place, alphabet in enumerate(self._alphabets):
            digit = bisect_left(alphabet, name[place]) + 1 if place < len(name) else 0
            number = number * (len(alphabet) + 1) + min(digit, len(alphabet))
        return number

    def key(self, number: int) -> str:
        """The key of a number, or one near it: keys of different lengths leave gaps between the numbers."""
        digits: list[int] = []
        for alphabet in reversed(self._alphabets):
            number, digit = divmod(number, len(alphabet) + 1)
            digits.append(digit)
        letters: list[str] = []
        for alphabet, digit in zip(self._alphabets, reversed(digits), strict=True):
            if not digit:
                break
            letters.append(alphabet[digit - 1])
        return self._prefix + "".join(letters)


def _completed(seen: set[str]) -> set[str]:
    """The characters seen at a place, and all others of the narrowest kinds that hold those."""
    letters = set(seen)
    for characters in (seen & _DIGITS, seen & _LETTERS, seen & (_DIGITS | _LETTERS)):
        letters |= next((kind for kind in _KINDS if characters and characters <= kind), frozenset())
    return letters
