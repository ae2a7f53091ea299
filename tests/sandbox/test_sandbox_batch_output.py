"""The files a batch job writes."""

import json

from tests.sandbox.conftest import FOLDER, Batch, text_records


def ids(lines: list[dict[str, str]]) -> list[str]:
    """Return the record ids in order."""
    return [line["recordId"] for line in lines]


def test_output_lies_in_a_folder_named_by_the_job(batch: Batch) -> None:
    """One file per input file, and the counts."""
    batch.put_records(text_records(60), "a.jsonl")
    batch.put_records(text_records(60), "b.jsonl")
    arn = batch.run()["jobArn"]
    assert batch.output_names(arn) == ["a.jsonl.out", "b.jsonl.out", "manifest.json.out"]


def test_every_jsonl_below_the_folder_is_processed(batch: Batch) -> None:
    """Files of one name in two sub-folders keep their paths; other folders are not touched."""
    batch.put_records(text_records(60), "x/in.jsonl")
    batch.put_records(text_records(60), "y/in.jsonl")
    batch.aws.s3.put_object(Bucket=batch.bucket, Key=f"{FOLDER}2/in.jsonl", Body=b"not read")
    ended = batch.run()
    assert ended["totalRecordCount"] == 120
    assert batch.output_names(ended["jobArn"]) == ["manifest.json.out", "x/in.jsonl.out", "y/in.jsonl.out"]


def test_a_single_file_may_be_the_input(batch: Batch) -> None:
    """An s3Uri that names a file reads that one alone."""
    batch.put_records(text_records(100), "a.jsonl")
    batch.put_records(text_records(100), "b.jsonl")
    uri = f"s3://{batch.bucket}/{FOLDER}/a.jsonl"
    ended = batch.run(inputDataConfig={"s3InputDataConfig": {"s3Uri": uri}})
    assert batch.output_names(ended["jobArn"]) == ["a.jsonl.out", "manifest.json.out"]


def test_lines_are_shuffled_and_complete(batch: Batch) -> None:
    """Order is not that of the input; every record has its line."""
    records = text_records(150)
    arn = batch.run(records)["jobArn"]
    written = ids(batch.output(arn))
    assert written != ids(records)
    assert sorted(written) == ids(records)


def test_counts_are_written_beside_the_output(batch: Batch) -> None:
    """The counts of the job; images and texts count no tokens here."""
    batch.fault(fail_every=10)
    arn = batch.run(text_records(120))["jobArn"]
    assert json.loads(batch.output_text(arn, "manifest.json.out")) == {
        "totalRecordCount": 120,
        "processedRecordCount": 120,
        "successRecordCount": 108,
        "errorRecordCount": 12,
        "inputTokenCount": 0,
        "outputTokenCount": 0,
    }


def test_records_with_the_same_id_are_both_processed(batch: Batch) -> None:
    """Ids are the submitter's business."""
    records = text_records(100) + text_records(1)
    arn = batch.run(records)["jobArn"]
    assert ids(batch.output(arn)).count("R000000") == 2


def test_a_last_line_without_a_newline_counts(batch: Batch) -> None:
    """So the record count is the number of lines, with or without a last newline."""
    batch.put("input.jsonl", "\n".join(json.dumps(record) for record in text_records(100)).encode())
    assert batch.run()["totalRecordCount"] == 100


class TestFaults:
    """What job rules do to a job and its output."""

    def test_chosen_records_fail(self, batch: Batch) -> None:
        """By id, with the code and text of the rule."""
        batch.fault(error_records=["R000003", "R000007"], error_code=429, error_message="slow down")
        arn = batch.run(text_records())["jobArn"]
        failed = {line["recordId"]: line["error"] for line in batch.output(arn) if "error" in line}
        error = {"errorCode": 429, "errorMessage": "slow down"}
        assert failed == {"R000003": error, "R000007": error}

    def test_lines_go_missing_and_appear_twice(self, batch: Batch) -> None:
        """The counters do not show it."""
        batch.fault(missing_records=["R000001"], duplicate_records=["R000002"])
        ended = batch.run(text_records())
        written = ids(batch.output(ended["jobArn"]))
        assert (written.count("R000001"), written.count("R000002"), len(written)) == (0, 2, 100)
        assert ended["successRecordCount"] == 100

    def test_a_number_means_the_first_records(self, batch: Batch) -> None:
        """Where ids are not known to whoever writes the rule."""
        batch.fault(missing_records=5, duplicate_records=7)
        written = ids(batch.output(batch.run(text_records())["jobArn"]))
        assert sorted(written)[:4] == ["R000005", "R000005", "R000006", "R000006"]

    def test_the_last_line_is_cut(self, batch: Batch) -> None:
        """Half of it is there, without a newline."""
        batch.fault(truncate_last_line=True)
        text = batch.output_text(batch.run(text_records())["jobArn"])
        *whole, last = text.split(b"\n")
        assert len(whole) == 99
        assert all(json.loads(line) for line in whole)
        assert 0 < len(last) < len(whole[0])

    def test_output_is_spread_over_files(self, batch: Batch) -> None:
        """The files together hold each record once."""
        batch.fault(output_files=3)
        arn = batch.run(text_records())["jobArn"]
        names = [name for name in batch.output_names(arn) if name != "manifest.json.out"]
        assert names == ["input-1.jsonl.out", "input-2.jsonl.out", "input.jsonl.out"]
        written = [record_id for name in names for record_id in ids(batch.output(arn, name))]
        assert sorted(written) == ids(text_records())

    def test_a_job_fails_with_a_given_message(self, batch: Batch) -> None:
        """While it is validated."""
        batch.fault(fail_job="no can do")
        ended = batch.run(text_records())
        assert (ended["status"], ended["message"]) == ("Failed", "no can do")

    def test_a_job_is_partially_completed(self, batch: Batch) -> None:
        """At its timeout, with the first records written."""
        batch.fault(partial_after=30)
        batch.put_records(text_records())
        arn = batch.submit(timeoutDurationInHours=24)
        batch.aws.advance(24 * 3600)
        ended = batch.aws.wait_for_job(arn, "PartiallyCompleted")
        assert (ended["totalRecordCount"], ended["processedRecordCount"]) == (100, 30)
        assert sorted(ids(batch.output(arn))) == ids(text_records(30))

    def test_a_job_expires(self, batch: Batch) -> None:
        """At its timeout, without having begun."""
        batch.fault(expire=True)
        batch.put_records(text_records())
        arn = batch.submit(timeoutDurationInHours=24)
        batch.aws.advance(3600)
        assert batch.aws.wait_for_job(arn, "Scheduled")["processedRecordCount"] == 0
        batch.aws.advance(23 * 3600)
        batch.aws.wait_for_job(arn, "Expired")
        assert batch.output_names(arn) == []

    def test_a_rule_can_be_meant_for_some_jobs(self, batch: Batch) -> None:
        """By name, and for a number of jobs."""
        batch.fault(fail_job="unlucky", job_name_contains="2024-01-02", times=1)
        batch.put_records(text_records())
        assert batch.run(jobName="ba-2024-01-01")["status"] == "Completed"
        assert batch.run(jobName="ba-2024-01-02")["status"] == "Failed"
        assert batch.run(jobName="ba-2024-01-02")["status"] == "Completed"
