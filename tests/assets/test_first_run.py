"""A partition's first way, from pictures under a prefix to vectors in the index."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import dagster as dg
import pyarrow.parquet as pq
import pytest

from tests.conftest import Aws
from tests.world import ASSETS, KEY, Run, World, new_world, pictures

PREFIX = f"photos/{KEY}/"
REJECTED = {
    "shopping-list.png": ("400", b"milk, bread, six eggs"),
    "empty.jpg": ("empty", b""),
    "scan.tiff": ("unsupported_format", b"II*\0"),
    "album/": ("folder_marker", b""),
}
SPACE = "amazon.nova-2-multimodal-embeddings-v1-0--256--generic-index"


@dataclass(frozen=True)
class Story:
    """A world in which one partition was planned, embedded and loaded, and what the two runs told."""

    world: World
    planned: Run
    loaded: Run
    locked: bool
    """Whether the manifest lay in the folder while the job ran."""

    def metadata(self, asset: str) -> dict[str, Any]:
        """What the materialisation of an asset told."""
        return (self.planned.metadata | self.loaded.metadata)[asset]


@pytest.fixture(scope="module")
def story(aws: Aws, _still_sandbox: None) -> Iterator[Story]:
    """100 pictures, one copy of a picture, and four files that cannot be embedded."""
    with new_world(aws) as world:
        found = pictures(100)
        copy = {"copies/of-0000.png": found["0000.png"]}
        world.put({**found, **copy, **{name: data for name, (_, data) in REJECTED.items()}})
        planned = world.plan()
        locked = f"{PREFIX}_batch_assets.jsonl" in _keys(world)
        world.finish_jobs()
        yield Story(world, planned, world.load(), locked)


def _keys(world: World) -> list[str]:
    listing = world.aws.s3.list_objects_v2(Bucket=world.settings.source_bucket, Prefix=PREFIX)
    return [entry["Key"] for entry in listing.get("Contents", [])]


def test_every_picture_is_embedded_rejected_or_waiting(story: Story) -> None:
    """The three add up to what lies under the prefix."""
    told = story.metadata("embedding_table")
    assert {name: told[name] for name in ("images", "embedded", "rejected", "waiting", "remaining")} == {
        "images": 105,
        "embedded": 101,
        "rejected": 4,
        "waiting": 0,
        "remaining": 0,
    }


def test_every_record_of_the_job_is_accounted_for(story: Story) -> None:
    """The copy needs no record of its own; the text file gets one, because only the model can tell."""
    told = story.metadata("embedding_table")["job_records"]
    assert {name: told[name] for name in ("records", "records_embedded", "records_refused", "records_missing")} == {
        "records": 101,
        "records_embedded": 100,
        "records_refused": 1,
        "records_missing": 0,
    }


def test_rejected_images_carry_their_reason(story: Story) -> None:
    """Each file that cannot be embedded has a row with a code and words for people."""
    rows = story.world.rows("rejected_images")
    assert {row["key"].removeprefix(PREFIX): row["code"] for row in rows} == {
        name: code for name, (code, _) in REJECTED.items()
    }
    assert all(row["message"] and row["final"] for row in rows)
    assert story.metadata("rejected_images")["reasons"] == {code: 1 for code, _ in REJECTED.values()}


def test_every_row_of_the_table_is_a_vector_in_the_live_index(story: Story) -> None:
    """The index holds exactly the table's keys, each with the ETag and the record id of its row."""
    rows = story.world.rows("embedding_table")
    assert {row["key"]: (row["etag"], row["record_id"], row["job_id"]) for row in rows} == {
        key: (vector["etag"], vector["record_id"], vector["job_id"]) for key, vector in story.world.vectors().items()
    }
    assert len(rows) == 101


def test_a_copy_has_a_row_of_its_own_and_the_record_that_was_paid_for(story: Story) -> None:
    """Two keys with the same bytes share the source record, not the record id."""
    rows = {row["key"].removeprefix(PREFIX): row for row in story.world.rows("embedding_table")}
    picture, copy = rows["0000.png"], rows["copies/of-0000.png"]
    assert picture["source_record_id"] == copy["source_record_id"]
    assert picture["record_id"] != copy["record_id"]


