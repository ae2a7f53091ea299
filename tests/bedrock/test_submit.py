"""Submitting a manifest: paid for once, however often and wherever a run dies."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError

from batch_assets.bedrock import lanes
from batch_assets.bedrock.ledger import ATTACHED, HELD, NOTHING_TO_DO, QUEUED, REFUSED, SUBMITTED, JobRow, Ledger
from batch_assets.bedrock.submission import Submission
from batch_assets.errors import JobError
from tests.bedrock.conftest import Deploy, Deployment


class Wrapped:
    """A client of which some calls are replaced."""

    def __init__(self, client: Any, **calls: Callable[..., Any]) -> None:
        self._client, self._calls = client, calls

    def __getattr__(self, name: str) -> Any:
        return self._calls.get(name) or getattr(self._client, name)


def dying_after_create(deployment: Deployment) -> Any:
    """A client that never sees the answer of CreateModelInvocationJob, although the job exists."""

    def create(**request: Any) -> None:
        deployment.aws.bedrock.create_model_invocation_job(**request)
        raise ConnectionError("the run died here")

    return Wrapped(deployment.aws.bedrock, create_model_invocation_job=create)


def crash(deployment: Deployment, submission: Submission) -> None:
    with pytest.raises(ConnectionError, match="the run died here"):
        deployment.submit(submission, bedrock=dying_after_create(deployment))


def refuse_creation(deployment: Deployment, code: str, status: int) -> None:
    rule = {"service": "bedrock", "operation": "CreateModelInvocationJob", "times": 1}
    deployment.aws.control("faults", [{**rule, "error": {"code": code, "status": status, "message": "no"}}])


def lock_of(deployment: Deployment, partition: str) -> lanes.Lock | None:
    return lanes.current_lock(deployment.aws.s3, deployment.submitter().lane(partition))


def test_a_manifest_is_submitted_with_everything_that_names_it(daily: Deployment) -> None:
    """One job, its input in the lane, its row complete."""
    submission = daily.submission()
    row = daily.submit(submission)
    (job,) = daily.jobs()
    assert (job.name, job.status) == (submission.job_name, "Submitted")
    assert row == JobRow(
        state=SUBMITTED,
        reason="accepted by Bedrock",
        token=job.arn,
        job_arn=job.arn,
        job_name=job.name,
        fingerprint=submission.fingerprint,
        attempt=1,
        records=100,
        cost_usd=Decimal("0.00300"),
        input_uri=f"s3://{daily.settings.source_bucket}/photos/2024/01/02/",
        output_uri=f"s3://{daily.settings.source_bucket}/batch-assets/results/",
        submitted_at=job.submitted_at,
    )
    lane = daily.submitter().lane("2024/01/02")
    assert daily.aws.s3.get_object(Bucket=lane.bucket, Key=lane.lock_key)["Body"].read() == submission.jsonl


def test_a_job_is_tagged_with_what_it_belongs_to(daily: Deployment) -> None:
    """So that a bill or a console tells where it comes from."""
    row = daily.submit(submission := daily.submission())
    tags = daily.aws.bedrock.list_tags_for_resource(resourceARN=str(row.job_arn))["tags"]
    assert {tag["key"]: tag["value"] for tag in tags} == {
        "batch_assets:partition": "2024/01/02",
        "batch_assets:fingerprint": submission.fingerprint,
        "batch_assets:attempt": "1",
        "batch_assets:space": daily.settings.space.slug,
    }


def test_the_copy_of_the_manifest_is_stored_before_anything_is_paid(daily: Deployment) -> None:
    """A job without it could never be loaded."""

    def fails() -> None:
        raise OSError("no copy")

    with pytest.raises(OSError, match="no copy"):
        daily.submit(daily.submission(), store_copy=fails)
    assert (daily.jobs(), daily.lane_files()) == ([], [])


def test_the_same_manifest_again_attaches(daily: Deployment) -> None:
    """The job is found by its name, and nothing else happens."""
    first = daily.submit(daily.submission())
    again = daily.submit(daily.submission(run_id="run-2"))
    assert (again.state, again.job_arn) == (ATTACHED, first.job_arn)
    assert again.records == 100
    assert len(daily.jobs()) == 1
    assert daily.copies == ["copy"]


def test_a_recorded_job_that_is_not_loaded_is_found_too(daily: Deployment) -> None:
    """The attempt grows only when a job is loaded."""
    first = daily.submit(daily.submission())
    again = daily.submit(daily.submission(ledger=Ledger((first,))))
    assert (again.state, again.job_arn) == (ATTACHED, first.job_arn)


def test_a_job_that_has_ended_is_attached_as_well(daily: Deployment) -> None:
    """What it brought is paid for."""
    first = daily.submit(daily.submission())
    daily.end(first)
    assert daily.submit(daily.submission()).job_arn == first.job_arn


def test_a_manifest_whose_job_is_loaded_is_a_new_attempt(daily: Deployment) -> None:
    """Its records came back with errors that may pass: another name, another token, another job."""
    first = daily.submit(daily.submission())
    daily.end(first)
    second = daily.submit(daily.submission(ledger=Ledger((first,)), loaded_job=first.token))
    assert (second.state, second.attempt) == (SUBMITTED, 2)
    assert second.job_arn != first.job_arn
    assert str(second.job_name).endswith("-a2")


def test_a_crash_before_the_answer_is_seen_makes_no_second_job(daily: Deployment) -> None:
    """The next run finds the job by its name."""
    crash(daily, daily.submission())
    row = daily.submit(daily.submission(run_id="run-2"))
    assert row.state == ATTACHED
    assert len(daily.jobs()) == 1


def test_a_crash_makes_no_second_job_even_when_the_list_lags(daily: Deployment) -> None:
    """The token makes CreateModelInvocationJob answer with the job that exists."""
    crash(daily, daily.submission())

    class NoJobs:
        def paginate(self, **_: Any) -> list[Any]:
            return [{"invocationJobSummaries": []}]

    blind = Wrapped(daily.aws.bedrock, get_paginator=lambda _: NoJobs())
    row = daily.submit(daily.submission(run_id="run-2"), bedrock=blind)
    assert (row.state, row.job_arn) == (SUBMITTED, daily.jobs()[0].arn)
    assert len(daily.jobs()) == 1


def test_a_crash_makes_no_second_job_even_when_pictures_came_meanwhile(daily: Deployment) -> None:
    """The lane still names the job of the earlier manifest; the new pictures come with the next one."""
    crash(daily, earlier := daily.submission())
    row = daily.submit(daily.submission(pictures=120, run_id="run-2"))
    assert (row.state, row.job_arn) == (ATTACHED, daily.jobs()[0].arn)
    assert (row.fingerprint, row.attempt, row.records) == (earlier.fingerprint, 1, 100)
    assert len(daily.jobs()) == 1


def test_a_job_of_another_space_is_not_taken_for_ones_own(deploy: Deploy, daily: Deployment) -> None:
    """Its vectors have another dimension: this space waits until the lane is free."""
    crash(daily, daily.submission())
    wider = deploy(source_bucket=daily.settings.source_bucket, dimension=1024)
    assert wider.submit(wider.submission()).state == QUEUED


def test_a_recorded_job_does_not_stand_in_for_a_later_manifest(daily: Deployment) -> None:
    """It is loaded already: the new pictures need a job of their own."""
    first = daily.submit(daily.submission())
    daily.end(first)
    row = daily.submit(daily.submission(pictures=120, ledger=Ledger((first,)), loaded_job=first.token))
    assert (row.state, row.records) == (SUBMITTED, 120)


def test_many_runs_of_one_manifest_make_one_job(daily: Deployment) -> None:
    """However they interleave."""
    with ThreadPoolExecutor(6) as threads:
        rows = list(threads.map(lambda number: daily.submit(daily.submission(run_id=f"run-{number}")), range(6)))
    assert len({row.job_arn for row in rows}) == len(daily.jobs()) == 1
    assert {row.state for row in rows} <= {SUBMITTED, ATTACHED}


def test_two_manifests_for_one_lane_at_once_make_one_job(hive: Deployment) -> None:
    """Exactly one wins the lane, and the other is queued: Bedrock never sees two manifests in a folder."""
    days = ["2024-01-02", "2024-01-03"]
    with ThreadPoolExecutor(2) as threads:
        rows = list(threads.map(lambda day: hive.submit(hive.submission(day, run_id=day)), days))
    assert sorted(row.state for row in rows) == [QUEUED, SUBMITTED]
    assert len(hive.jobs()) == 1
    assert hive.lane_files() == ["photos/_batch_assets.jsonl"]


def test_an_empty_manifest_is_nothing_to_do(daily: Deployment) -> None:
    """No job, but something to load: deletions and copies."""
    row = daily.submit(daily.submission(pictures=0))
    assert (row.state, row.job_arn, daily.jobs()) == (NOTHING_TO_DO, None, [])
    assert row.token.startswith("nothing_to_do:")


def test_a_state_without_a_job_has_a_token_of_its_content(daily: Deployment) -> None:
    """The same again is loaded already; another content is not."""
    first = daily.submit(daily.submission(pictures=0))
    assert daily.submit(daily.submission(pictures=0, run_id="run-2")).token == first.token
    assert daily.submit(daily.submission(pictures=0, content_version="d" * 64)).token != first.token


def test_a_table_that_is_up_to_date_is_not_loaded_again(daily: Deployment) -> None:
    """The token stays what the table holds already; a listing that has moved on gives a new one."""
    submission = daily.submission(pictures=0, loaded_job="arn:1")
    assert daily.submit(replace(submission, up_to_date=True)).token == submission.loaded_job
    assert daily.submit(replace(submission, up_to_date=False)).token != submission.loaded_job


def test_a_full_quota_queues(deploy: Deploy, daily: Deployment) -> None:
    """The limit counts everybody's jobs; a queued manifest leaves no trace in the lane."""
    daily.submit(daily.submission())
    full = deploy(max_live_jobs=1)
    row = full.submit(full.submission())
    assert row.state == QUEUED
    assert "the limit is 1" in row.reason
    assert (full.jobs(), full.lane_files(), full.copies) == ([], [], [])


