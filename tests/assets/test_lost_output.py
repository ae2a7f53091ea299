"""Output or manifests that are gone when a job has ended: a person restores them, or gives the job up."""

from dataclasses import replace
from decimal import Decimal

import dagster as dg
import pytest

from batch_assets.assets.job_files import JobFiles
from batch_assets.assets.partition_state import PartitionState
from batch_assets.bedrock.jobs import get_job
from batch_assets.storage.write_offs import write_off
from tests.world import KEY, World, pictures


@pytest.fixture
def lost(world: World) -> World:
    """A partition whose job has ended, and whose output somebody has removed."""
    world.put(pictures(100))
    world.plan()
    world.finish_jobs()
    remove(world, "batch-assets/results/")
    return world


def remove(world: World, prefix: str) -> None:
    """Delete all objects under a prefix."""
    bucket = world.settings.source_bucket
    listed = world.aws.s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]
    world.aws.s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": entry["Key"]} for entry in listed]})


def job_name(world: World) -> str:
    """Name of the newest job."""
    return str(world.jobs()[-1]["jobName"])


def test_an_output_that_has_vanished_is_an_error_that_names_it(lost: World) -> None:
    """The service counted records, so an empty folder is no empty result; nothing is overwritten by it."""
    with pytest.raises(
        dg.Failure, match=r"holds no \.jsonl\.out file, although it has processed 100 records"
    ) as refused:
        lost.load()
    assert "lifecycle" in str(refused.value)
    assert f"`batch-assets jobs write-off {KEY}`" in str(refused.value)
    assert not lost.table("embedding_table").exists


def test_a_job_that_processed_nothing_has_lost_nothing(lost: World) -> None:
    """An empty folder is all that it could bring."""
    row = PartitionState.read(lost.tables, KEY).in_flight()
    assert row is not None
    job = replace(get_job(lost.aws.bedrock, str(row.job_arn)), processed_records=0)
    assert JobFiles(lost.settings, lost.aws.s3, lost.tables, KEY, row, job).loss is None


def test_a_job_that_is_given_up_is_sent_again_and_its_cost_stays(lost: World) -> None:
    """Its pictures wait, the sensors send them as the second attempt, and both attempts count as paid."""
    write_off(lost.tables, KEY, job_name(lost))
    told = lost.load()
    assert told.metadata["embedding_table"]["job_records"]["records_written_off"] == 100
    assert told.metadata["embedding_table"]["waiting"] == 100
    assert told.checks["counts_add_up"].passed

    lost.settle()
    assert [job["jobName"][-3:] for job in lost.jobs()] == ["-a1", "-a2"]
    assert len(lost.vectors()) == 100
    assert PartitionState.read(lost.tables, KEY).ledger.paid_usd == Decimal("0.006")


def test_giving_up_one_job_gives_up_no_other(lost: World) -> None:
    """It is told by its name: the output of the next one has to be there again."""
    write_off(lost.tables, KEY, job_name(lost))
    lost.load()
    lost.plan()
    lost.finish_jobs()
    remove(lost, "batch-assets/results/")
    with pytest.raises(dg.Failure, match=r"-a2 cannot be loaded"):
        lost.load()


def test_what_is_there_of_an_output_is_loaded_all_the_same(world: World) -> None:
    """A job that was given up too early loses nothing."""
    world.put(pictures(100))
    world.plan()
    world.finish_jobs()
    write_off(world.tables, KEY, job_name(world))
    told = world.load().metadata["embedding_table"]
    assert (told["embedded"], told["job_records"]["records_written_off"]) == (100, 0)


def test_the_manifest_stands_in_for_its_copy(world: World) -> None:
    """The copy of what the job was given is gone: the manifest is left as it is while the job is in flight."""
    world.put(pictures(100))
    world.plan()
    world.finish_jobs()
    remove(world, "batch-assets/tables/submitted_manifest/")
    assert world.load().metadata["embedding_table"]["embedded"] == 100


@pytest.mark.parametrize(("count", "paid_usd"), [(100, "0.003"), (20, "0.0012")], ids=["batch", "on demand"])
def test_a_job_whose_manifests_are_gone_can_be_given_up(world: World, count: int, paid_usd: str) -> None:
    """Nobody knows any more what its records were; all of them count as paid."""
    world.put(pictures(count))
    world.plan()
    world.finish_jobs()
    name = str(world.rows("batch_job")[-1]["job_name"])
    remove(world, "batch-assets/tables/submitted_manifest/")
    remove(world, "batch-assets/tables/batch_manifest/")
    with pytest.raises(dg.Failure, match="the copy of its manifest, is gone"):
        world.load()
    write_off(world.tables, KEY, name)
    run = world.load()
    assert run.checks["counts_add_up"].passed
    assert run.metadata["embedding_table"]["waiting"] == count
    assert PartitionState.read(world.tables, KEY).ledger.paid_usd == Decimal(paid_usd)
