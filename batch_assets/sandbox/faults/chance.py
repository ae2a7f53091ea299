"""Chance that falls alike in every run: it depends on a seed and a name alone."""

import hashlib
import math
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

_BYTES = 8
_NUMBERS = float(1 << 8 * _BYTES)

Share = Annotated[float, Field(ge=0, le=1)]


def draw(*names: object) -> float:
    """Return a number from 0 up to 1 that belongs to these names."""
    text = "\0".join(map(str, names))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:_BYTES]) / _NUMBERS


class Frequency(BaseModel):
    """Which of the calls, or jobs, that a rule matches are hit.

    Attributes:
        after: So many are let through first.
        rate: This share of the others is hit: spread evenly without a seed, drawn by chance with one.
        times: Never more than so many are hit.
        seed: Of the chance.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    after: int = Field(default=0, ge=0)
    rate: Share = 1.0
    times: int | None = Field(default=None, ge=0)
    seed: int | None = None

    def strikes(self, number: int, *, hits: int) -> bool:
        """Tell whether the match of this number (from 0) is hit, when ``hits`` before it were."""
        if number < self.after or (self.times is not None and hits >= self.times):
            return False
        if self.seed is not None:
            return draw(self.seed, number) < self.rate
        position = number - self.after
        return math.floor((position + 1) * self.rate) > math.floor(position * self.rate)
