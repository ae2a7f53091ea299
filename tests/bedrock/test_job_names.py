"""Names of batch jobs, and what the service says of a job."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from batch_assets.bedrock.jobs import ENDED_STATUSES, LIVE_STATUSES, BatchJob, job_name

# `jobName` of CreateModelInvocationJob in the service model of Amazon Bedrock; at most 63 characters.
JOB_NAME = re.compile(r"[a-zA-Z0-9]{1,63}(-*[a-zA-Z0-9+\-.]){0,63}\Z")
ARN = "arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/abcdefghij12"

fingerprints = st.text("0123456789abcdef", min_size=64, max_size=64)
attempts = st.integers(1, 10**6)


def reply(**changes: object) -> dict[str, object]:
    return {
        "jobArn": ARN,
        "jobName": "ba-2024-01-02-0123456789abcdef-a1",
        "modelId": "amazon.nova-2-multimodal-embeddings-v1:0",
        "status": "InProgress",
        "submitTime": datetime(2024, 1, 3, tzinfo=UTC),
        "inputDataConfig": {"s3InputDataConfig": {"s3Uri": "s3://pictures/photos/2024/01/02/"}},
        "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://results/batch-assets/results/"}},
        **changes,
    }


@given(st.text(max_size=100), fingerprints, attempts)
@settings(deadline=None)
def test_any_partition_gives_a_name_that_bedrock_takes(partition: str, fingerprint: str, attempt: int) -> None:
    """At most 63 letters, digits and hyphens, whatever the key."""
    name = job_name(partition, fingerprint, attempt)
    assert len(name) <= 63
    assert JOB_NAME.match(name)


@given(st.text(max_size=100), fingerprints, fingerprints, attempts, attempts)
@settings(deadline=None)
def test_distinct_jobs_of_a_partition_have_distinct_names(
    partition: str, fingerprint: str, other: str, attempt: int, other_attempt: int
) -> None:
    """Another manifest or another attempt is never found under this name."""
    assume((fingerprint[:16], attempt) != (other[:16], other_attempt))
    assert job_name(partition, fingerprint, attempt) != job_name(partition, other, other_attempt)


def test_a_name_can_be_read_by_people() -> None:
    """Partition, beginning of the fingerprint, attempt."""
    assert job_name("2024/01/02", "0123456789abcdef" * 4, 2) == "ba-2024-01-02-0123456789abcdef-a2"


def test_results_lie_in_a_folder_named_after_the_job() -> None:
    """The job id is the end of the ARN."""
    assert BatchJob.from_reply(reply()).results_uri == "s3://results/batch-assets/results/abcdefghij12/"


def test_counters_are_zero_until_the_service_tells_them() -> None:
    """They are absent from replies of a job that has not begun."""
    job = BatchJob.from_reply(reply())
    assert (job.total_records, job.processed_records, job.success_records, job.error_records) == (0, 0, 0, 0)


@pytest.mark.parametrize("status", [*LIVE_STATUSES, *ENDED_STATUSES])
def test_every_status_is_live_or_ended(status: str) -> None:
    """The ten statuses of the service model, none of them both."""
    assert BatchJob.from_reply(reply(status=status)).ended is (status not in LIVE_STATUSES)
