"""One object to put into the source bucket."""

from dataclasses import dataclass, field

MINIMUM_PER_DAY = 100
"""The fewest records of a Bedrock batch job for Nova (AWS: general/gr/bedrock, quotas)."""


@dataclass(frozen=True)
class DemoObject:
    """A key, its bytes and its content type."""

    key: str
    data: bytes = field(repr=False)
    content_type: str
