"""`batch-assets reconcile`: each kind of damage is named, and mended without paying for it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest

from batch_assets.storage.tables import TableOutput
from batch_assets.vectors.differences import way_back
from batch_assets.vectors.index_table import INDEX_TABLE
from batch_assets.vectors.inventory import list_index
from tests.cli.conftest import Command
from tests.conftest import Aws
from tests.world import KEY, NEXT_KEY, World, new_world, picture, pictures

PREFIX = f"photos/{KEY}/"
VICTIM = f"{PREFIX}0007.png"
FORBIDDEN = {"code": "AccessDeniedException", "status": 403, "message": "nothing may be paid"}


@dataclass(frozen=True)
class Damage:
    """A deployment whose index and tables are tampered with, and the command for it."""

    world: World
    command: Command

    @property
    def index(self) -> dict[str, str]:
        """The live index, as S3 Vectors wants it named."""
        settings = self.world.settings
        return {"vectorBucketName": settings.vector_bucket, "indexName": settings.index_name}

    def delete_vectors(self, *keys: str) -> None:
        """Somebody deletes vectors."""
        self.world.aws.s3vectors.delete_vectors(**self.index, keys=keys)

    def put_vector(self, key: str, metadata: dict[str, Any]) -> None:
        """Somebody puts a vector of their own."""
        vector: Any = {"key": key, "data": {"float32": [1.0] * 256}, "metadata": metadata}
        self.world.aws.s3vectors.put_vectors(**self.index, vectors=[vector])

    def drop_index(self) -> None:
        """Somebody deletes the whole index; another one will be of another time."""
        self.world.aws.s3vectors.delete_index(**self.index)
        self.world.aws.advance(60)

    def write_index_table(self, rows: pa.Table, *, key: str = KEY) -> None:
        """Somebody replaces the index table and keeps what it says of the index."""
        path = self.world.tables.catalog.path("vector_index", key)
        self.world.tables.write(path, TableOutput(rows, self.world.table("vector_index", key).facts))

    def reconcile(self, *options: str, code: int) -> Any:
        """What `reconcile --json` says, which ends with this exit code."""
        ended = self.command("reconcile", "--json", *options)
        assert ended.code == code, ended.errors
        return json.loads(ended.output)

    def found(self, report: Any) -> dict[str, int]:
        """How many keys of each kind differ."""
        return {kind: counts["found"] for kind, counts in report["kinds"].items() if counts["found"]}

    def repaired_whole(self) -> Any:
        """Repair everything; afterwards nothing differs and nothing was paid for."""
        report = self.reconcile("--repair", code=0)
        assert all(counts["repaired"] == counts["found"] for counts in report["kinds"].values())
        assert self.found(self.reconcile(code=0)) == {}
        return report


@pytest.fixture
def loaded(still: Aws, command: Command) -> Iterator[Damage]:
    """A partition of 100 pictures, embedded and indexed; from then on Bedrock refuses every call."""
    with new_world(still) as world:
        world.put(pictures(100))
        world.embed()
        world.fault(service="bedrock", error=FORBIDDEN)
        world.fault(service="bedrock-runtime", error=FORBIDDEN)
        yield Damage(world, command.use(world.settings))


def test_a_whole_deployment_has_no_differences(loaded: Damage) -> None:
    """It says what it compared."""
    report = loaded.reconcile(code=0)
    assert {name: report[name] for name in ("index_exists", "partitions", "rows", "vectors", "remaining")} == {
        "index_exists": True,
        "partitions": 1,
        "rows": 100,
        "vectors": 100,
        "remaining": 0,
    }
    assert loaded.found(report) == {}
    assert loaded.command("reconcile").output == (
        "100 rows of 1 partitions were compared with 100 vectors.\n\nNothing differs.\n"
    )


def test_a_deployment_without_anything_has_no_differences(command: Command, world: World) -> None:
    """Neither tables nor index; a repair does not make them."""
    damage = Damage(world, command.use(world.settings))
    assert damage.reconcile("--repair", code=0)["index_exists"] is False
    assert damage.reconcile(code=0)["index_exists"] is False


def test_a_deleted_vector_is_missing_and_put_back(loaded: Damage) -> None:
    """It is as before, with its metadata; without --repair nothing is written."""
    before = loaded.world.vectors()
    loaded.delete_vectors(VICTIM)
    report = loaded.reconcile(code=3)
    assert loaded.found(report) == {"missing": 1, "differing": 1}
    assert report["kinds"]["missing"]["examples"] == [VICTIM]
    assert VICTIM not in loaded.world.vectors()
    loaded.repaired_whole()
    assert loaded.world.vectors() == before


def test_a_vector_of_other_bytes_is_stale_and_overwritten(loaded: Damage) -> None:
    """Its row decides."""
    before = loaded.world.vectors()
    loaded.put_vector(VICTIM, {**before[VICTIM], "etag": "of-other-bytes"})
    report = loaded.reconcile(code=3)
    assert loaded.found(report) == {"stale": 1, "differing": 1}
    assert report["kinds"]["stale"]["examples"] == [VICTIM]
    loaded.repaired_whole()
    assert loaded.world.vectors() == before


def test_an_orphan_is_deleted(loaded: Damage) -> None:
    """A vector of the partition of which its table knows nothing."""
    before = loaded.world.vectors()
    orphan = f"{PREFIX}forgotten.png"
    loaded.put_vector(orphan, {**before[VICTIM]})
    report = loaded.reconcile(code=3)
    assert loaded.found(report) == {"orphaned": 1, "differing": 1}
    assert report["kinds"]["orphaned"]["examples"] == [orphan]
    loaded.repaired_whole()
    assert loaded.world.vectors() == before


def test_an_index_table_that_says_otherwise_is_written_anew(loaded: Damage) -> None:
    """It lost a row, has one too many, and was left open by a write that broke off."""
    rows = loaded.world.table("vector_index").rows().to_pylist()
    rows[1]["state"] = "writing"
    rows.append({"key": f"{PREFIX}never.png", "etag": "e", "state": "indexed"})
    loaded.write_index_table(pa.Table.from_pylist(rows[1:], schema=INDEX_TABLE))
    assert loaded.found(loaded.reconcile(code=3)) == {"differing": 3}
    loaded.repaired_whole()
    table = loaded.world.table("vector_index")
    assert {row["state"] for row in table.rows().to_pylist()} == {"indexed"}
    assert table.facts["indexed_version"] == loaded.world.table("embedding_table").facts["table_version"]


def test_the_next_load_takes_a_repaired_table_for_its_own(loaded: Damage) -> None:
    """It puts nothing again."""
    loaded.delete_vectors(VICTIM)
    loaded.repaired_whole()
    told = loaded.world.materialize("vector_index").metadata["vector_index"]
    assert (told["put"], told["deleted"], told["unchanged"]) == (0, 0, 100)


def test_foreign_vectors_are_named_and_stay(loaded: Damage) -> None:
    """Without our metadata, or outside every prefix: they are nobody's mistake."""
    theirs = {"elsewhere/a.png": {"etag": "e", "partition": KEY}, f"{PREFIX}theirs.png": {}, "photos/2026/13/40/a": {}}
    for key, metadata in theirs.items():
        loaded.put_vector(key, metadata)
    report = loaded.reconcile("--repair", code=0)
    assert loaded.found(report) == {"foreign": 3}
    assert set(report["kinds"]["foreign"]["examples"]) == set(theirs)
    assert theirs.keys() < loaded.world.vectors().keys()
    assert "Foreign vectors are left as they are." in loaded.command("reconcile").output


