"""From a job's output to the embedding table: parsing, joining, merging with the earlier rows, writing."""

from benchmarks.model import Bound, Contender, Measure, Role, Stage, Target
from benchmarks.stages import results_others, results_ours
from benchmarks.stages.range_server import range_server
from benchmarks.stages.results_inputs import prepare

_PLAIN, _POLARS, _DUCKDB = "plain: json.loads, pandas", "Polars", "DuckDB"
_LIMIT = "receive, parse, write"
_MOST_BYTES = 250 * 10**6

STAGE = Stage(
    name="results",
    title="Results of a job to the embedding table",
    unit="records",
    sizes=(20_000, 50_000, 100_000),
    quick_size=1_000,
    prepare=prepare,
    services=range_server,
    contenders=(
        Contender("ours: one process", Role.OURS, set_up=results_ours.ours(0)),
        Contender("ours: two readers", Role.OURS, set_up=results_ours.ours(2)),
        Contender(_PLAIN, Role.PLAIN, load=results_others.plain),
        Contender("pandas.read_json", Role.PEER, load=results_others.pandas_lines),
        Contender("orjson and numpy", Role.PEER, load=results_others.orjson_and_numpy),
        Contender(_POLARS, Role.PEER, load=results_others.polars),
        Contender(_DUCKDB, Role.PEER, load=results_others.duckdb),
        Contender(_LIMIT, Role.LIMIT, set_up=results_ours.limit),
    ),
    targets=(
        Target(_PLAIN, Measure.CPU, at_least=6),
        Target(_PLAIN, Measure.WALL, at_least=9),
        Target(_DUCKDB, Measure.CPU, at_least=1.6),
        Target(_POLARS, Measure.CPU, at_least=1.9),
        Target(_LIMIT, Measure.CPU, at_most=1.25),
    ),
    bounds=(Bound(Measure.MEMORY, at_most=_MOST_BYTES, at_every_size=True),),
    note=(
        "3,072 dimensions, numbers of 8 to 9 digits, 1 % error lines, a copy of every 50th picture, an earlier row for "
        "every ten records. Ours reads byte ranges over HTTP from a stub of S3 on this machine, all others the same "
        "files from disk; all write to disk. Two readers are started afresh for it, beside the process that joins and "
        "writes. The limit receives the output and the earlier rows over HTTP, parses each line with pysimdjson "
        "without looking at a value, and writes as many float32 vectors, always the same ones, with our "
        "options; it joins nothing."
    ),
)
