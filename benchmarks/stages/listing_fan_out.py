"""Listing a long prefix from an S3 that takes 80 ms a page: what ranges of keys at once bring."""

from benchmarks import listing_ways as ways
from benchmarks.model import Contender, Measure, Role, Stage, Target
from benchmarks.objects import numbered_keys

_PAGE_SECONDS = 0.08

STAGE = Stage(
    name="listing_fan_out",
    title="Listing a prefix, 80 ms a page",
    unit="objects",
    sizes=(60_000, 240_000, 960_000),
    quick_size=20_000,
    prepare=ways.keys_named(numbered_keys),
    services=ways.stub(latency_seconds=_PAGE_SECONDS),
    contenders=(
        Contender("ours", Role.OURS, set_up=ways.measured(ways.ours)),
        Contender("boto3 paginator", Role.PLAIN, set_up=ways.measured(ways.paginator)),
        Contender("obstore", Role.PEER, set_up=ways.measured(ways.obstore)),
        Contender("eight ranges, known beforehand", Role.LIMIT, set_up=ways.measured(ways.known_ranges)),
    ),
    targets=(
        Target("boto3 paginator", Measure.WALL, at_least=8),
        Target("eight ranges, known beforehand", Measure.WALL, at_most=2),
    ),
)