def test_pictures_that_are_gone_or_changed_wait_for_the_next_plan(loaded: Damage) -> None:
    """They are told, and a repair does not touch them."""
    loaded.world.delete("0001.png", "0002.png")
    loaded.world.put({"0003.png": picture(999)})
    report = loaded.reconcile("--repair", code=3)
    assert loaded.found(report) == {"source_gone": 2, "source_changed": 1}
    assert (report["remaining"], len(loaded.world.vectors())) == (3, 100)
    assert "launch plan_and_submit" in loaded.command("reconcile").output


def test_an_index_that_was_dropped_is_rebuilt_whole(loaded: Damage) -> None:
    """With the right settings and tags, every vector and every index table, and nothing is paid for."""
    before = loaded.world.vectors()
    loaded.drop_index()
    report = loaded.reconcile(code=3)
    assert (report["index_exists"], loaded.found(report)) == (False, {"missing": 100})
    assert "no index: it does not exist" in loaded.command("reconcile").output
    loaded.repaired_whole()
    assert loaded.world.vectors() == before
    assert loaded.world.materialize("vector_index").metadata["vector_index"]["put"] == 0


def test_an_index_that_somebody_made_anew_is_filled(loaded: Damage) -> None:
    """Index tables that speak of the old one count as nothing indexed."""
    loaded.drop_index()
    loaded.command("reconcile", "--repair", "--partition", NEXT_KEY)
    assert loaded.world.vectors() == {}
    assert loaded.found(loaded.repaired_whole()) == {"missing": 100}


