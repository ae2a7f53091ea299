"""Input that is missing, wrong or odd: a clear error or a counted rejection."""

import dagster as dg
import pytest

from tests.conftest import Aws
from tests.world import KEY, World, new_world, picture, pictures

PREFIX = f"photos/{KEY}/"
ODD_NAMES = (
    "with space.png",
    "single'quote.png",
    'double"quote.png',
    "plus+sign.png",
    "percent%20sign%.png",
    "new\nline.png",
    "tab\tstop.png",
    "//double.png",
    "./dot.png",
    "../up.png",
    "emoji-🌄.png",
    "umlaut-ä.png",
    "umlaut-a\u0308.png",
    "question?and#hash&amp;.png",
    "back\\slash<tag>.png",
    "one/same.png",
    "two/same.png",
    "UPPER.PNG",
    "x" * (1024 - len(PREFIX) - len(".png")) + ".png",
)


def test_odd_keys_are_embedded_indexed_and_deletable(world: World) -> None:
    """Whatever S3 takes as a key comes back exactly the same from the table and from the index."""
    odd = {name: picture(900 + number) for number, name in enumerate(ODD_NAMES)}
    world.put(pictures(100) | odd)
    world.embed()
    keys = {f"{PREFIX}{name}" for name in (*pictures(100), *ODD_NAMES)}
    assert {row["key"] for row in world.rows("embedding_table")} == keys
    vectors = world.vectors()
    assert vectors.keys() == keys
    assert all(vector["s3_uri"] == f"s3://{world.settings.source_bucket}/{key}" for key, vector in vectors.items())
    world.delete(*ODD_NAMES)
    world.plan()
    world.settle()
    assert world.vectors().keys() == {f"{PREFIX}{name}" for name in pictures(100)}


def test_a_partition_without_objects_has_empty_tables_and_says_so(world: World) -> None:
    """Nothing there is no failure: the check warns, and all six tables exist."""
    run = world.plan()
    world.settle()
    check = run.checks["prefix_has_pictures"]
    assert not check.passed
    assert check.severity == dg.AssetCheckSeverity.WARN
    assert "0 of 0 objects" in (check.description or "")
    assert run.metadata["batch_job"]["state"] == "nothing_to_do"
    assert world.rows("vector_index") == world.rows("embedding_table") == world.rows("rejected_images") == []
    assert world.stale() == set()


def test_a_partition_with_nothing_but_rejected_files_is_loaded(world: World) -> None:
    """Each file has its row and its reason, without a job."""
    world.put({"a.txt": b"words", "b.png": b"", "c.bmp": b"BM"})
    world.plan()
    world.settle()
    assert [row["code"] for row in world.rows("rejected_images")] == [
        "unsupported_format",
        "empty",
        "unsupported_format",
    ]
    assert world.jobs() == []


def test_a_missing_bucket_is_named(aws: Aws) -> None:
    """The error says which prefix could not be listed and what to check."""
    with (
        new_world(aws, source_bucket="no-such-bucket-here", results_bucket=aws.new_bucket()) as world,
        pytest.raises(dg.Failure, match=r"s3://no-such-bucket-here/photos/2026/11/18/: the bucket does not exist"),
    ):
        world.plan()


def test_a_partition_that_does_not_exist_is_refused(world: World) -> None:
    """Dagster knows the keys: from the first one set to the last complete one."""
    with pytest.raises(dg.DagsterUnknownPartitionError, match="2026/11/17"):
        world.plan("2026/11/17")


def test_a_load_that_comes_too_early_succeeds_without_output(world: World) -> None:
    """Somebody materialised everything at once: nothing turns red, the checks warn, the sensor loads later."""
    world.put(pictures(100))
    world.plan()
    run = world.load()
    assert (run.success, run.metadata) == (True, {})
    assert [name for name, check in run.checks.items() if not check.passed] == ["job_is_loaded"]
    assert {check.severity for check in run.checks.values()} == {dg.AssetCheckSeverity.WARN}
    assert "nothing to load yet: job ba-2026-11-18-" in (run.checks["job_is_loaded"].description or "")
    world.settle()
    assert len(world.vectors()) == 100


def test_a_load_before_any_plan_says_what_to_do_first(world: World) -> None:
    """There is no job to wait for."""
    check = world.load().checks["job_is_loaded"]
    assert "materialise batch_job first" in (check.description or "")


@pytest.mark.parametrize(
    ("asset", "missing"),
    [("batch_manifest", "image_inventory"), ("batch_job", "batch_manifest"), ("vector_index", "embedding_table")],
)
def test_an_asset_without_the_one_before_it_names_the_missing_table(world: World, asset: str, missing: str) -> None:
    """Materialising one asset alone, out of order, is a clear error."""
    with pytest.raises(dg.Failure, match=rf"{missing}/.* does not exist yet: materialise the assets before it"):
        world.materialize(asset)


def test_a_job_that_bedrock_refuses_leaves_the_lane_free_and_names_the_cure(world: World) -> None:
    """The account may not create jobs: the error says which permission is needed, and no manifest stays behind."""
    world.put(pictures(100))
    denied = {"code": "AccessDeniedException", "status": 403, "message": "not authorized"}
    world.fault(service="bedrock", operation="CreateModelInvocationJob", error=denied)
    with pytest.raises(dg.Failure, match=r"partition 2026/11/18: Bedrock refuses .*iam:PassRole"):
        world.plan()
    listing = world.aws.s3.list_objects_v2(Bucket=world.settings.source_bucket, Prefix=PREFIX)
    assert not [entry for entry in listing["Contents"] if entry["Key"].endswith(".jsonl")]
