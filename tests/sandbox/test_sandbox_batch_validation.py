"""What makes a whole job fail, some time after it was accepted."""

import json
import uuid

import pytest

from batch_assets.sandbox.authorization.guard import Guard
from batch_assets.sandbox.bedrock import model
from batch_assets.sandbox.bedrock.input import JobFailedError, read_input
from batch_assets.sandbox.bedrock.role_access import RoleAccess
from batch_assets.sandbox.s3_store import ObjectStore, spool
from tests.sandbox.conftest import Batch, text_records

ANY_ROLE = RoleAccess(Guard(), "arn:aws:iam::123456789012:role/any")


def test_a_folder_without_jsonl_fails(batch: Batch) -> None:
    """Pictures alone are no input."""
    batch.put("1.jpg", b"x")
    ended = batch.run()
    assert ended["status"] == "Failed"
    assert ".jsonl" in ended["message"]


@pytest.mark.parametrize("line", [b"{", b"[1]", b"null", b"", b"\xff"])
def test_a_line_that_is_no_json_object_fails_the_job(batch: Batch, line: bytes) -> None:
    """The message names the line."""
    lines = [json.dumps(record).encode() for record in text_records(120)]
    lines[41] = line
    batch.put("input.jsonl", b"\n".join(lines))
    ended = batch.run()
    assert ended["status"] == "Failed"
    assert ended["message"].startswith("Line 42 of s3://")


def test_99_records_are_too_few_and_100_enough(batch: Batch) -> None:
    """The minimum counts the records of all files."""
    batch.put_records(text_records(60), "a.jsonl")
    batch.put_records(text_records(39), "b.jsonl")
    failed = batch.run()
    assert (failed["status"], failed["totalRecordCount"]) == ("Failed", 0)
    assert "99 records" in failed["message"]
    batch.put_records(text_records(40), "b.jsonl")
    assert batch.run()["status"] == "Completed"


def test_a_missing_input_bucket_fails_the_job(batch: Batch) -> None:
    """The job is accepted and fails when it is validated."""
    ended = batch.run(inputDataConfig={"s3InputDataConfig": {"s3Uri": f"s3://none-{uuid.uuid4().hex}/a/"}})
    assert ended["status"] == "Failed"
    assert "GetObject permissions" in ended["message"]


def test_a_missing_output_bucket_fails_the_job(batch: Batch) -> None:
    """So does an output bucket."""
    config = {"s3OutputDataConfig": {"s3Uri": f"s3://none-{uuid.uuid4().hex}/a/"}}
    ended = batch.run(text_records(), outputDataConfig=config)
    assert ended["status"] == "Failed"
    assert "PutObject permissions" in ended["message"]


def test_a_role_deleted_meanwhile_fails_the_job(batch: Batch) -> None:
    """The role is needed when the job is validated, not only when it is submitted."""
    name = f"r-{uuid.uuid4().hex}"
    trust = {"Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = batch.aws.iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)
    batch.put_records(text_records())
    arn = batch.submit(roleArn=role["Role"]["Arn"])
    batch.aws.iam.delete_role(RoleName=name)
    batch.aws.advance(30)
    assert name in batch.aws.wait_for_job(arn, "Failed")["message"]


@pytest.mark.parametrize("config", ["input", "output"])
def test_a_bucket_of_another_account_fails_the_job(batch: Batch, config: str) -> None:
    """The owner that the request names must be the bucket's."""
    batch.put_records(text_records())
    request = batch.request()
    (location,) = request[f"{config}DataConfig"].values()
    location["s3BucketOwner"] = "999999999999"
    assert "999999999999" in batch.run(**request)["message"]


class Sized(ObjectStore):
    """A store whose objects claim another size, since gigabytes are too slow to make."""

    def __init__(self, size_bytes: int) -> None:
        """Set the size of every object."""
        super().__init__()
        self._size_bytes = size_bytes

    def size_bytes(self, bucket: str, key: str) -> int | None:  # noqa: ARG002 - the same for all
        """Return the claimed size."""
        return self._size_bytes


def test_a_file_over_one_gibibyte_fails_the_job() -> None:
    """The limit is told with the file."""
    bucket = f"b-{uuid.uuid4().hex}"
    store = Sized(model.INPUT_FILE_MAX_BYTES + 1)
    store.backend.create_bucket(bucket, "us-east-1")
    content = spool()
    content.write(b"{}\n")
    store.put(bucket, "in/a.jsonl", content)
    with pytest.raises(JobFailedError, match=f"s3://{bucket}/in/a.jsonl has"):
        read_input(store, ANY_ROLE, input_uri=f"s3://{bucket}/in/", output_uri=f"s3://{bucket}/out/")


def test_more_than_100000_records_fail_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """The maximum, made smaller for the test."""
    monkeypatch.setattr(model, "JOB_MAX_RECORDS", 120)
    bucket = f"b-{uuid.uuid4().hex}"
    store = ObjectStore()
    store.backend.create_bucket(bucket, "us-east-1")
    content = spool()
    content.write(b"{}\n" * 121)
    store.put(bucket, "in/a.jsonl", content)
    with pytest.raises(JobFailedError, match="121 records"):
        read_input(store, ANY_ROLE, input_uri=f"s3://{bucket}/in", output_uri=f"s3://{bucket}/out/")