def test_only_the_named_partition_is_repaired(loaded: Damage) -> None:
    """Others, and foreign vectors, are not looked at."""
    loaded.world.forget_faults()
    loaded.world.put(pictures(100, first=100), NEXT_KEY)
    loaded.world.embed(NEXT_KEY)
    loaded.delete_vectors(VICTIM, f"photos/{NEXT_KEY}/0107.png")
    loaded.put_vector("elsewhere/a.png", {})
    report = loaded.reconcile("--repair", "--partition", NEXT_KEY, code=0)
    assert (report["partitions"], loaded.found(report)) == (1, {"missing": 1, "differing": 1})
    assert loaded.found(loaded.reconcile(code=3)) == {"missing": 1, "differing": 1, "foreign": 1}


def test_a_name_that_is_no_partition_is_refused(loaded: Damage) -> None:
    """Before anything is read."""
    refusal = loaded.command.refused("reconcile", "--partition", "yesterday", code=1)
    assert "partition key 'yesterday' does not have the form '%Y/%m/%d'" in refusal


def test_a_partition_with_a_job_in_flight_is_left_alone(loaded: Damage) -> None:
    """Its load comes first; other partitions are repaired."""
    loaded.world.forget_faults()
    loaded.world.put(pictures(100, first=100), NEXT_KEY)
    loaded.world.embed(NEXT_KEY)
    loaded.world.put(pictures(100, first=200))
    loaded.world.plan()
    job = loaded.world.jobs()[-1]["jobName"]
    loaded.delete_vectors(VICTIM, f"photos/{NEXT_KEY}/0107.png")
    report = loaded.reconcile("--repair", code=3)
    assert report["left_alone"] == [
        {"partition": KEY, "reason": f"job {job} is in flight: its load comes first"},
    ]
    assert (report["kinds"]["missing"]["found"], report["kinds"]["missing"]["repaired"]) == (2, 1)
    assert VICTIM not in loaded.world.vectors()
    loaded.world.finish_jobs()
    loaded.world.load()
    loaded.repaired_whole()


