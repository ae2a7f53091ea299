"""Which records of a job a rule means."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import PlainValidator

from batch_assets.sandbox.faults.chance import draw

_FORMS = 'a list of record ids, a number of first records, "all", {"every": n} or {"share": 0 to 1}'


@dataclass(frozen=True, kw_only=True)
class Records:
    """Some records of a job; only one of the attributes is set.

    Attributes:
        ids: These.
        first: So many from the beginning of the input.
        every: Every n-th.
        share: Each with this probability.
    """

    ids: frozenset[str] = frozenset()
    first: int = 0
    every: int = 0
    share: float = 0.0

    def include(self, index: int, record_id: str, *, seed: str) -> bool:
        """Tell whether the record at ``index`` (from 0) is among them; ``seed`` is that of the shares."""
        return (
            index < self.first
            or record_id in self.ids
            or bool(self.every and (index + 1) % self.every == 0)
            or bool(self.share and draw(seed, record_id) < self.share)
        )

    def __bool__(self) -> bool:
        """Whether any record can be meant."""
        return bool(self.ids or self.first or self.every or self.share)


def _parse(value: Any) -> Records:
    match value:
        case "all":
            return Records(share=1.0)
        case int() if not isinstance(value, bool) and value >= 0:
            return Records(first=value)
        case [*ids] if all(isinstance(record_id, str) for record_id in ids):
            return Records(ids=frozenset(ids))
        case {"every": int(every), **rest} if not rest and every > 0:
            return Records(every=every)
        case {"share": int(share) | float(share), **rest} if not rest and 0 <= share <= 1:
            return Records(share=share)
        case Records():
            return value
    raise ValueError(f"expected {_FORMS}")


Selection = Annotated[Records, PlainValidator(_parse)]


@dataclass(frozen=True, kw_only=True)
class Amount:
    """A number, or a share, of something whose total is not known yet."""

    number: int = 0
    share: float = 0.0

    def of(self, total: int) -> int:
        """Return the number for a total, never more than it."""
        return min(self.number + int(total * self.share), total)


def _parse_amount(value: Any) -> Amount:
    match value:
        case "all":
            return Amount(share=1.0)
        case int() if not isinstance(value, bool) and value >= 0:
            return Amount(number=value)
        case {"share": int(share) | float(share), **rest} if not rest and 0 <= share <= 1:
            return Amount(share=share)
        case Amount():
            return value
    raise ValueError('expected a number, "all" or {"share": 0 to 1}')


Number = Annotated[Amount, PlainValidator(_parse_amount)]
