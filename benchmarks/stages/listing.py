"""Listing a prefix with ordinary keys: what a key costs the client."""

from benchmarks import listing_ways as ways
from benchmarks.model import Contender, Measure, Role, Stage, Target
from benchmarks.objects import hashed_keys

STAGE = Stage(
    name="listing",
    title="Listing a prefix, ordinary keys",
    unit="objects",
    sizes=(60_000, 240_000, 960_000),
    quick_size=20_000,
    prepare=ways.keys_named(hashed_keys),
    services=ways.stub(latency_seconds=0),
    contenders=(
        Contender("ours", Role.OURS, set_up=ways.measured(ways.ours)),
        Contender("boto3 paginator", Role.PLAIN, set_up=ways.measured(ways.paginator)),
        Contender("boto3, pages by ElementTree", Role.PEER, set_up=ways.measured(ways.element_tree)),
        Contender("obstore", Role.PEER, set_up=ways.measured(ways.obstore)),
    ),
    targets=(
        Target("boto3 paginator", Measure.CPU, at_least=15),
        Target("obstore", Measure.CPU, at_most=1.5),
    ),
    note="pyarrow.fs is no contender: it gives no ETags and leaves folder markers out. Ours also tells formats and "
    "eligibility.",
)