def test_a_partition_that_is_written_meanwhile_is_left_alone(loaded: Damage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A load between the listing and the comparison: neither its rows nor the listing are to be trusted together."""

    def list_while_somebody_writes(*arguments: Any, **options: Any) -> Iterator[Any]:
        yield from list_index(*arguments, **options)
        loaded.write_index_table(loaded.world.table("vector_index").rows().slice(1))

    loaded.delete_vectors(VICTIM)
    monkeypatch.setattr("batch_assets.reconciliation.reconciler.list_index", list_while_somebody_writes)
    report = loaded.reconcile("--repair", code=3)
    assert report["left_alone"] == [
        {"partition": KEY, "reason": "a run has written its tables meanwhile: reconcile again"}
    ]
    assert VICTIM not in loaded.world.vectors()


@pytest.mark.parametrize("table", ["embedding_table", "vector_index"])
def test_a_table_that_is_replaced_after_it_was_compared_wins(
    loaded: Damage, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    """The repair of that partition stops before its first vector, and overwrites no table."""

    def plan_while_somebody_writes(contents: Any) -> Any:
        path = loaded.world.tables.catalog.path(table, KEY)
        stored = loaded.world.tables.open(path)
        loaded.world.tables.write(path, TableOutput(stored.rows().slice(1), stored.facts))
        return way_back(contents)

    loaded.delete_vectors(VICTIM)
    monkeypatch.setattr("batch_assets.reconciliation.repair.way_back", plan_while_somebody_writes)
    report = loaded.reconcile("--repair", code=3)
    assert [left["partition"] for left in report["left_alone"]] == [KEY]
    assert (loaded.world.table(table).rows_count, VICTIM in loaded.world.vectors()) == (99, False)


def test_a_repair_that_breaks_off_is_finished_by_the_next(loaded: Damage) -> None:
    """Meanwhile the index table says which keys are open."""
    loaded.delete_vectors(VICTIM)
    broken = {"code": "ValidationException", "status": 400, "message": "injected"}
    loaded.world.fault(service="s3vectors", operation="PutVectors", error=broken)
    assert "injected" in loaded.command.refused("reconcile", "--repair", code=1)
    rows = loaded.world.table("vector_index").rows().to_pylist()
    assert {row["key"] for row in rows if row["state"] == "writing"} == {VICTIM}
    loaded.world.forget_faults()
    loaded.repaired_whole()


def test_vectors_without_a_table_are_never_deleted(loaded: Damage) -> None:
    """They may be all that is left of what was paid for: the table is to be restored."""
    table = loaded.world.table("embedding_table")
    bucket, _, key = table.uri.removeprefix("s3://").partition("/")
    loaded.world.aws.s3.delete_object(Bucket=bucket, Key=key)
    report = loaded.reconcile("--repair", code=3)
    assert loaded.found(report) == {"orphaned": 100}
    assert [left["reason"] for left in report["left_alone"]] == [
        f"{table.uri} does not exist: restore it, or check BATCH_ASSETS_TABLES_URI"
    ]
    assert len(loaded.world.vectors()) == 100


def test_the_report_names_each_kind_with_an_example(loaded: Damage) -> None:
    """A row a kind, and what to do next."""
    loaded.delete_vectors(VICTIM)
    lines = loaded.command("reconcile").lines
    assert lines[2].split() == ["kind", "found", "repaired", "what", "it", "is", "for", "example"]
    assert lines[3].split()[:3] == ["missing", "1", "0"]
    assert lines[3].endswith(VICTIM)
    assert lines[-1] == "Add --repair to mend the index from the tables; it calls no model."


class TestJob:
    """The Dagster job `reconcile_index`."""

    def run(self, loaded: Damage, *, repair: bool, fails: bool = False) -> dg.ExecuteInProcessResult:
        """Run it as a person does."""
        config = {"ops": {"reconcile": {"config": {"repair": repair}}}}
        result = loaded.world.definitions.resolve_job_def("reconcile_index").execute_in_process(
            instance=loaded.world.instance, run_config=config, raise_on_error=False
        )
        assert result.success is not fails
        return result

    def test_it_fails_while_something_differs_and_mends_it(self, loaded: Damage) -> None:
        """With the same code as the command."""
        loaded.delete_vectors(VICTIM)
        failure = self.run(loaded, repair=False, fails=True).failure_data_for_node("reconcile")
        assert failure is not None
        assert failure.user_failure_data is not None
        assert failure.user_failure_data.description == "2 differences remain: 1 missing, 1 differing"
        self.run(loaded, repair=True)
        self.run(loaded, repair=False)
        assert len(loaded.world.vectors()) == 100

    def test_a_partition_with_an_unfinished_run_is_left_alone(self, loaded: Damage) -> None:
        """One writer a partition."""
        loaded.delete_vectors(VICTIM)
        loaded.world.begin_run("load", KEY)
        failure = self.run(loaded, repair=True, fails=True).failure_data_for_node("reconcile")
        assert failure is not None
        assert failure.user_failure_data is not None
        assert f"{KEY}: a run is under way" in str(failure.user_failure_data.description)
        assert VICTIM not in loaded.world.vectors()
