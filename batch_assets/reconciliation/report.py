"""What a reconciliation found and mended, in numbers and a few examples: its size does not grow with the index."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from batch_assets.reconciliation.examination import Examined
from batch_assets.vectors.differences import Kind

_EXAMPLES = 5


@dataclass(frozen=True)
class LeftAlone:
    """A partition that was not compared or not repaired, and why."""

    partition: str
    reason: str


@dataclass
class Report:
    """What a reconciliation found and mended.

    Attributes:
        index_exists: Whether the index was there when it was compared.
        partitions: Partitions that were compared.
        rows: Rows of their embedding tables.
        vectors: Vectors of the live index that were listed.
        found: Keys that differ, by kind.
        repaired: How many of them were mended.
        examples: A few of the keys, by kind.
        left_alone: Partitions that were not compared or not repaired.
    """

    index_exists: bool
    partitions: int = 0
    rows: int = 0
    vectors: int = 0
    found: Counter[Kind] = field(default_factory=Counter)
    repaired: Counter[Kind] = field(default_factory=Counter)
    examples: dict[Kind, list[str]] = field(default_factory=dict)
    left_alone: list[LeftAlone] = field(default_factory=list)

    @property
    def remaining(self) -> int:
        """Differences that were not mended; foreign vectors are none, for they are not ours."""
        return self.found.total() - self.found[Kind.FOREIGN] - self.repaired.total()

    @property
    def settled(self) -> bool:
        """Whether every partition was compared and nothing differs any more."""
        return not self.remaining and not self.left_alone

    def add_partition(self, examined: Examined) -> None:
        """Count a partition that was compared, and what differs in it."""
        self.partitions += 1
        self.rows += len(examined.contents.rows)
        for kind, keys in examined.differences.items():
            self.add(kind, keys)

    def add(self, kind: Kind, keys: Sequence[str]) -> None:
        """Count keys that differ, and keep the first ones."""
        self.found[kind] += len(keys)
        kept = self.examples.setdefault(kind, [])
        kept.extend(keys[: _EXAMPLES - len(kept)])

    def as_json(self) -> dict[str, Any]:
        """Counts and examples by kind, and the partitions that were left alone, as plain values."""
        kinds = {
            str(kind): {
                "found": self.found[kind],
                "repaired": self.repaired[kind],
                "examples": self.examples.get(kind, []),
            }
            for kind in Kind
        }
        numbers = {name: getattr(self, name) for name in ("index_exists", "partitions", "rows", "vectors", "remaining")}
        return {**numbers, "kinds": kinds, "left_alone": [asdict(left) for left in self.left_alone]}