def test_a_full_quota_does_not_hide_a_job_that_exists(deploy: Deploy) -> None:
    """Attaching costs nothing."""
    full = deploy(max_live_jobs=1)
    first = full.submit(full.submission())
    assert full.submit(full.submission()).job_arn == first.job_arn


def test_a_quota_that_the_service_finds_full_queues_and_frees_the_lane(daily: Deployment) -> None:
    """Somebody else was faster between the count and the call."""
    refuse_creation(daily, "ServiceQuotaExceededException", 400)
    row = daily.submit(daily.submission())
    assert row.state == QUEUED
    assert "quota" in row.reason
    assert (daily.jobs(), daily.lane_files()) == ([], [])


def test_foreign_jsonl_files_are_refused_by_name(daily: Deployment) -> None:
    """Before anything is stored or paid."""
    foreign = [f"photos/2024/01/02/{number}.jsonl" for number in range(7)]
    row = daily.submit(daily.submission(foreign_manifests=foreign))
    assert row.state == REFUSED
    assert all(repr(key) in row.reason for key in foreign[:5])
    assert (daily.jobs(), daily.lane_files(), daily.copies) == ([], [], [])


def test_a_foreign_file_that_comes_late_does_not_hide_the_job(daily: Deployment) -> None:
    """It is live and paid for: the partition goes on waiting for it."""
    crash(daily, daily.submission())
    assert daily.submit(daily.submission(foreign_manifests=["photos/2024/01/02/a.jsonl"])).state == ATTACHED


