"""The quota of live batch jobs, which the account's jobs share, anybody's."""

from collections.abc import Iterator

from batch_assets.bedrock.jobs import live_jobs
from batch_assets.doctor.deployment import Deployment
from batch_assets.doctor.finding import Finding, Findings

_NEARLY = 0.8


def examine(deployment: Deployment, found: Findings) -> Iterator[Finding]:
    settings = deployment.settings
    live = len({job.arn for job in live_jobs(deployment.client("bedrock"), settings.space.model)})
    yield judge(found, live=live, allowed=settings.max_live_jobs)
    if settings.max_live_jobs > settings.space.model.max_live_jobs:
        yield found.warning(
            f"BATCH_ASSETS_MAX_LIVE_JOBS is {settings.max_live_jobs}, the quota is "
            f"{settings.space.model.max_live_jobs} unless it was raised",
            "look it up in Service Quotas (Amazon Bedrock, in-progress and submitted batch inference jobs)",
        )


def judge(found: Findings, *, live: int, allowed: int) -> Finding:
    """How far the live jobs are from their number that is allowed."""
    state = f"{live} of {allowed} batch jobs of this model are live in the account"
    if live >= allowed:
        return found.warning(
            f"{state}: partitions queue until one ends", "wait, see batch-assets jobs, or have the quota raised"
        )
    if live >= _NEARLY * allowed:
        return found.warning(f"{state}: soon partitions will queue", "see batch-assets jobs, or have the quota raised")
    return found.ok(state)