def test_all_checks_pass(story: Story) -> None:
    """A good first run shows nothing but green, and each verdict begins with the partition."""
    checks = story.planned.checks | story.loaded.checks
    assert {name: check.passed for name, check in checks.items()} == dict.fromkeys(
        (
            "prefix_has_pictures",
            "manifest_is_with_bedrock",
            "job_is_loaded",
            "counts_add_up",
            "record_ids_are_unique",
            "vectors_are_sound",
            "rows_are_in_the_live_index",
        ),
        True,
    )
    assert all((check.description or "").startswith(f"{KEY}: ") for check in checks.values())


def test_metadata_is_typed(story: Story) -> None:
    """Counts are integers, costs are numbers in USD, and previews are tables, so that the web UI can plot and show."""
    job = story.metadata("batch_job")
    assert (job["state"], job["records"], job["cost_usd"]) == ("submitted", 101, pytest.approx(101 * 0.00003))
    assert str(job["job_arn"]).startswith("arn:aws:bedrock:")
    table = story.metadata("embedding_table")
    assert all(type(table[name]) is int for name in ("images", "embedded", "rejected", "waiting", "dagster/row_count"))
    for asset in ASSETS:
        told = story.metadata(asset)
        assert told["preview"]
        assert str(told["dagster/uri"]).startswith(f"s3://{story.world.settings.source_bucket}/batch-assets/tables/")


@pytest.mark.parametrize("asset", ASSETS)
def test_the_column_schema_is_that_of_the_file(story: Story, asset: str) -> None:
    """What the web UI shows as columns is what a reader of the parquet file finds."""
    spec = story.world.definitions.resolve_assets_def(asset).specs_by_key[dg.AssetKey(asset)]
    schema = spec.metadata["dagster/column_schema"]
    assert isinstance(schema, dg.TableSchema)
    assert [column.name for column in schema.columns] == story.world.table(asset).rows().column_names


@pytest.mark.parametrize("asset", ASSETS)
def test_the_parquet_metadata_names_the_space_and_the_partition(story: Story, asset: str) -> None:
    """A file says by itself what its vectors can be compared with."""
    facts = story.world.table(asset).facts
    assert (facts["space"], facts["partition"]) == (SPACE, KEY)


def test_the_manifest_lies_in_the_folder_only_while_its_job_runs(story: Story) -> None:
    """The lock is taken by the submission and freed by the load."""
    assert story.locked
    assert not [key for key in _keys(story.world) if key.endswith(".jsonl")]


def test_the_job_is_tagged_with_where_it_comes_from(story: Story) -> None:
    """A job in the console can be traced to its partition and manifest."""
    (job,) = story.world.jobs()
    tags = story.world.aws.bedrock.list_tags_for_resource(resourceARN=job["jobArn"])["tags"]
    assert {tag["key"]: tag["value"] for tag in tags} == {
        "batch_assets:partition": KEY,
        "batch_assets:fingerprint": story.metadata("batch_job")["fingerprint"],
        "batch_assets:attempt": "1",
        "batch_assets:space": SPACE,
    }


def test_nothing_is_out_of_date_after_a_load(story: Story) -> None:
    """Dagster shows all six assets as fresh."""
    assert story.world.stale() == set()


@pytest.mark.parametrize("asset", ASSETS)
def test_every_asset_says_who_owns_it_and_what_it_is(story: Story, asset: str) -> None:
    """Group, owners, kinds, description, code version and partitions are there on all six."""
    spec = story.world.definitions.resolve_assets_def(asset).specs_by_key[dg.AssetKey(asset)]
    assert (spec.group_name, list(spec.owners)) == ("image_embeddings", ["team:data-engineering"])
    assert spec.kinds
    assert spec.description
    assert spec.code_version
    assert isinstance(spec.partitions_def, dg.TimeWindowPartitionsDefinition)


def test_the_tables_are_hive_directories_of_readable_parquet(story: Story) -> None:
    """The partition and the space stand in the path, so that DuckDB, Athena and Spark see them as columns."""
    uri = story.world.table("embedding_table").uri
    assert uri.endswith(f"embedding_table/space={SPACE}/partition=2026%2F11%2F18/data.parquet")
    schema: pq.ParquetSchema = story.world.table("embedding_table").rows().schema
    assert str(schema.field("embedding").type) == "fixed_size_list<element: float not null>[256]"
