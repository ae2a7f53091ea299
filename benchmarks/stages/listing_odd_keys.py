"""Listing a prefix whose keys are odd, each kind of them in every page: what exactness costs."""

from benchmarks import listing_ways as ways
from benchmarks.model import Contender, Measure, Role, Stage, Target
from benchmarks.objects import odd_keys

STAGE = Stage(
    name="listing_odd_keys",
    title="Listing a prefix, odd keys",
    unit="objects",
    sizes=(60_000, 240_000, 960_000),
    quick_size=20_000,
    prepare=ways.keys_named(odd_keys),
    services=ways.stub(latency_seconds=0),
    contenders=(
        Contender("ours", Role.OURS, set_up=ways.measured(ways.ours)),
        Contender("boto3 paginator", Role.PLAIN, set_up=ways.measured(ways.paginator)),
        Contender("boto3, pages by ElementTree", Role.PEER, set_up=ways.measured(ways.element_tree)),
    ),
    targets=(Target("boto3 paginator", Measure.CPU, at_least=4),),
    note="obstore and pyarrow.fs are no contenders: they fail on some of these keys, and rename or lose others.",
)
