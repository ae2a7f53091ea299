"""The schedule: plans the newest complete partitions again, so that late pictures are embedded too."""

from collections.abc import Iterator

import dagster as dg

from batch_assets.assets.node import partitions_definition
from batch_assets.automation.job_names import PLAN_AND_SUBMIT
from batch_assets.settings import Settings

NAME = "plan_newest_partitions"


def build(settings: Settings) -> dg.ScheduleDefinition:
    """The schedule for one deployment's settings; off until a person switches it on, because jobs cost money."""
    partitions = partitions_definition(settings)

    @dg.schedule(
        name=NAME,
        cron_schedule=_delayed(settings),
        execution_timezone=settings.timezone,
        job_name=PLAN_AND_SUBMIT,
        description=f"Plans the newest {settings.look_back_partitions} complete partitions; what has not changed "
        "since costs nothing.",
    )
    def plan_newest_partitions(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        at = context.scheduled_execution_time
        keys = partitions.get_partition_keys(current_time=at)[-settings.look_back_partitions :]
        if not keys:
            yield dg.SkipReason(f"no partition is complete yet: the first is {settings.first_partition}")
        for key in keys:
            yield dg.RunRequest(run_key=f"{key}|{at.isoformat()}", partition_key=key)

    return plan_newest_partitions


def _delayed(settings: Settings) -> str:
    _, *rest = settings.template.cron_schedule.split(" ")
    return " ".join([str(settings.schedule_delay_minutes), *rest])
