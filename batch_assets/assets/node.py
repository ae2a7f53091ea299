"""What all nodes of the graph have in common: group, owners, partitions, retries and tags."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import dagster as dg
import pyarrow as pa

from batch_assets.assets.metadata import columns
from batch_assets.errors import BatchAssetsError
from batch_assets.settings import Settings

GROUP = "image_embeddings"
OWNERS = ["team:data-engineering"]
_PERIODS = {"hourly": timedelta(hours=1), "daily": timedelta(days=1), "monthly": timedelta(days=31)}
RETRY_POLICY = dg.RetryPolicy(max_retries=2, delay=2, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.FULL)


def partitions_definition(settings: Settings) -> dg.TimeWindowPartitionsDefinition:
    """A partition for each prefix from the first setting to the last complete period; keys as in the prefix.

    There is no end date: with one in the past the plots of the web UI stay empty.
    """
    return dg.TimeWindowPartitionsDefinition(
        start=settings.first_partition,
        fmt=settings.template.key_format,
        cron_schedule=settings.template.cron_schedule,
        timezone=settings.timezone,
    )


def freshness_policy(settings: Settings) -> dg.FreshnessPolicy:
    """How long ago something was indexed last: it warns when the newest partition could have been, and was not.

    It fails when a whole period more has passed. A period without pictures is indexed too, as an empty one.
    """
    late = _PERIODS[settings.template.granularity] + timedelta(hours=settings.job_timeout_hours)
    return dg.FreshnessPolicy.time_window(fail_window=late + _PERIODS[settings.template.granularity], warn_window=late)


def node(
    settings: Settings,
    *,
    name: str,
    description: str,
    kinds: set[str],
    code_version: str,
    schema: pa.Schema,
    check_specs: Sequence[dg.AssetCheckSpec] = (),
    deps: Sequence[str] = (),
    pool: str | None = None,
    freshness: dg.FreshnessPolicy | None = None,
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """The decorator of an asset of the graph; `schema` is that of its table."""
    decorate = dg.asset(
        name=name,
        description=description,
        kinds=kinds,
        code_version=code_version,
        metadata=columns(schema),
        check_specs=check_specs,
        deps=deps,
        pool=pool,
        group_name=GROUP,
        owners=OWNERS,
        partitions_def=partitions_definition(settings),
        tags=node_tags(settings),
        retry_policy=RETRY_POLICY,
        freshness_policy=freshness,
    )
    return lambda function: decorate(told_plainly(function))


def told_plainly(function: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    """Let a step that was refused fail with the refusal's own words, at once where repeating it cannot help."""

    @functools.wraps(function)
    def step(*args: Any, **resources: Any) -> Iterator[Any]:
        try:
            yield from function(*args, **resources)
        except BatchAssetsError as error:
            raise dg.Failure(str(error), allow_retries=error.worth_repeating) from error

    return step


def node_tags(settings: Settings) -> dict[str, str]:
    """Tags of every asset; the space is what its vectors can be compared within."""
    return {"batch_assets/space": settings.space.slug}


def started_by_a_person(tags: Mapping[str, str]) -> bool:
    """Whether a run was launched by hand (backfills included), not by a schedule or a sensor."""
    return not tags.keys() & {"dagster/schedule_name", "dagster/sensor_name"}
