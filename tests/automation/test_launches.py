"""How often, and after which pauses, a purpose is pursued."""

from collections.abc import Sequence
from datetime import timedelta

import dagster as dg
import pytest

from batch_assets.automation.launches import PURPOSE_TAG, Purpose, Wait, earlier_runs, next_run, pause
from tests.world import KEY

LOAD = Purpose("load", KEY, "arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/abcdefghijkl")


def test_the_first_run_of_a_purpose_is_wanted_at_once() -> None:
    """It carries the partition, the purpose, and the attempt in its key."""
    with dg.DagsterInstance.ephemeral() as instance:
        run = next_run(LOAD, _tries(instance), now=0.0, max_attempts=1)
    assert isinstance(run, dg.RunRequest)
    assert (run.job_name, run.partition_key, run.run_key) == ("load", KEY, f"{LOAD.tag}|1")
    assert run.tags[PURPOSE_TAG] == LOAD.tag


def test_a_run_key_and_a_tag_are_short() -> None:
    """Databases index them: a long ARN must not make them long."""
    assert len(Purpose("load", KEY, "x" * 5000).tag) == 32


def test_purposes_differ_by_job_partition_and_identity() -> None:
    """What is tried for one never counts for another."""
    tags = {Purpose(job, key, what).tag for job in ("a", "b") for key in ("1", "2") for what in ("x", "y")}
    assert len(tags) == 8


@pytest.mark.parametrize(("tries", "minutes"), [(1, 1), (2, 4), (3, 16), (4, 60), (5, 60), (10_000, 60)])
def test_pauses_grow_up_to_an_hour(tries: int, minutes: int) -> None:
    """1, 4, 16 minutes, then an hour, however often it was tried."""
    assert pause(tries) == timedelta(minutes=minutes)


@pytest.mark.parametrize(("max_attempts", "is_left"), [(1, True), (2, False), (None, False)])
def test_a_purpose_is_left_after_its_last_attempt(max_attempts: int | None, is_left: bool) -> None:
    """Without a bound it is pursued as often as it takes."""
    with dg.DagsterInstance.ephemeral() as instance:
        instance.create_run_for_job(_nothing(), tags={PURPOSE_TAG: LOAD.tag}, status=dg.DagsterRunStatus.FAILURE)
        found = next_run(LOAD, _tries(instance), now=4e9, max_attempts=max_attempts)
    assert isinstance(found, Wait) is is_left


def test_runs_of_many_purposes_are_told_apart() -> None:
    """They are read with one query, also thousands of them."""
    others = [Purpose("load", KEY, str(number)) for number in range(6000)]
    with dg.DagsterInstance.ephemeral() as instance:
        for purpose in (LOAD, LOAD, others[0]):
            instance.create_run_for_job(_nothing(), tags={PURPOSE_TAG: purpose.tag})
        found = earlier_runs(instance, [LOAD, *others])
    assert {tag: len(runs) for tag, runs in found.items()} == {LOAD.tag: 2, others[0].tag: 1}


def _tries(instance: dg.DagsterInstance) -> Sequence[dg.RunRecord]:
    return earlier_runs(instance, [LOAD]).get(LOAD.tag, ())


def _nothing() -> dg.JobDefinition:
    @dg.op
    def nothing() -> None: ...

    @dg.job(name="load")
    def load() -> None:
        nothing()

    return load