def test_fewer_records_than_the_minimum_are_held_where_it_is_set_so(deploy: Deploy) -> None:
    """And the reason names both numbers."""
    daily = deploy(under_minimum="hold")
    row = daily.submit(daily.submission(pictures=99))
    assert row.state == HELD
    assert "99" in row.reason
    assert "100" in row.reason
    assert (daily.jobs(), daily.lane_files()) == ([], [])


def test_a_hold_keeps_the_manifest_and_says_why(daily: Deployment) -> None:
    """Until a person takes it away."""
    row = daily.submit(daily.submission(hold="job was stopped"))
    assert (row.state, row.reason, daily.jobs()) == (HELD, "job was stopped", [])


def test_a_lane_of_a_live_job_queues_the_others(hive: Deployment) -> None:
    """The reason names the job and its partition."""
    first = hive.submit(hive.submission("2024-01-02"))
    hive.ended_runs.add("run-1")
    row = hive.submit(hive.submission("2024-01-03", run_id="run-2"))
    assert row.state == QUEUED
    assert str(first.job_name) in row.reason
    assert "2024-01-02" in row.reason
    assert len(hive.jobs()) == 1


def test_a_lane_of_an_ended_job_is_taken_over(hive: Deployment) -> None:
    """Its output is elsewhere: the input is needed no more."""
    first = hive.submit(hive.submission("2024-01-02"))
    hive.end(first)
    row = hive.submit(hive.submission("2024-01-03", run_id="run-2"))
    lock = lock_of(hive, "2024-01-03")
    assert row.state == SUBMITTED
    assert lock is not None
    assert lock.holder.partition == "2024-01-03"
    assert hive.lane_files() == ["photos/_batch_assets.jsonl"]


