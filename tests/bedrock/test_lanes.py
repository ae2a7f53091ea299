"""One lane carries one manifest."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from botocore.config import Config
from hypothesis import given, settings
from hypothesis import strategies as st

from batch_assets.bedrock.lanes import Holder, Lane, acquire, current_lock, held_manifest, release, release_job
from tests.conftest import Aws

HOLDER = Holder("2024/01/02", "f" * 64, 1, "ba-2024-01-02-ffffffffffffffff-a1", "run-1")


@pytest.fixture
def lane(aws: Aws) -> Lane:
    """Give a free lane in a new bucket."""
    return Lane(aws.new_bucket("lanes"), "photos/2024/01/02/")


def content(aws: Aws, lane: Lane) -> bytes:
    return aws.s3.get_object(Bucket=lane.bucket, Key=lane.lock_key)["Body"].read()


def test_the_lock_is_the_job_input_in_the_folder_that_is_submitted(aws: Aws, lane: Lane) -> None:
    """One file is both, so neither can be there without the other."""
    assert acquire(aws.s3, lane, HOLDER, b"{}\n") is None
    assert lane.lock_key == "photos/2024/01/02/_batch_assets.jsonl"
    assert lane.uri == f"s3://{lane.bucket}/photos/2024/01/02/"
    assert content(aws, lane) == b"{}\n"


def test_the_lane_of_a_whole_bucket_has_its_lock_at_the_top() -> None:
    """Where no parent folder is allowed."""
    assert (Lane("pictures", "").uri, Lane("pictures", "").lock_key) == ("s3://pictures/", "_batch_assets.jsonl")


def test_a_lock_names_its_holder(aws: Aws, lane: Lane) -> None:
    """Partition, manifest, attempt, job and run; also a partition that is no ASCII."""
    holder = replace(HOLDER, partition="jour=2024 é/01")
    acquire(aws.s3, lane, holder, b"{}\n")
    lock = current_lock(aws.s3, lane)
    assert lock is not None
    assert lock.holder == holder


def test_a_free_lane_has_no_lock(aws: Aws, lane: Lane) -> None:
    """Nothing to ask, nothing to release."""
    assert current_lock(aws.s3, lane) is None
    assert release_job(aws.s3, lane, HOLDER.job_name) is False


def test_taking_a_lane_again_for_the_same_job_succeeds(aws: Aws, lane: Lane) -> None:
    """A run that died goes on where it was, whatever its own id."""
    acquire(aws.s3, lane, HOLDER, b"{}\n")
    assert acquire(aws.s3, lane, replace(HOLDER, run_id="run-2"), b"{}\n") is None


@pytest.mark.parametrize("other", [replace(HOLDER, fingerprint="e" * 64), replace(HOLDER, attempt=2)])
def test_a_taken_lane_is_not_overwritten(aws: Aws, lane: Lane, other: Holder) -> None:
    """Another manifest, or another attempt, gets the lock that stands there."""
    acquire(aws.s3, lane, HOLDER, b"{}\n")
    lock = acquire(aws.s3, lane, other, b"[]\n")
    assert lock is not None
    assert lock.holder == HOLDER
    assert content(aws, lane) == b"{}\n"


def test_of_many_contenders_exactly_one_takes_the_lane(aws: Aws, lane: Lane) -> None:
    """The others are told who did."""
    holders = [replace(HOLDER, fingerprint=f"{number:064}") for number in range(8)]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda holder: acquire(aws.s3, lane, holder, holder.fingerprint.encode()), holders))
    (winner,) = [holder for holder, lock in zip(holders, found, strict=True) if lock is None]
    assert {lock.holder for lock in found if lock is not None} == {winner}
    assert content(aws, lane) == winner.fingerprint.encode()


def test_a_released_lane_is_free(aws: Aws, lane: Lane) -> None:
    """For the next manifest."""
    acquire(aws.s3, lane, HOLDER, b"{}\n")
    assert release_job(aws.s3, lane, HOLDER.job_name) is True
    assert current_lock(aws.s3, lane) is None
    assert release_job(aws.s3, lane, HOLDER.job_name) is False


def test_a_lane_is_not_released_for_another_job(aws: Aws, lane: Lane) -> None:
    """Whoever comes late does not take away what is in use."""
    acquire(aws.s3, lane, HOLDER, b"{}\n")
    assert release_job(aws.s3, lane, "ba-2024-01-02-ffffffffffffffff-a2") is False
    assert current_lock(aws.s3, lane) is not None


def test_a_lock_that_has_changed_hands_is_not_released(aws: Aws, lane: Lane) -> None:
    """Between the look and the deletion somebody else may have been faster."""
    acquire(aws.s3, lane, HOLDER, b"{}\n")
    seen = current_lock(aws.s3, lane)
    assert seen is not None
    release(aws.s3, lane, seen)
    assert release(aws.s3, lane, seen) is False or current_lock(aws.s3, lane) is None
    acquire(aws.s3, lane, replace(HOLDER, fingerprint="e" * 64), b"[]\n")
    assert release(aws.s3, lane, seen) is False
    assert held_manifest(aws.s3, lane, seen) is None
    assert content(aws, lane) == b"[]\n"


def test_a_release_whose_answer_was_lost_is_a_release(aws: Aws, lane: Lane) -> None:
    """boto3 repeats it and is told that there is nothing any more."""
    acquire(aws.s3, lane, HOLDER, b"{}\n")
    aws.control("faults", {"service": "s3", "operation": "DeleteObject", "times": 1, "cut": "after"})
    patient = aws.client("s3", config=Config(retries={"mode": "standard", "total_max_attempts": 2}))
    assert release_job(patient, lane, HOLDER.job_name) is True
    assert current_lock(aws.s3, lane) is None
    aws.control("faults", method="DELETE")


def test_a_file_that_somebody_put_there_by_hand_has_an_unknown_holder(aws: Aws, lane: Lane) -> None:
    """It is a lock all the same: Bedrock would read it."""
    aws.s3.put_object(Bucket=lane.bucket, Key=lane.lock_key, Body=b"{}\n")
    lock = acquire(aws.s3, lane, HOLDER, b"[]\n")
    assert lock is not None
    assert lock.holder == Holder("", "", 0, "", "")


@given(st.text(max_size=50))
@settings(deadline=None)
def test_metadata_is_ascii_for_any_partition(partition: str) -> None:
    """HTTP headers carry nothing else."""
    assert all(
        value.isascii() and value.isprintable() for value in replace(HOLDER, partition=partition).metadata.values()
    )
