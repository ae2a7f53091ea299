"""Starting a run for one purpose again when it failed: a bounded number of times, with growing pauses.

A run key fires once and for all, also when the run failed, so the attempt is part of it. How often a purpose was tried
is counted from the runs that carry its tag: nothing is remembered.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import dagster as dg

PURPOSE_TAG = "batch_assets/purpose"

_FIRST_PAUSE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(hours=1)
_STEPS = 3
_TAGS_IN_A_QUERY = 5_000


@dataclass(frozen=True)
class Purpose:
    """What a run is for: a job name, a partition, and the identity of what it shall bring about."""

    job_name: str
    partition: str
    identity: str

    @property
    def tag(self) -> str:
        """Short and the same for the same purpose."""
        return hashlib.sha256(f"{self.job_name}\0{self.partition}\0{self.identity}".encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Wait:
    """Why a purpose is not pursued now."""

    reason: str


def earlier_runs(instance: dg.DagsterInstance, purposes: Iterable[Purpose]) -> Mapping[str, Sequence[dg.RunRecord]]:
    """The runs that were started for each of these purposes, by its tag; a query for thousands of them together."""
    found: dict[str, list[dg.RunRecord]] = defaultdict(list)
    tags = sorted({purpose.tag for purpose in purposes})
    for start in range(0, len(tags), _TAGS_IN_A_QUERY):
        wanted = tags[start : start + _TAGS_IN_A_QUERY]
        for record in instance.get_run_records(dg.RunsFilter(tags={PURPOSE_TAG: wanted})):
            found[record.dagster_run.tags[PURPOSE_TAG]].append(record)
    return found


def next_run(
    purpose: Purpose,
    tries: Sequence[dg.RunRecord],
    *,
    now: float,
    max_attempts: int | None,
    tags: Mapping[str, str] | None = None,
) -> dg.RunRequest | Wait:
    """The next run for a purpose after its earlier runs, or why there is none yet.

    `now` is in epoch seconds; without `max_attempts` a purpose is pursued as often as it takes.
    """
    if max_attempts is not None and len(tries) >= max_attempts:
        return Wait(
            f"{purpose.partition}: {len(tries)} runs of {purpose.job_name} did not bring it about; look at the last "
            f"one and launch {purpose.job_name} by hand when its cause is mended"
        )
    if tries:
        ended = max(record.end_time or record.update_timestamp.timestamp() for record in tries)
        due = ended + pause(len(tries)).total_seconds()
        if now < due:
            return Wait(f"{purpose.partition}: {purpose.job_name} did not succeed, tried again in {due - now:.0f} s")
    return dg.RunRequest(
        run_key=f"{purpose.tag}|{len(tries) + 1}",
        job_name=purpose.job_name,
        partition_key=purpose.partition,
        tags={**(tags or {}), PURPOSE_TAG: purpose.tag},
    )


def pause(tries: int) -> timedelta:
    """How long to wait after so many tries: 1, 4, 16 minutes, at most an hour."""
    return min(_FIRST_PAUSE * int(4 ** min(tries - 1, _STEPS)), _LONGEST_PAUSE)
