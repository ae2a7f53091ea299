"""Batch jobs that end badly, or whose output is not what it should be, on request."""

import json
import math
from typing import Any

import pytest

from tests.sandbox.conftest import DIMENSION, Batch, text_records

HOURS_24 = 24 * 3600
ENDS = ("Completed", "PartiallyCompleted", "Expired", "Stopped", "Failed")


def run(batch: Batch, count: int = 100, **rule: Any) -> Any:
    """Run a job under a rule to its end."""
    batch.fault(**rule)
    batch.put_records(text_records(count))
    arn = batch.submit()
    batch.aws.advance(HOURS_24)
    return batch.aws.wait_for_job(arn, *ENDS)


def vectors(batch: Batch, arn: str) -> dict[str, list[float]]:
    """Vectors of the output by record id."""
    return {
        line["recordId"]: line["modelOutput"]["embeddings"][0]["embedding"]
        for line in batch.output(arn)
        if "modelOutput" in line
    }


@pytest.mark.parametrize("good", ["none", "some", "all"])
@pytest.mark.parametrize("end_state", ENDS)
def test_every_end_with_any_records_good(batch: Batch, end_state: str, good: str) -> None:
    """How a job ends says nothing about its records: what was embedded is in the output and is paid for."""
    embedded = {"none": 0, "some": 50, "all": 100}[good]
    ended = run(batch, end_state=end_state, good=good)
    assert ended["status"] == end_state
    assert (ended["successRecordCount"], ended["errorRecordCount"]) == (embedded, 100 - embedded)
    assert len(vectors(batch, ended["jobArn"])) == embedded
    (state,) = [job for job in batch.aws.control("state")["jobs"] if job["arn"] == ended["jobArn"]]
    assert (state["records_total"], state["records_embedded"]) == (100, embedded)


@pytest.mark.parametrize(("end_state", "total"), [("Completed", 100), ("Stopped", 100), ("Expired", 0)])
def test_records_can_be_left_unprocessed(batch: Batch, end_state: str, total: int) -> None:
    """All of them: nothing is paid for, and a job that expires has not begun."""
    ended = run(batch, end_state=end_state, unprocessed_records="all")
    assert (ended["status"], ended["totalRecordCount"], ended["processedRecordCount"]) == (end_state, total, 0)


@pytest.mark.parametrize("amount", [30, {"share": 0.3}])
def test_a_job_with_unprocessed_records_is_partially_completed(batch: Batch, amount: Any) -> None:
    """Unless the rule says otherwise; the last records are left."""
    ended = run(batch, unprocessed_records=amount)
    assert (ended["status"], ended["processedRecordCount"]) == ("PartiallyCompleted", 70)
    assert sorted(vectors(batch, ended["jobArn"])) == [record["recordId"] for record in text_records(70)]


def test_the_service_says_why(batch: Batch) -> None:
    """The message of the rule is that of the job."""
    assert run(batch, end_state="Failed", message="no can do")["message"] == "no can do"


def test_records_fail_in_different_ways(batch: Batch) -> None:
    """Each group has its own code; the first group that names a record counts."""
    groups = [
        {"records": ["R000001"], "code": 400, "message": "malformed"},
        {"records": {"every": 2}, "code": 429, "message": "slow down"},
    ]
    arn = run(batch, errors=groups)["jobArn"]
    codes = {line["recordId"]: line["error"]["errorCode"] for line in batch.output(arn) if "error" in line}
    assert codes["R000001"] == 400
    assert list(codes.values()).count(429) == 49


def test_lines_are_garbled(batch: Batch) -> None:
    """They are no JSON, and no text either."""
    text = batch.output_text(run(batch, garbled_records=3)["jobArn"])
    bad = [line for line in text.splitlines() if line.startswith(b"\xff")]
    assert (len(bad), len(text.splitlines())) == (3, 100)


def test_vectors_are_spoilt(batch: Batch) -> None:
    """Too short, with NaN, or zero; the others are whole."""
    rule: dict[str, Any] = {
        "wrong_dimension_records": ["R000001"],
        "nan_records": ["R000002"],
        "zero_records": ["R000003"],
    }
    found = vectors(batch, run(batch, **rule)["jobArn"])
    assert len(found["R000001"]) == DIMENSION - 1
    assert math.isnan(found["R000002"][0])
    assert not any(found["R000003"])
    assert math.hypot(*found["R000004"]) == pytest.approx(1, abs=1e-3)


def test_output_files_go_missing(batch: Batch) -> None:
    """The job says that it is completed all the same."""
    ended = run(batch, output_files=3, missing_files=2, missing_counts=True)
    assert ended["status"] == "Completed"
    assert batch.output_names(ended["jobArn"]) == ["input.jsonl.out"]


def test_output_files_appear_late(batch: Batch) -> None:
    """On the virtual clock, after the job has ended."""
    arn = run(batch, output_files=2, late_files=1, late_seconds=600)["jobArn"]
    assert batch.output_names(arn) == ["input.jsonl.out", "manifest.json.out"]
    batch.aws.advance(601)
    batch.aws.s3.get_waiter("object_exists").wait(
        Bucket=batch.bucket, Key=f"results/{arn[-12:]}/input-1.jsonl.out", WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    assert len(batch.output(arn)) + len(batch.output(arn, "input-1.jsonl.out")) == 100
    assert json.loads(batch.output_text(arn, "manifest.json.out"))["successRecordCount"] == 100