def take_lane(deployment: Deployment, submission: Submission) -> None:
    """Leave a lane as a run does that dies before it creates its job."""
    holder = lanes.Holder(
        submission.partition, submission.fingerprint, submission.attempt, submission.job_name, submission.run_id
    )
    lane = deployment.submitter().lane(submission.partition)
    assert lanes.acquire(deployment.aws.s3, lane, holder, submission.jsonl) is None


@pytest.mark.parametrize(("over", "state"), [(True, SUBMITTED), (False, QUEUED), (None, QUEUED)])
def test_a_lane_without_a_job_is_taken_over_when_its_run_is_over(
    hive: Deployment, over: bool | None, state: str
) -> None:
    """A run that goes on, or that nobody knows yet, may be about to create its job."""
    take_lane(hive, hive.submission("2024-01-02"))
    row = hive.submit(hive.submission("2024-01-03", run_id="run-2"), run_is_over=lambda _: over)
    assert row.state == state


def test_a_lane_of_an_unknown_run_is_taken_over_when_it_is_old(
    hive: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another Dagster instance, say, that is gone."""
    monkeypatch.setattr("batch_assets.bedrock.lane_taking._UNKNOWN_RUN_LOCK_AGE", timedelta(days=-1))
    take_lane(hive, hive.submission("2024-01-02"))
    row = hive.submit(hive.submission("2024-01-03", run_id="run-2"), run_is_over=lambda _: None)
    assert row.state == SUBMITTED


def test_ones_own_abandoned_lane_is_used_as_it_is(daily: Deployment) -> None:
    """The run died between lock and job: the next one goes on."""
    take_lane(daily, daily.submission())
    assert daily.submit(daily.submission(run_id="run-2")).state == SUBMITTED


def test_ones_own_abandoned_lane_of_an_earlier_manifest_is_taken_over(daily: Deployment) -> None:
    """No job came of it."""
    take_lane(daily, daily.submission())
    daily.ended_runs.add("run-1")
    row = daily.submit(later := daily.submission(pictures=120, run_id="run-2"))
    assert (row.state, row.fingerprint) == (SUBMITTED, later.fingerprint)


def test_a_lock_file_that_is_not_ours_queues_and_is_named(daily: Deployment) -> None:
    """It is never deleted: somebody put it there."""
    lane = daily.submitter().lane("2024/01/02")
    daily.aws.s3.put_object(Bucket=lane.bucket, Key=lane.lock_key, Body=b"{}\n")
    row = daily.submit(daily.submission())
    assert row.state == QUEUED
    assert f"s3://{lane.bucket}/{lane.lock_key} was not put there by this project" in row.reason


def test_a_role_that_bedrock_cannot_assume_is_told_with_the_cure(deploy: Deploy) -> None:
    """And the lane is free for the next attempt."""
    deployment = deploy(role_arn="arn:aws:iam::123456789012:role/no-such-role")
    with pytest.raises(JobError, match=r"2024/01/02: Bedrock refuses .*no-such-role.*iam:PassRole"):
        deployment.submit(deployment.submission())
    assert (deployment.jobs(), deployment.lane_files()) == ([], [])


@pytest.mark.parametrize(
    ("code", "status"),
    [("InternalServerException", 500), ("ThrottlingException", 429), ("BadGateway", 502), ("GatewayTimeout", 504)],
)
def test_an_answer_that_decides_nothing_keeps_the_lane(daily: Deployment, code: str, status: int) -> None:
    """The job may exist: the next run looks, and makes one job in all."""
    refuse_creation(daily, code, status)
    with pytest.raises(ClientError):
        daily.submit(daily.submission())
    assert len(daily.lane_files()) == 1
    assert daily.submit(daily.submission(run_id="run-2")).state == SUBMITTED
    assert len(daily.jobs()) == 1


def test_a_lane_with_a_submission_of_another_attempt_is_not_mixed_up(daily: Deployment) -> None:
    """The second attempt of a manifest waits for the first one, although their bytes are the same."""
    first = daily.submit(daily.submission())
    ended = replace(first, loaded=True)
    row = daily.submit(daily.submission(ledger=Ledger((ended,)), loaded_job=first.token))
    assert row.state == QUEUED
